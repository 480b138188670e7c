internal import INET256
internal import Wire

/// Whom this box is to have links with, whom it has them with, and which of them is next on the way to an address.
struct Links {
    /// A stranger whose link was not accepted.
    struct Stranger {
        let address: Address
        let endpoint: Endpoint
        fileprivate(set) var last: Instant
        fileprivate(set) var count: UInt64
    }

    private let limits: MeshLimits
    /// The node under the box's former address, whose sessions may be links as well; nil where it has none.
    var former: NodeID?
    /// Whether anybody gets a link, or configured peers only.
    var acceptsAnybody: Bool
    /// What the driver's ports are like, as it said.
    var ports = PortTable()
    /// Whether the driver has a spare port (`Path.spareSocket`) that is to be tried.
    var callsBySpare = false
    private(set) var peers: [Address: Peer] = [:]
    /// Addresses that configured peers are expected at.
    private var peerAddresses: Set<IPv6Address> = []
    /// Sessions that are links, by neighbour number.
    private(set) var places: [Session?] = []
    /// Next hops asked for since routes last changed: relaying asks per packet, the algorithm answers once. Bounded.
    private var hops: [Address: Session?] = [:]
    /// The last few that were refused, oldest first.
    private(set) var strangers: [Stranger] = []

    static let maximumHops = 4096

    init(limits: MeshLimits, acceptsAnybody: Bool = false) {
        self.limits = limits
        self.acceptsAnybody = acceptsAnybody
    }

    // MARK: Configured peers

    /// Adds a peer or changes its endpoints; nil where it is as it was.
    mutating func setPeer(_ settings: PeerSettings) -> Peer? {
        let peer: Peer
        if let known = peers[settings.address] {
            guard known.set(settings) else { return nil }
            peer = known
        } else {
            peer = Peer(settings)
            peers[settings.address] = peer
        }
        gatherAddresses()
        return peer
    }

    /// False where it was none.
    mutating func removePeer(_ address: Address) -> Bool {
        guard peers.removeValue(forKey: address) != nil else { return false }
        gatherAddresses()
        return true
    }

    /// Whether a configured peer is said to be there.
    func isPeer(at address: IPv6Address) -> Bool { peerAddresses.contains(address) }

    private mutating func gatherAddresses() {
        peerAddresses = Set(peers.values.flatMap { $0.endpoints.map(\.address) })
    }

    // MARK: Neighbours

    @inline(__always)
    subscript(id: NeighbourID) -> Session? {
        let place = Int(id.rawValue)
        return place < places.count ? places[place] : nil
    }

    var all: [Session] { places.compactMap(\.self) }

    /// Makes a session a link.
    mutating func add(_ session: Session) -> NeighbourID {
        let place = places.firstIndex { $0 == nil } ?? places.count
        if place == places.count { places.append(session) } else { places[place] = session }
        forgetHops()
        return NeighbourID(rawValue: UInt32(place))
    }

    mutating func remove(_ id: NeighbourID) {
        places[Int(id.rawValue)] = nil
        forgetHops()
    }

    /// Whether one more may become a link.
    enum Room {
        case free
        /// If this one goes for it.
        case instead(of: Session)
        case none
    }

    /// Peers always may, and a stranger's link goes for it; strangers leave room for peers, and one source has some links and
    /// not all.
    func room(for session: Session) -> Room {
        let all = all
        if session.peer != nil {
            guard all.count >= limits.maximumLinks else { return .free }
            let victim = all.filter { $0.peer == nil }.min { $0.traffic.lastDataReceived < $1.traffic.lastDataReceived }
            return victim.map { .instead(of: $0) } ?? .none
        }
        let strangers = all.filter { $0.peer == nil }
        let reserve = min(limits.maximumLinks / 2, max(peers.count, limits.maximumLinks / 8))
        guard let source = session.direct?.path.remote.sourceKey, strangers.count < limits.maximumLinks - reserve,
            strangers.count(where: { $0.direct?.path.remote.sourceKey == source }) < limits.linksOfSource
        else { return .none }
        return .free
    }

    // MARK: Next hops

    /// The link to the next hop for an address, if that was asked for before; nil in it where there is none.
    @inline(__always)
    func hop(to address: Address) -> Session?? { hops[address] }

    mutating func note(hop: Session?, to address: Address) {
        if hops.count >= Self.maximumHops { forgetHops() }
        hops[address] = .some(hop)
    }

    mutating func forgetHops() { hops.removeAll(keepingCapacity: true) }

    var knownHops: Int { hops.count }

    // MARK: Strangers

    /// Keeps the last few strangers whose links were not accepted. True where it is a new one.
    mutating func refuse(_ address: Address, at endpoint: Endpoint, _ now: Instant) -> Bool {
        if let known = strangers.firstIndex(where: { $0.address == address }) {
            strangers[known].last = now
            strangers[known].count += 1
            return false
        }
        if strangers.count >= limits.refusalsRemembered { strangers.removeFirst() }
        strangers.append(Stranger(address: address, endpoint: endpoint, last: now, count: 1))
        return true
    }
}
