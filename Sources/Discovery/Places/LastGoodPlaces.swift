package import INET256
package import Wire

/// Where peers were when there last was a link with them: kept in a file, for a start at which nothing else says where they are. What
/// the file says is somebody's word like any other: bounded, and true once a handshake has come to its end.
///
///     inet256vpn endpoints 1
///     o0uIikP6N-PHF73WABo8QI_Ofkaht_0Rla0JHx42n83 192.0.2.1:25632 [2001:db8::1]:25632
package struct LastGoodPlaces: Equatable, Sendable {
    package private(set) var places: [Address: [Endpoint]] = [:]
    /// In the order in which they were last good, the newest last.
    private var order: [Address] = []

    package static let mostPeers = 1024
    /// Bytes of a file that is read at all.
    package static let largestFile = 256 << 10
    private static let title = "inet256vpn endpoints 1"

    package init() {}

    /// Reads what `text` writes; lines that are something else are left out. Empty where it is no such file.
    package init(text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: true)
        guard lines.first.map(String.init) == Self.title else { return }
        for line in lines.dropFirst().suffix(Self.mostPeers) {
            let words = line.split(separator: " ")
            guard let name = words.first, let address = Address(String(name)) else { continue }
            let endpoints = words.dropFirst().prefix(PlaceSource.lastGood.most).compactMap { Endpoint(String($0)) }
            let possible = endpoints.filter { $0.port != 0 && ($0.address.isWorthAProbe || $0.address.isLoopback) }
            guard !possible.isEmpty, places[address] == nil else { continue }
            places[address] = possible
            order.append(address)
        }
    }

    package var text: String {
        let lines = order.map { address in
            "\(address) " + (places[address] ?? []).map(\.description).joined(separator: " ")
        }
        return ([Self.title] + lines).joined(separator: "\n") + "\n"
    }

    /// There is a link with a peer, there. True where that is news. Link-local endpoints are not kept: interfaces' numbers change.
    @discardableResult
    package mutating func note(_ address: Address, at endpoint: Endpoint) -> Bool {
        guard endpoint.port != 0, !endpoint.address.isLinkLocal, endpoint.scope == 0 else { return false }
        let old = places[address] ?? []
        guard old.first != endpoint else { return false }
        places[address] = Array(([endpoint] + old.filter { $0 != endpoint }).prefix(PlaceSource.lastGood.most))
        order.removeAll { $0 == address }
        order.append(address)
        if order.count > Self.mostPeers { places[order.removeFirst()] = nil }
        return true
    }

    /// Of these peers alone.
    package mutating func keep(_ peers: Set<Address>) {
        places = places.filter { peers.contains($0.key) }
        order = order.filter { peers.contains($0) }
    }
}
