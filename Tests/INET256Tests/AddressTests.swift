import Foundation
import INET256
import TestSupport
import Testing
import Wire

@Suite struct AddressTests {
    private func error(_ text: String) -> AddressTextError? {
        do throws(AddressTextError) {
            _ = try Address(parsing: text)
            return nil
        } catch {
            return error
        }
    }

    @Test func vectorsOfTheProject() throws {
        let vectors = try Vectors.load()
        let pairs =
            vectors.base64.map { ($0.addressBase64, $0.addressHex) }
            + vectors.keysEd25519.map { ($0.addressBase64, $0.addressHex) }
            + vectors.ip6Map.map { ($0.addressBase64, $0.addressHex) }
        #expect(pairs.count == 20)
        for (text, digits) in pairs {
            let address = Address(raw: try bytes32(digits))
            #expect(address.description == text)
            #expect(Address(text) == address)
            #expect(try Address(parsing: text) == address)
        }
    }

    @Test func textsSortAsAddressesDo() throws {
        let seed = SeededRandom.freshSeed()
        let random = SeededRandom(seed: seed)
        for _ in 0..<500 {
            let a = Address(raw: try #require(Bytes32(random.bytes(32))))
            var other = a.raw.bytes
            other[Int(random.next(below: 32))] ^= UInt8(truncatingIfNeeded: random.next64())
            let b = Address(raw: try #require(Bytes32(other)))
            #expect(
                (a < b) == (Array(a.description.utf8).lexicographicallyPrecedes(b.description.utf8)), "seed \(seed)")
            #expect(Address(a.description) == a, "seed \(seed)")
        }
    }

    /// Of the 64 characters only the 16 whose last two bits are zero can end an address.
    @Test func onlyCanonicalTextsAreAccepted() {
        let alphabet = Array("-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
        let head = String(repeating: "7", count: 42)
        for (value, character) in alphabet.enumerated() {
            let text = head + String(character)
            if value % 4 == 0 {
                #expect(Address(text)?.description == text)
            } else {
                #expect(error(text) == .notCanonical)
            }
        }
    }

    @Test func saysWhatIsWrong() {
        let good = "oJLz5ZaqwUZSwU9l8AdC6pCFdB7YvAUaKBwacOgKicJ"
        #expect(error(good) == nil)
        for count in 0..<good.count { #expect(error(String(good.prefix(count))) == .wrongLength(count)) }
        #expect(error(good + "-") == .wrongLength(44))
        #expect(error(good + "=") == .foreignCharacter("=", offset: 43))
        #expect(error(" " + good) == .foreignCharacter(" ", offset: 0))
        #expect(error(good + "\n") == .foreignCharacter("\n", offset: 43))
        #expect(error("oJLz5ZaqwU\u{e9}") == .foreignCharacter("\u{e9}", offset: 10))
        #expect(error("+" + good.dropFirst()) == .foreignCharacter("+", offset: 0))
        #expect(error("/" + good.dropFirst()) == .foreignCharacter("/", offset: 0))
        #expect(Address("") == nil)
        #expect("\(AddressTextError.wrongLength(42))".contains("43"))
        #expect("\(AddressTextError.foreignCharacter("=", offset: 43))".contains("character 44"))
        #expect("\(AddressTextError.notCanonical)".contains("last character"))
    }

    @Test func garbageIsNoAddress() {
        let seed = SeededRandom.freshSeed()
        let random = SeededRandom(seed: seed)
        for _ in 0..<2000 {
            let text = String(decoding: random.bytes(Int(random.next(below: 60))), as: UTF8.self)
            if let address = Address(text) { #expect(address.description == text, "seed \(seed)") }
        }
    }

    @Test func codedAsText() throws {
        let address = try #require(Address("oJLz5ZaqwUZSwU9l8AdC6pCFdB7YvAUaKBwacOgKicJ"))
        let coded = try JSONEncoder().encode([address])
        #expect(String(decoding: coded, as: UTF8.self) == "[\"\(address)\"]")
        #expect(try JSONDecoder().decode([Address].self, from: coded) == [address])
        let keyed = try JSONEncoder().encode([address: 1])
        #expect(String(decoding: keyed, as: UTF8.self) == "{\"\(address)\":1}")
        #expect(try JSONDecoder().decode([Address: Int].self, from: keyed) == [address: 1])
        #expect(throws: DecodingError.self) { try JSONDecoder().decode([Address].self, from: Data("[\"short\"]".utf8)) }
    }

    @Test func leadingZerosAndPrefixes() throws {
        #expect(Address(raw: .zero).leadingZeroBits == 256)
        for bit in 0..<256 {
            var bytes = [UInt8](repeating: 0, count: 32)
            bytes[bit / 8] = 0x80 >> (bit % 8)
            let address = Address(raw: try #require(Bytes32(bytes)))
            #expect(address.leadingZeroBits == bit)
            #expect(address.hasPrefix(Address(raw: .zero), bits: bit))
            #expect(!address.hasPrefix(Address(raw: .zero), bits: bit + 1))
            #expect(address.masked(to: bit) == Address(raw: .zero))
            #expect(address.masked(to: bit + 1) == address)
            #expect(address.hasPrefix(address, bits: 256))
        }
        let address = Address(raw: .zero)
        #expect(!address.hasPrefix(address, bits: -1))
        #expect(!address.hasPrefix(address, bits: 257))
        let ones = Address(raw: try #require(Bytes32([UInt8](repeating: 0xff, count: 32))))
        #expect(
            hexText(ones.masked(to: 100).raw.bytes) == String(repeating: "f", count: 25)
                + String(repeating: "0", count: 39))
        #expect(ones.hasPrefix(ones.masked(to: 100), bits: 100))
        #expect(!ones.hasPrefix(ones.masked(to: 100), bits: 101))
    }
}
