internal import INET256
internal import Wire

/// A worker's part in relaying: the table that the box published, and the worker's own keys for the links in it. Whatever is not clear
/// from these alone is the first engine's.
///
/// Order: a frame that is left to the first engine must not be overtaken by the next one to the same place. So those follow it until
/// the driver has heard that the first engine is through, and says `settle()`.
struct Forwarder {
    private(set) var table = ForwardingTable()
    /// By the numbers of links, as the table.
    private var keys: [WorkerKeys?] = []
    /// Where frames go by the first engine although there is a way.
    private var left: Set<Address> = []
    private var leavesAll = false
    /// Bursts go to the same place.
    private var recent: (destination: Address, link: Int)?
    /// What was relayed.
    private(set) var frames: UInt64 = 0
    private(set) var bytes: UInt64 = 0

    /// More places than that, and all are left.
    static let maximumLeft = 1024

    enum Verdict {
        case pass(RelayWay, WorkerKeys)
        /// It has gone through too many boxes, or claims what nobody says.
        case hopLimit
        /// Nothing is published of where it goes.
        case noRoute
        /// The first engine knows what to do; is it the first one to its place that is left?
        case leave(isFirst: Bool)
    }

    /// Turns to what was published. Nothing may be on its way through the first engine any more.
    mutating func turn(to table: ForwardingTable, keys: (SharedKeypair) -> WorkerKeys?) {
        self.table = table
        self.keys = table.links.map { way in way.flatMap { keys($0.keypair) } }
        recent = nil
        settle()
    }

    /// Keys have ended.
    mutating func forget(_ ended: WorkerKeys) {
        for place in keys.indices where keys[place] === ended { keys[place] = nil }
    }

    /// The first engine is through with all relay frames that it was left.
    mutating func settle() {
        leavesAll = false
        if !left.isEmpty { left.removeAll(keepingCapacity: true) }
    }

    /// What is to become of a frame that came from the neighbour `origin`. `isClear`: it came by that link's own path, and nothing of it
    /// that was left to the first engine is on its way.
    @inline(__always)
    mutating func judge(
        _ frame: RelayFrame, from origin: Address, isClear: Bool, _ now: Instant, _ limits: MeshLimits
    ) -> Verdict {
        let destination = frame.destination
        guard let place = link(to: destination) else { return .noRoute }
        if leavesAll || !left.isEmpty && left.contains(destination) { return .leave(isFirst: false) }
        guard isClear, place < keys.count, let way = table.links[place], let keys = keys[place], way.remote != origin,
            keys.shared.maySend(now, limits), frame.bytes.count <= way.capacity + RelayLayout.header
        else {
            leave(destination)
            return .leave(isFirst: true)
        }
        guard frame.mayPass else { return .hopLimit }
        return .pass(way, keys)
    }

    @inline(__always)
    private mutating func link(to destination: Address) -> Int? {
        if let recent, recent.destination == destination { return recent.link }
        guard let found = table.hops[destination] else { return nil }
        recent = (destination, found)
        return found
    }

    private mutating func leave(_ destination: Address) {
        if left.count < Self.maximumLeft { left.insert(destination) } else { leavesAll = true }
    }

    @inline(__always)
    mutating func notePassed(_ count: Int) {
        frames &+= 1
        bytes &+= UInt64(count)
    }
}
