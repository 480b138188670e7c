package import INET256
package import Mesh
package import Wire

/// Boxes on one virtual clock, joined by cables that lose, delay, repeat and reorder by a seed. The code in them is that of production,
/// byte for byte; the same seed gives the same run, which `fingerprint` proves.
package final class Simulation {
    /// A message that reached a node.
    package struct Received: Sendable, Equatable {
        package let from: Address
        package let message: [UInt8]
        package let at: Instant
    }

    /// Virtual time.
    package var now: Instant { timeline.now }
    package let seed: UInt64
    /// A hash over every datagram that was sent, when and by whom.
    package internal(set) var fingerprint: UInt64 = 0xcbf2_9ce4_8422_2325
    /// Datagrams put on a cable, and those lost there.
    package internal(set) var sent = 0
    package internal(set) var lost = 0
    /// Called after every event; tests check invariants in it.
    package var afterEachStep: (() -> Void)?

    /// A box that asks for its timer without getting on: it ends the run.
    package private(set) var fault: RunFault?
    /// No test passes with such a box, whatever it looks at; one that is about them says otherwise.
    package var onFault: (RunFault, _ seed: UInt64) -> Void = RunFault.stop

    /// See `accompany(by:)`.
    var company: (any Company)?
    let random: SeededRandom
    private let template: BoxSettings
    var nodes: [SimulatedNode] = []
    var cables: [CableKey: Cable] = [:]
    var nats: [NAT] = []
    var timeline = Timeline<Arrival>()

    /// A datagram that comes to a box.
    struct Arrival {
        let node: Int
        let from: Endpoint
        /// Which of the box's ports, inside.
        let port: UInt16
        let bytes: [UInt8]
    }

    /// Boxes are made with `settings`; their buffers should be small when there are many.
    package init(seed: UInt64, settings: BoxSettings = Simulation.smallBoxes()) {
        self.seed = seed
        template = settings
        random = SeededRandom(seed: seed)
    }

    /// Settings for many boxes in one process.
    package static func smallBoxes(
        _ algorithm: any RoutingAlgorithm.Type = RoutingAlgorithms.standard
    ) -> BoxSettings {
        var settings = BoxSettings(algorithm, startMilliseconds: 1_700_000_000_000)
        settings.limits.outboxBytes = 512 << 10
        settings.limits.outboxDatagrams = 2048
        settings.limits.reassemblies = 8
        return settings
    }

    package var count: Int { nodes.count }
    package func address(_ node: Int) -> Address { nodes[node].address }
    package func box(_ node: Int) -> MeshBox? { nodes[node].box }
    /// Everything that reached a node since the last `clearReceived`.
    package func received(_ node: Int) -> [Received] { nodes[node].received }

    package func clearReceived() {
        for node in nodes.indices { nodes[node].received.removeAll() }
    }

    // MARK: Building

    /// Adds a box and returns its place.
    @discardableResult
    package func addNode() -> Int {
        let place = nodes.count
        nodes.append(SimulatedNode(key: PrivateKey(generatedFrom: random), place: place))
        timeline.addNode()
        startNode(place)
        return place
    }

    /// Adds a box that has the key of another one, as a machine has whose disk is a copy, and returns its place.
    @discardableResult
    package func addNode(sharingKeyOf other: Int) -> Int {
        let place = nodes.count
        nodes.append(SimulatedNode(key: nodes[other].key, place: place))
        timeline.addNode()
        startNode(place)
        return place
    }

    /// Starts a box that was stopped, with its old key and no memory.
    /// - Parameter clock: what its wall clock says, in milliseconds since 1970; nil for the true time.
    package func startNode(_ place: Int, clock: UInt64? = nil) {
        var settings = template
        settings.startMilliseconds = clock ?? wallClock
        nodes[place].box = MeshBox(key: nodes[place].key, settings: settings, random: random, now: now)
        for key in cables.keys.sorted() {
            if let other = key.other(than: place) { introduce(place, other) }
        }
        if let box = nodes[place].box { company?.started(place, box, now: now) }
        settle(place)
    }

    /// Milliseconds since 1970, as right clocks have it.
    package var wallClock: UInt64 { template.startMilliseconds + UInt64(now.nanoseconds / 1_000_000) }

    /// Ends a box at once, as a power cut does.
    package func killNode(_ place: Int) {
        nodes[place].box = nil
        company?.ended(place)
    }

    /// Ends a box as SIGTERM does: it says goodbye.
    package func stopNode(_ place: Int) {
        nodes[place].box?.shutDown(now: now)
        collect(place)
        killNode(place)
    }

    /// Joins two boxes by a cable that neither knows of.
    package func wire(_ a: Int, _ b: Int, _ quality: CableQuality = .clean) {
        cables[CableKey(a, b)] = Cable(ends: (a, b), quality: quality)
    }

    /// Joins two boxes by a cable and makes them peers of each other.
    package func connect(_ a: Int, _ b: Int, _ quality: CableQuality = .clean) {
        cables[CableKey(a, b)] = Cable(ends: (a, b), quality: quality)
        introduce(a, b)
        introduce(b, a)
        settle(a)
        settle(b)
    }

    private func introduce(_ place: Int, _ other: Int) {
        nodes[place].box?.setPeer(
            PeerSettings(address: nodes[other].address, endpoints: [nodes[other].endpoint]), now: now)
    }

    /// Cuts or mends a cable.
    package func setCable(_ a: Int, _ b: Int, up: Bool) { cables[CableKey(a, b)]?.isUp = up }

    package func setQuality(_ a: Int, _ b: Int, _ quality: CableQuality) { cables[CableKey(a, b)]?.quality = quality }

    package func isConnected(_ a: Int, _ b: Int) -> Bool { cables[CableKey(a, b)]?.isUp == true }

    /// The ends of all cables that are up, in a fixed order.
    package var liveCables: [(Int, Int)] {
        cables.filter(\.value.isUp).map { ($0.key.low, $0.key.high) }.sorted { $0 < $1 }
    }

    /// Gives a box another endpoint, as when a laptop changes its network.
    package func move(_ place: Int) {
        nodes[place].endpoint.address.low &+= 1 << 32
        nodes[place].box?.surroundingsChanged(now: now)
        settle(place)
    }

    // MARK: Traffic

    package func endpoint(_ node: Int) -> Endpoint { nodes[node].endpoint }

    /// Sees, and may change or swallow, every datagram on a cable.
    package var tap: ((_ from: Int, _ to: Int, _ datagram: [UInt8]) -> [UInt8]?)?

    /// Says for which pair of boxes the sender's kernel refuses to send, and why.
    package var refusesToSend: ((_ from: Int, _ to: Int) -> SendRefusal.Reason?)?

    // MARK: Time

    /// Runs for a span of virtual time.
    package func run(for span: Interval) {
        let end = now + span
        _ = run(until: { false }, within: span)
        timeline.pass(until: end)
    }

    /// Runs until `condition` holds; false when `within` passes first, or a fault ended the run.
    package func run(until condition: () -> Bool, within span: Interval) -> Bool {
        let end = now + span
        while !condition() {
            guard fault == nil, let due = timeline.next(until: end) else {
                timeline.pass(until: end)
                return condition()
            }
            switch due {
            case .event(let arrival):
                deliver(arrival.bytes, to: arrival.node, from: arrival.from, port: arrival.port)
            case .timer(let place): ring(place)
            }
            afterEachStep?()
        }
        return true
    }

    private func ring(_ place: Int) {
        guard let box = nodes[place].box else { return }
        box.beginTurn()
        box.tick(now: now)
        var kind = nodes[place].pace.rings(now)
        if box.stuckDeadlines > 0 { kind = .stuck }
        if let kind {
            let found = RunFault(node: place, kind: kind, at: now, reason: kind == .stuck ? box.stuckReason : nil)
            fault = found
            onFault(found, seed)
        }
        settle(place)
    }

    /// The most ticks of a node in a second since it was made.
    package func mostTicks(_ node: Int) -> Int { nodes[node].pace.most }
}
