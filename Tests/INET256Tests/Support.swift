import Foundation
import INET256
import TestSupport
import Testing
import Wire

func bytes32(_ text: String) throws -> Bytes32 { try #require(Bytes32(hex(text))) }

extension SecretBytes {
    convenience init(_ bytes: [UInt8]) {
        self.init(count: bytes.count)
        withMutableBytes { $0.copyBytes(from: bytes) }
    }

    var bytes: [UInt8] { withBytes { [UInt8]($0) } }
}

extension [UInt8] {
    /// As `withUnsafeBytes`, keeping the type of the error.
    func withRaw<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try withUnsafeBufferPointer { (bytes) throws(E) in try body(UnsafeRawBufferPointer(bytes)) }
    }
}

/// Tests/Vectors/inet256.json.
struct Vectors: Decodable {
    struct Key: Decodable {
        var addressBase64, addressHex, ip6Addr, ip6AddrFull, privateKey, publicKey, seed: String
    }
    struct Mapped: Decodable {
        var addressBase64, addressHex, ip6Addr, prefixHex: String
        var hasPrefix: Bool
        var leadingZeros, prefixNbits: Int
    }
    struct Text: Decodable {
        var addressBase64, addressHex: String
    }
    struct Sum: Decodable {
        var `in`, out: String
    }
    var keysEd25519: [Key]
    var ip6Map: [Mapped]
    var base64: [Text]
    var sum256: [Sum]

    static func load() throws -> Vectors {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Vectors/inet256.json")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Vectors.self, from: Data(contentsOf: file))
    }
}
