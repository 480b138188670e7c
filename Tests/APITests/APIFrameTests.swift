import Foundation
import INET256
import Testing
import Wire

@testable import API

/// Tests/Vectors/inet256.json, `api_frames`: recorded from another implementation.
struct FrameVectors: Decodable {
    struct Frames: Decodable {
        var addressHex, dataEmpty, dataHello, findAddrError, findAddrOk, findAddrReq, keepalive: String
        var lookupPublicKeyError, lookupPublicKeyOk, lookupPublicKeyReq, requestId: String
        var maxMessageLen, mtu: Int
    }
    var apiFrames: Frames

    static func load() throws -> Frames {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Vectors/inet256.json")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(FrameVectors.self, from: Data(contentsOf: file)).apiFrames
    }
}

@Suite struct APIFrameTests {
    private func first(_ bytes: [UInt8]) throws -> (kind: APIFrame.Kind, count: Int)? {
        try bytes.withUnsafeBytes { try APIFrame.first(in: $0).map { ($0.kind, $0.bytes.count) } }
    }

    private let requestID = APIRequestID(high: 1, low: 2)

    @Test func recordedFramesAreWrittenAlike() throws {
        let vectors = try FrameVectors.load()
        let address = Address(raw: try #require(Bytes32(hex(vectors.addressHex))))
        let request = hex(vectors.findAddrReq)
        let id = try #require(try request.withUnsafeBytes { try APIFrame.first(in: $0)?.requestID })
        #expect(APIFrame.longest == vectors.maxMessageLen && APIFrame.longestPayload == vectors.mtu)
        #expect(APIFrame.data(address, []) == hex(vectors.dataEmpty))
        #expect(APIFrame.data(address, Array("hello".utf8)) == hex(vectors.dataHello))
        #expect(APIFrame.keep == hex(vectors.keepalive))
        #expect(APIFrame.found(id, address) == hex(vectors.findAddrOk))
        #expect(APIFrame.failed(.find, id, "no address with prefix") == hex(vectors.findAddrError))
        #expect(APIFrame.publicKey(id, serialized: Array("key".utf8)) == hex(vectors.lookupPublicKeyOk))
        #expect(APIFrame.failed(.publicKey, id, "public key not found") == hex(vectors.lookupPublicKeyError))
        var header = [UInt8](repeating: 0, count: APIFrame.dataHeaderCount)
        header.withUnsafeMutableBytes { APIFrame.writeDataHeader(address, payloadCount: 5, to: $0) }
        #expect(header + Array("hello".utf8) == hex(vectors.dataHello))
    }

    @Test func recordedFramesAreRead() throws {
        let vectors = try FrameVectors.load()
        let address = Address(raw: try #require(Bytes32(hex(vectors.addressHex))))
        try hex(vectors.dataHello).withUnsafeBytes { bytes in
            let frame = try #require(try APIFrame.first(in: bytes))
            #expect(frame.address == address && frame.payload.elementsEqual("hello".utf8))
        }
        try hex(vectors.findAddrReq).withUnsafeBytes { bytes in
            let question = try NodeQuestion(try #require(try APIFrame.first(in: bytes)))
            guard case .address(let prefix, 13) = question.subject else {
                Issue.record("not a FIND for 13 bits")
                return
            }
            #expect(prefix.raw.bytes.prefix(3) == [0x74, 0x60, 0])
        }
        try hex(vectors.lookupPublicKeyReq).withUnsafeBytes { bytes in
            let question = try NodeQuestion(try #require(try APIFrame.first(in: bytes)))
            guard case .publicKey(of: address) = question.subject else {
                Issue.record("not a PUBK for the address")
                return
            }
        }
    }

    @Test func everyBeginningIsIncompleteAndEveryFaultIsSeen() throws {
        let frame = hex(try FrameVectors.load().findAddrReq)
        for count in 0..<frame.count { #expect(try first(Array(frame[..<count])) == nil) }
        #expect(try first(frame + [1, 2])?.count == frame.count)
        let data = [UInt8]("DATA".utf8)
        #expect(throws: APIFrameError.overlong(65_572)) { try first([0, 1, 0, 0x24]) }
        #expect(try first([0, 1, 0, 0x23] + data) == nil)
        #expect(throws: APIFrameError.short(3)) { try first([0, 0, 0, 3]) }
        #expect(throws: APIFrameError.short(35)) { try first([0, 0, 0, 35] + data) }
        #expect(throws: APIFrameError.overlong(5)) { try first([0, 0, 0, 5] + Array("KEEP".utf8)) }
        #expect(throws: APIFrameError.short(19)) { try first([0, 0, 0, 19] + Array("FIND".utf8)) }
        #expect(throws: APIFrameError.unknownType(0x64617461)) { try first([0, 0, 0, 40] + Array("data".utf8)) }
    }

    @Test(arguments: [
        ("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob"), ("Zm9vYmFy", "foobar"),
    ])
    func base64(_ text: String, _ plain: String) {
        #expect(StandardBase64.text(Array(plain.utf8)) == text)
        #expect(StandardBase64.bytes(text.utf8) == Array(plain.utf8))
        #expect(StandardBase64.bytes(text.utf8.filter { $0 != UInt8(ascii: "=") }) == Array(plain.utf8))
    }

    @Test(arguments: ["A", "Zg=", "Zg===", "Z=g=", "Zm9v=", "Zm9v====", "Z-8=", "Zm 9v"])
    func notBase64(_ text: String) { #expect(StandardBase64.bytes(text.utf8) == nil) }

    @Test func jsonMembers() throws {
        let text = #" {"a":[1,{"b":"}"}],"nbits" : 13 , "target":"x\/\u0041\n","x":null,"n":-1.5e3,"nbits":14} "#
        try Array(text.utf8).withUnsafeBytes { bytes in
            let members = try #require(JSONMembers(bytes))
            #expect(members.integer("nbits") == 14)
            #expect(members.text("target") == Array("x/A\n".utf8))
            #expect(members.text("nbits") == nil && members.integer("n") == nil && members.text("b") == nil)
        }
        let deep = #"{"a":"# + String(repeating: "[", count: 60_000)
        for wrong in [
            "", "{", "[]", "{}x", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{"a":"x}"#, #"{"a":"\"#, deep, "{a:1}",
        ] {
            Array(wrong.utf8).withUnsafeBytes { #expect(JSONMembers($0) == nil, "\(wrong.prefix(20))") }
        }
    }
}
