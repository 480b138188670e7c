import Foundation
import INET256
import Testing
import Wire

/// The bytes that hexadecimal digits stand for. Blanks are skipped; anything else is a slip in the test itself.
func hex(_ text: String) -> [UInt8] {
    let digits = text.compactMap { $0.isWhitespace ? nil : $0.hexDigitValue.map(UInt8.init) }
    precondition(digits.count % 2 == 0 && digits.count == text.count { !$0.isWhitespace }, "not hexadecimal: \(text)")
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

func hexText(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}

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

/// SplitMix64: the same bytes for the same seed.
final class SeededRandom: RandomSource {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        for index in 0..<buffer.count {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
            buffer[index] = UInt8(truncatingIfNeeded: z ^ z >> 31)
        }
    }

    func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        bytes.withUnsafeMutableBytes { fill($0) }
        return bytes
    }

    /// A seed of this run, named in the comment of whatever fails with it.
    static func freshSeed() -> UInt64 { UInt64.random(in: .min ... .max) }
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
