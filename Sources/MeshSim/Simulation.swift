internal import HeapModule
public import INET256
public import Mesh
public import Wire

/// Boxes on one virtual clock, joined by cables that lose, delay, repeat and reorder by a seed. The code in them is that of production,
/// byte for byte; the same seed gives the same run, which `fingerprint` proves.
public final class Simulation {
    /// A message that reached a node.
    public struct Received: Sendable, Equatable {
        public let from: Address
        public let message: [UInt8]
        public let at: Instant
    }

    /// Virtual time.
    public private(set) var now = Instant(nanoseconds: 1_000_000_000)
    public let seed: UInt64
    /// A hash over every datagram that was sent, when and by whom.
    public private(set) var fingerprint: UInt64 = 0xcbf2_9ce4_8422_2325
    /// Datagrams put on a cable, and those lost there.
    public private(set) var sent = 0
    public private(set) var lost = 0
    /// Called after every event; tests check invariants in it.
    public var afterEachStep: (() -> Void)?

    private let random: SeededRandom
    private let template: BoxSettings
    private var nodes: [SimulatedNode] = []
    private var cables: [CableKey: Cable] = [:]
    private var events = Heap<Event>()
    private var nextEvent: UInt64 = 0

    private var refusals: [(path: Path, refusal: SendRefusal)] = []

    private struct Event: Comparable {
        let at: Instant
        let number: UInt64
        let node: Int
        /// Nil for a timer.
        let datagram: (from: Endpoint, bytes: [UInt8])?

        static func < (a: Event, b: Event) -> Bool { a.at != b.at ? a.at < b.at : a.number < b.number }
        static func == (a: Event, b: Event) -> Bool { a.number == b.number }
    }

    /// Boxes are made with `settings`; their buffers should be small when there are many.
    public init(seed: UInt64, settings: BoxSettings = Simulation.smallBoxes()) {
        self.seed = seed
        template = settings
        random = SeededRandom(seed: seed)
    }

    /// Settings for many boxes in one process.
    public static func smallBoxes(network: String = "beaconnet") -> BoxSettings {
        var settings = BoxSettings(network: network, startMilliseconds: 1_700_000_000_000)
        settings.limits.outboxBytes = 512 << 10
        settings.limits.outboxDatagrams = 2048
        settings.limits.reassemblies = 8
        return settings
    }

    public var count: Int { nodes.count }
    public func address(_ node: Int) -> Address { nodes[node].address }
    public func box(_ node: Int) -> MeshBox? { nodes[node].box }
    /// Everything that reached a node since the last `clearReceived`.
    public func received(_ node: Int) -> [Received] { nodes[node].received }

    public func clearReceived() {
        for node in nodes.indices { nodes[node].received.removeAll() }
    }

    // MARK: Building

    /// Adds a box and returns its place.
    @discardableResult
    public func addNode() -> Int {
        let place = nodes.count
        nodes.append(SimulatedNode(key: PrivateKey(generatedFrom: random), place: place))
        startNode(place)
        return place
    }

    /// Adds a box that has the key of another one, as a machine has whose disk is a copy, and returns its place.
    @discardableResult
    public func addNode(sharingKeyOf other: Int) -> Int {
        let place = nodes.count
        nodes.append(SimulatedNode(key: nodes[other].key, place: place))
        startNode(place)
        return place
    }

    /// Starts a box that was stopped, with its old key and no memory.
    /// - Parameter clock: what its wall clock says, in milliseconds since 1970; nil for the true time.
    public func startNode(_ place: Int, clock: UInt64? = nil) {
        var settings = template
        settings.startMilliseconds = clock ?? wallClock
        nodes[place].box = MeshBox(key: nodes[place].key, settings: settings, random: random, now: now)
        for (key, _) in cables.sorted(by: { ($0.key.low, $0.key.high) < ($1.key.low, $1.key.high) })
        where key.low == place || key.high == place {
            introduce(place, key.low == place ? key.high : key.low)
        }
        settle(place)
    }

    /// Milliseconds since 1970, as right clocks have it.
    public var wallClock: UInt64 { template.startMilliseconds + UInt64(now.nanoseconds / 1_000_000) }

    /// Ends a box at once, as a power cut does.
    public func killNode(_ place: Int) { nodes[place].box = nil }

    /// Ends a box as SIGTERM does: it says goodbye.
    public func stopNode(_ place: Int) {
        nodes[place].box?.shutDown(now: now)
        collect(place)
        nodes[place].box = nil
    }

    /// Joins two boxes by a cable and makes them peers of each other.
    public func connect(_ a: Int, _ b: Int, _ quality: CableQuality = .clean) {
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
    public func setCable(_ a: Int, _ b: Int, up: Bool) { cables[CableKey(a, b)]?.isUp = up }

    public func setQuality(_ a: Int, _ b: Int, _ quality: CableQuality) { cables[CableKey(a, b)]?.quality = quality }

    public func isConnected(_ a: Int, _ b: Int) -> Bool { cables[CableKey(a, b)]?.isUp == true }

    /// The ends of all cables that are up, in a fixed order.
    public var liveCables: [(Int, Int)] {
        cables.filter(\.value.isUp).map { ($0.key.low, $0.key.high) }.sorted { $0 < $1 }
    }

    /// Gives a box another endpoint, as when a laptop changes its network.
    public func move(_ place: Int) {
        nodes[place].endpoint.address.low &+= 1 << 32
        nodes[place].box?.networkChanged(now: now)
        settle(place)
    }

    // MARK: Traffic

    /// Hands a message to a node for another.
    @discardableResult
    public func send(_ message: [UInt8], from: Int, to: Address) -> SendOutcome? {
        guard let box = nodes[from].box else { return nil }
        let outcome = message.withUnsafeBytes { box.send($0, from: .main, to: to, now: now) }
        settle(from)
        return outcome
    }

    /// Puts a datagram on the wire to a node, as an attacker would.
    public func inject(_ datagram: [UInt8], into place: Int, from endpoint: Endpoint) {
        deliver(datagram, to: place, from: endpoint)
    }

    public func endpoint(_ node: Int) -> Endpoint { nodes[node].endpoint }

    /// Sees, and may change or swallow, every datagram on a cable.
    public var tap: ((_ from: Int, _ to: Int, _ datagram: [UInt8]) -> [UInt8]?)?

    /// Says for which pair of boxes the sender's kernel refuses to send, and why.
    public var refusesToSend: ((_ from: Int, _ to: Int) -> SendRefusal.Reason?)?

    // MARK: Time

    /// Runs for a span of virtual time.
    public func run(for span: Interval) {
        let end = now + span
        _ = run(until: { false }, within: span)
        now = max(now, end)
    }

    /// Runs until `condition` holds; false when `within` passes first.
    public func run(until condition: () -> Bool, within span: Interval) -> Bool {
        let end = now + span
        while !condition() {
            guard let event = events.min, event.at <= end else {
                now = end
                return condition()
            }
            events.removeMin()
            now = max(now, event.at)
            perform(event)
            afterEachStep?()
        }
        return true
    }

    private func perform(_ event: Event) {
        if let (from, bytes) = event.datagram {
            deliver(bytes, to: event.node, from: from)
            return
        }
        guard nodes[event.node].timer == event.number else { return }
        nodes[event.node].timer = nil
        guard let box = nodes[event.node].box else { return }
        box.beginTurn()
        box.tick(now: now)
        nodes[event.node].pace.note(now)
        // No test passes with a deadline that does not move, whatever it looks at.
        precondition(
            box.stuckDeadlines == 0, "seed \(seed): node \(event.node) is due again and again at \(now.nanoseconds) ns")
        precondition(
            nodes[event.node].pace.ticks <= Self.ticksPerSecond,
            "seed \(seed): node \(event.node) ticks more than \(Self.ticksPerSecond) times in the second of \(now.nanoseconds) ns"
        )
        settle(event.node)
    }

    /// How often a box's timers may ring in a second of virtual time: some dozens at the busiest.
    public static let ticksPerSecond = 1000

    /// The most ticks of a node in a second since it was made.
    public func mostTicks(_ node: Int) -> Int { nodes[node].pace.most }

    private func deliver(_ bytes: [UInt8], to place: Int, from: Endpoint) {
        guard let box = nodes[place].box else { return }
        var copy = bytes
        box.beginTurn()
        let path = Path(remote: from, local: nodes[place].endpoint.address, interface: 1, socket: 0)
        copy.withUnsafeMutableBytes { datagram in
            var delivery = box.receive(datagram, from: path, now: now)
            if delivery == nil, box.hasOvertaken { delivery = box.nextOvertaken(now: now) }
            while let arrived = delivery {
                nodes[place].received.append(
                    Received(from: arrived.source, message: Array(arrived.message), at: now))
                delivery = box.hasOvertaken ? box.nextOvertaken(now: now) : nil
            }
        }
        settle(place)
    }

    /// After a box was touched: what it sends goes on its way, and its timer is set.
    private func settle(_ place: Int) {
        collect(place)
        guard let box = nodes[place].box, box.deadline != .distantFuture else { return }
        let at = max(box.deadline, now)
        if nodes[place].timer != nil, nodes[place].timerAt <= at { return }
        nodes[place].timer = nextEvent
        nodes[place].timerAt = at
        push(at, place, nil)
    }

    private func push(_ at: Instant, _ node: Int, _ datagram: (Endpoint, [UInt8])?) {
        events.insert(Event(at: at, number: nextEvent, node: node, datagram: datagram))
        nextEvent += 1
    }

    private func collect(_ place: Int) {
        guard let box = nodes[place].box else { return }
        for datagram in box.outbox.datagrams {
            var bytes = Array(box.outbox.bytes(of: datagram))
            mix(place, bytes)
            guard let target = nodes.firstIndex(where: { $0.endpoint == datagram.path.remote }) else { continue }
            if refuse(datagram, from: place, to: target) { continue }
            if let tap {
                guard let changed = tap(place, target, bytes) else { continue }
                bytes = changed
            }
            put(bytes, from: place, to: target, headers: datagram.path.remote.headerBytes)
        }
        box.outbox.removeAll()
        for (path, refusal) in refusals { box.refused(refusal, for: path, now: now) }
        refusals.removeAll()
    }

    /// Puts a datagram on the cable to another box, if there is one.
    private func put(_ bytes: [UInt8], from place: Int, to target: Int, headers: Int) {
        guard let cable = cables[CableKey(place, target)], cable.isUp else { return }
        sent += 1
        let quality = cable.quality
        guard bytes.count + headers <= quality.mtu, !random.chance(permille: quality.lossPermille) else {
            lost += 1
            return
        }
        let copies = random.chance(permille: quality.duplicationPermille) ? 2 : 1
        for _ in 0..<copies {
            var delay = quality.latency
            if quality.jitter > .zero {
                delay = delay + quality.jitter * Int64(random.next(below: 1000)) / 1000
            }
            if random.chance(permille: quality.reorderPermille) { delay = delay + quality.reorderDelay }
            push(now + delay, target, (nodes[place].endpoint, bytes))
        }
    }

    /// What the kernel of a box refuses, because its interface carries less, as it says.
    private func refuse(_ datagram: Outbox.Datagram, from place: Int, to target: Int) -> Bool {
        if let reason = refusesToSend?(place, target) {
            refusals.append(
                (
                    datagram.path,
                    SendRefusal(reason, largest: datagram.count, datagrams: 1, bytes: datagram.count)
                ))
            return true
        }
        guard let cable = cables[CableKey(place, target)], let limit = cable.quality.interfaceMTU,
            datagram.count + datagram.path.remote.headerBytes > limit
        else { return false }
        refusals.append(
            (datagram.path, SendRefusal(.tooLarge, largest: datagram.count, datagrams: 1, bytes: datagram.count)))
        return true
    }

    private func mix(_ place: Int, _ bytes: [UInt8]) {
        // In C: a day of virtual time is a hundred thousand datagrams, and tests are debug builds.
        var head = (UInt64(place).littleEndian, now.nanoseconds.littleEndian, fingerprint.littleEndian)
        var digest: UInt64 = 0
        withUnsafeMutableBytes(of: &digest) { digest in
            withUnsafeBytes(of: &head) { head in
                bytes.withUnsafeBytes { bytes in
                    Blake2b.hash(into: digest, key: UnsafeRawBufferPointer(start: nil, count: 0), head, bytes)
                }
            }
        }
        fingerprint = UInt64(littleEndian: digest)
    }
}
