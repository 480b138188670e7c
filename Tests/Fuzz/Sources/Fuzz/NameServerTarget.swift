import INET256
import Wire

@testable import DNS

/// What resolvers and others ask. In front of each query: 0 for UDP, 1 for TCP, and 2 more for somebody who is not admitted.
struct NameServerTarget: FuzzTarget {
    private var server: NameServer

    static var bentInputs: Int { 10_000 }

    static let peer = Address(raw: Bytes32(words: (UInt64.max, 1, 2, 3)))
    static let label = peer.label

    init() {
        guard let name = DomainName("mesh.internal"), var zone = Zone(name, map: .standard, own: Self.peer) else {
            fatalError("mesh.internal is a zone")
        }
        zone.add(Self.peer, called: "bob")
        zone.add(group: "crew", (0..<60).map { IPv6Address(high: 0xfd00 << 48, low: $0) })
        zone.add(Zone.Service(name: "_ssh._tcp", port: 22, host: "crew"))
        server = NameServer(zone)
    }

    mutating func run(_ input: [UInt8]) {
        guard let kind = input.first else { return }
        let query = Array(input.dropFirst())
        let isAdmitted = kind & 2 == 0
        let carrier: NameServer.Carrier = kind & 1 == 0 ? .datagram : .stream
        let answer = query.withUnsafeBytes { server.answer($0, over: carrier, isAdmitted: isAdmitted) }
        guard let answer else { return }
        demand(answer.count >= 12 && answer.prefix(2) == query.prefix(2), "no answer to that")
        demand(answer[2] & 0x80 != 0 && answer[3] & 0x80 == 0, "an answer that is a query, or offers recursion")
        let limit = carrier == .datagram ? NameServer.largestDatagram : NameServer.largestStream
        demand(answer.count <= limit, "\(answer.count) bytes")
        demand(isAdmitted || answer.count <= query.count, "\(answer.count) bytes to a stranger for \(query.count)")
        // Our own reader of answers understands it.
        demand(answer.withUnsafeBytes { DNSMessage($0) } != nil, "a bent answer")
    }
}

enum NameServerSeeds {
    static func all() -> [[UInt8]] {
        let names = [
            "bob.mesh.internal", "BOB.Mesh.internal", "crew.mesh.internal", "_ssh._tcp.mesh.internal",
            "\(NameServerTarget.label).mesh.internal", "nobody.mesh.internal", "mesh.internal", "example.org",
            "1.0.\(String(repeating: "0.", count: 28))d.f.ip6.arpa",
        ]
        let kinds: [UInt8] = [28, 1, 28, 33, 28, 255, 6, 1, 12]
        return zip(names, kinds).enumerated().map { number, asked in
            [UInt8(number % 4)] + query(asked.0, asked.1, isExtended: number % 2 == 1)
        }
    }

    private static func query(_ name: String, _ kind: UInt8, isExtended: Bool) -> [UInt8] {
        let labels = name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        let options: [UInt8] = isExtended ? [0, 0, 41, 4, 208, 0, 0, 128, 0, 0, 0] : []
        return [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, isExtended ? 1 : 0] + labels + [0, 0, kind, 0, 1] + options
    }
}
