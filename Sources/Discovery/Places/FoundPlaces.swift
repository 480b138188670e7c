package import INET256
package import Wire

/// Where peers may be, from all that say so: the configuration first, then the others in the order of `PlaceSource`. Each word ends
/// by itself, and no peer has more than `most` endpoints of others' saying.
package struct FoundPlaces {
    private struct Word {
        var endpoints: [Endpoint]
        var until: Instant
    }

    private var words: [Address: [PlaceSource: Word]] = [:]

    /// Endpoints of one peer, those of the configuration among them.
    package static let most = 16
    /// Peers that something is kept of.
    package static let mostPeers = 4096

    package init() {}

    /// Takes in what was found; the newest word of a source replaces the one before. True where the endpoints are others now.
    @discardableResult
    package mutating func note(_ news: DiscoveryNews, now: Instant) -> Bool {
        guard words[news.address] != nil || words.count < Self.mostPeers else { return false }
        let endpoints = Array(news.endpoints.prefix(news.source.most))
        let old = words[news.address]?[news.source]?.endpoints
        words[news.address, default: [:]][news.source] = Word(endpoints: endpoints, until: now + news.lasts)
        return old != endpoints
    }

    /// All endpoints of a peer, the configured ones first.
    package func endpoints(of address: Address, besides configured: [Endpoint] = [], now: Instant) -> [Endpoint] {
        var list = configured
        for source in PlaceSource.allCases {
            guard let word = words[address]?[source], word.until > now else { continue }
            for endpoint in word.endpoints where list.count < Self.most && !list.contains(endpoint) {
                list.append(endpoint)
            }
        }
        return list
    }

    /// Forgets what has ended, and gives whose endpoints are others now.
    package mutating func expire(now: Instant) -> Set<Address> {
        var changed: Set<Address> = []
        for (address, said) in words {
            let kept = said.filter { $0.value.until > now }
            guard kept.count < said.count else { continue }
            changed.insert(address)
            words[address] = kept.isEmpty ? nil : kept
        }
        return changed
    }

    package mutating func forget(_ address: Address) { words[address] = nil }
}
