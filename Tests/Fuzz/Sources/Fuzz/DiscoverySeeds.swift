import INET256
import Wire

@testable import Discovery

/// Genuine inputs for the targets of discovery.
enum DiscoverySeeds {
    static func all() -> [(String, [[UInt8]])] {
        [("discoverylink", links()), ("central", central()), ("lastgood", files())]
    }

    /// Each kind under each key, put right and as it is.
    private static func links() -> [[UInt8]] {
        var plain: [UInt8] = [1, 0, 120, 0]
        plain.appendLittle(UInt64(7))
        plain.appendLittle(UInt64(9))
        plain += [UInt8](repeating: 0, count: 16 + 16 + 32)
        plain += [2, 0x20, 0x64, 7, 0]
        plain += [UInt8](repeating: 0, count: LocalMessage.sealedCount - plain.count)
        let modes = (0..<4).flatMap { kind in (0..<4).map { key in UInt8(1 | kind << 1 | key << 3 | 0x20) } }
        return modes.map { [$0] + plain } + [[1] + plain, [0, 0xc0] + [UInt8](repeating: 3, count: 143)]
    }

    private static func central() -> [[UInt8]] {
        let key = PrivateKey(generatedFrom: FixedRandom(61))
        let other = PrivateKey(generatedFrom: FixedRandom(60))
        let place = Endpoint(address: IPv6Address(mappedIPv4: 0xc000_0202), port: 4002)
        let cookie = [UInt8](repeating: 0, count: CentralFormat.cookieCount)
        var endpoint: [UInt8] = []
        EndpointBytes.put(place, into: &endpoint)
        let clear = CentralRecord(
            .clear([Candidate(place, .host)]), milliseconds: 5, life: 60, binding: .none, by: key)
        let body = SealedPlaces.seal([Candidate(place, .host)], by: key.address, for: [], FixedRandom(1))
        let sealed = CentralRecord(.sealed(body), milliseconds: 6, life: 60, binding: .none, by: key)
        var lookup = CentralFormat.begin(.centralLookup, 2) + cookie
        lookup.append(other.address.raw)
        lookup.append(key.address.raw)
        lookup += [UInt8](repeating: 0, count: CentralFormat.lookupCount - lookup.count)
        let asked = [clear, sealed].map { CentralFormat.begin(.centralAnnounce, 1) + cookie + $0.bytes } + [lookup]
        var receipt = CentralFormat.begin(.centralReceipt, 1, .stale) + endpoint
        receipt.appendLittle(UInt64(77))
        let found = [clear, sealed].map { record in
            var bytes = CentralFormat.begin(.centralFound, 2) + endpoint
            bytes.appendLittle(UInt32(3))
            bytes += endpoint
            bytes.appendLittle(UInt16(record.bytes.count))
            return bytes + record.bytes
        }
        var call = CentralFormat.begin(.centralCall, 0) + cookie
        call.append(key.address.raw)
        call += endpoint
        let told = [
            receipt, CentralFormat.begin(.centralCookie, 1) + [UInt8](repeating: 4, count: 16) + endpoint, call,
        ]
        return asked.flatMap { [[0] + $0, [6] + $0] } + told.map { [3] + $0 } + found.map { [7] + $0 }
    }

    private static func files() -> [[UInt8]] {
        let address = PrivateKey(generatedFrom: FixedRandom(61)).address
        let texts = [
            "inet256vpn endpoints 1\n\(address) 192.0.2.1:25632 [2001:db8::1]:25632\n", "inet256vpn endpoints 1\n",
            "inet256vpn endpoints 1\n\(address) [fe80::1%3]:5\n\(address)\nx 1.2.3.4:5\n",
        ]
        return texts.map { Array($0.utf8) }
    }
}
