package import INET256
package import Wire

/// Somebody may be reached somewhere: worth a handshake, whose end alone says whether it is true.
package struct DiscoveryNews: Hashable, Sendable {
    package var address: Address
    /// Best first, at most `PlaceSource.most` of them.
    package var endpoints: [Endpoint]
    package var source: PlaceSource
    /// For how long that is believed without another word.
    package var lasts: Interval
    /// Nobody configured this address: it introduced itself (a shared secret, `autopeering`).
    package var isStranger = false

    package init(_ address: Address, _ endpoints: [Endpoint], _ source: PlaceSource, lasts: Interval) {
        self.address = address
        self.endpoints = endpoints
        self.source = source
        self.lasts = lasts
    }
}

/// Who says where a peer is, besides the configuration; whose word comes first.
package enum PlaceSource: Int, CaseIterable, Comparable, Sendable {
    /// It was heard on a link of this machine's, and answered.
    case local
    /// It asks for this box, says a central server.
    case called
    /// It announced itself at a central server.
    case central
    /// It was there when there last was a link.
    case lastGood

    package static func < (a: PlaceSource, b: PlaceSource) -> Bool { a.rawValue < b.rawValue }

    /// Endpoints of one peer that are kept of it.
    package var most: Int {
        switch self {
        case .local: 4
        case .called: 2
        case .central: 8
        case .lastGood: 4
        }
    }
}
