import INET256
import TestSupport
import Testing
import Wire

@Suite struct IPv6MapTests {
    private func map(_ text: String) throws -> IPv6Map { try IPv6Map(prefix: try #require(IPv6Prefix(text))) }

    private func paddedTo32(_ digits: String) throws -> Address {
        let bytes = hex(digits)
        return Address(raw: try #require(Bytes32(bytes + [UInt8](repeating: 0, count: 32 - bytes.count))))
    }

    @Test func vectorsOfTheProject() throws {
        let map = try map("200::/7")
        let vectors = try Vectors.load()
        #expect(vectors.ip6Map.count == 7)
        for vector in vectors.ip6Map {
            let address = Address(raw: try bytes32(vector.addressHex))
            #expect(address.leadingZeroBits == vector.leadingZeros)
            let ip = map.address(of: address)
            #expect(ip.description == vector.ip6Addr)
            let found = try #require(map.search(for: ip))
            #expect(found.bits == vector.prefixNbits)
            #expect(found.prefix == (try paddedTo32(vector.prefixHex)))
            #expect(address.hasPrefix(found.prefix, bits: found.bits) == vector.hasPrefix)
        }
        for vector in vectors.keysEd25519 {
            let ip = map.address(of: Address(raw: try bytes32(vector.addressHex)))
            #expect(ip.description == vector.ip6Addr)
            #expect(ip == IPv6Address(vector.ip6AddrFull))
        }
    }

    private func bits(_ bytes: [UInt8]) -> [Bool] {
        var bits: [Bool] = []
        for byte in bytes {
            for place in 0..<8 { bits.append(byte & (0x80 >> place) != 0) }
        }
        return bits
    }

    private func bits(_ ip: IPv6Address) -> [Bool] {
        var bytes: [UInt8] = []
        bytes.appendBig(ip.high)
        bytes.appendBig(ip.low)
        return bits(bytes)
    }

    /// The specification, bit by bit and slowly.
    private func spelledOut(_ prefix: IPv6Prefix, _ address: Address) -> [Bool] {
        let zeros = min(127, address.leadingZeroBits)
        let head: ArraySlice<Bool> = bits(prefix.address)[..<prefix.length]
        let count: ArraySlice<Bool> = bits([UInt8(zeros)])[1...]
        let rest: ArraySlice<Bool> = bits(address.raw.bytes)[(zeros + 1)...]
        return Array((head + count + rest).prefix(128))
    }

    /// Every length of prefix and every count of zeros, to and back.
    @Test func everyPrefixAndEveryCountOfZeros() throws {
        let seed = SeededRandom.freshSeed()
        let random = SeededRandom(seed: seed)
        for length in 1...64 {
            let address = IPv6Address(high: random.next64(), low: random.next64()).masked(to: length)
            let prefix = try #require(IPv6Prefix(address, length: length))
            let map = try IPv6Map(prefix: prefix)
            for zeros in stride(from: length % 3, through: 130, by: 3) {
                var bytes = random.bytes(32)
                for bit in 0..<zeros { bytes[bit / 8] &= ~(0x80 >> (bit % 8)) }
                bytes[zeros / 8] |= 0x80 >> (zeros % 8)
                let node = Address(raw: try #require(Bytes32(bytes)))
                let ip = map.address(of: node)
                let expected = spelledOut(prefix, node)
                #expect(bits(ip) == expected, "/\(length), \(zeros) zeros, seed \(seed)")
                let found = try #require(map.search(for: ip))
                #expect(found.bits == min(zeros, 127) + 1 + 121 - length)
                // More zeros than the counter can tell: the way back then names other addresses, and finds nobody.
                #expect(node.hasPrefix(found.prefix, bits: found.bits) == (zeros <= 127), "seed \(seed)")
                #expect(found.prefix == found.prefix.masked(to: found.bits))
                #expect(map.address(of: found.prefix) == ip)
            }
        }
    }

    @Test func everyAddressHasAPlace() throws {
        let map = try map("fd00::/8")
        #expect(map.address(of: Address(raw: .zero)).description == "fdfe::")
        #expect(map.prefix.contains(map.address(of: Address(raw: .zero))))
    }

    @Test func standardPrefix() {
        #expect(IPv6Map.standard.prefix.description == "fd00::/8")
        #expect(IPv6Map.standard.search(for: IPv6Address.loopback) == nil)
        #expect(IPv6Map.standard.search(for: IPv6Address(high: 0xfe << 56, low: 1)) == nil)
        #expect(IPv6Map.standard.search(for: IPv6Address(high: 0xfd << 56, low: 0))?.bits == 114)
    }

    @Test func prefixesThatCannotCarryIt() throws {
        for text in ["::/0", "fd00::/65", "fd00::/128"] {
            let prefix = try #require(IPv6Prefix(text))
            #expect(throws: IPv6MapError.prefixLength(prefix.length)) { try IPv6Map(prefix: prefix) }
        }
        for text in ["8000::/1", "fd00::/64", "fd00:1:2:3::/64"] { _ = try map(text) }
    }
}
