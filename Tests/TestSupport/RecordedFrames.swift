internal import Foundation

/// Tests/Vectors/inet256.json, `api_frames`: recorded from another implementation. Bytes are hexadecimal.
package struct RecordedFrames: Decodable {
    package var addressHex, dataEmpty, dataHello, findAddrError, findAddrOk, findAddrReq, keepalive: String
    package var lookupPublicKeyError, lookupPublicKeyOk, lookupPublicKeyReq, requestId: String
    package var maxMessageLen, mtu: Int

    package static func load() throws -> RecordedFrames {
        struct File: Decodable {
            var apiFrames: RecordedFrames
        }
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Vectors/inet256.json")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(File.self, from: Data(contentsOf: file)).apiFrames
    }
}
