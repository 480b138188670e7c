internal import INET256
internal import Wire

/// What one neighbour has yet to be told, and what it has been told but has not acknowledged.
///
/// The queue holds names of things, not their content: content is taken when a frame is made. So a thing that
/// changes twice is told once, and what is told again after a loss is how things are then.
struct UpdateQueue {
    enum Item: Hashable {
        /// Our way to an origin, or that there is none.
        case route(Address)
        /// The newest beacon we know, told to the origin's own box because it seems not to know it.
        case echo(Address)
        /// A request for a way to an origin.
        case request(Address)
    }

    private struct Flight {
        let serial: UInt64
        let sentAt: Instant
        let items: [Item]
    }

    private enum Place: Equatable {
        case queued
        case inFlight(UInt64)
    }

    private var waiting: [Item] = []
    /// Where the queue begins in `waiting`.
    private var head = 0
    /// What waits is in no hurry before this: more may come that goes in the same frame.
    private var heldUntil = Instant.distantPast
    private var places: [Item: Place] = [:]
    private var requests: [Address: BeaconRequest] = [:]
    private var flights: [Flight] = []
    private var nextSerial: UInt64 = 1
    private var timer = RetransmissionTimer()
    private let limits: (pending: Int, window: Int)

    /// A pass over the whole table goes on from this address. Routes behind it need no place in the queue.
    private(set) var tablePass: Bytes32?
    /// Whether the pass also tells of lost routes: needed unless the neighbour knows nothing yet.
    private(set) var passTellsLost = false

    init(limits: BeaconNetLimits) { self.limits = (limits.pendingUpdates, limits.window) }

    /// Things to be told and not acknowledged.
    var count: Int { places.count }
    /// Whether a frame may go out now and there is something for it.
    var canSend: Bool { (head < waiting.count || tablePass != nil) && hasWindow }
    var hasWindow: Bool { flights.count < (timer.isSuspicious ? 1 : limits.window) }
    /// When the oldest unacknowledged frame is given up for lost, or what is held back goes.
    var deadline: Instant {
        let lost = flights.first.map { $0.sentAt + timer.timeout } ?? .distantFuture
        return heldUntil == .distantPast ? lost : min(lost, heldUntil)
    }

    /// Starts telling the whole table.
    mutating func tellAll(includingLost: Bool) {
        tablePass = .zero
        passTellsLost = includingLost
        heldUntil = .distantPast
    }

    /// The pass has come to `next`, or to the end.
    mutating func passed(to next: Bytes32?) { tablePass = next }

    /// Tells what is in no hurry: until `instant` it waits for more.
    mutating func tell(_ item: Item, notBefore instant: Instant) {
        if head >= waiting.count && tablePass == nil { heldUntil = instant }
        put(item)
    }

    mutating func tell(_ item: Item) {
        heldUntil = .distantPast
        put(item)
    }

    func isHeld(now: Instant) -> Bool { now < heldUntil }

    /// Whether what was held back may go from now on.
    mutating func release(now: Instant) -> Bool {
        guard heldUntil != .distantPast, heldUntil <= now else { return false }
        heldUntil = .distantPast
        return true
    }

    private mutating func put(_ item: Item) {
        if case .route(let address) = item, let tablePass, address.raw >= tablePass { return }
        guard places[item] != .queued else { return }
        if places.count >= limits.pending {
            // So much is pending that the table as a whole is the shorter list.
            forgetAll()
            tellAll(includingLost: true)
            return
        }
        places[item] = .queued
        waiting.append(item)
    }

    mutating func ask(_ address: Address, _ request: BeaconRequest) {
        // A neighbour that does not answer is no help in finding a way; what it was not asked it need not forget.
        guard !timer.isSuspicious else { return }
        let earlier = requests[address]
        let merged = earlier.map { $0.merged(with: request) } ?? request
        // Under way already, in these words: its retransmission is taken care of.
        if merged == earlier && places[.request(address)] != nil { return }
        tell(.request(address))
        if places[.request(address)] != nil { requests[address] = merged }
    }

    func request(for address: Address) -> BeaconRequest? { requests[address] }

    /// The next thing to be told; it stays first until `pop`.
    mutating func peek() -> Item? {
        while head < waiting.count {
            if places[waiting[head]] == .queued { return waiting[head] }
            head += 1
        }
        waiting.removeAll(keepingCapacity: true)
        head = 0
        return nil
    }

    /// Takes the first thing out, to be `sent` or dropped.
    mutating func pop() {
        head += 1
        if head > 64 && head * 2 > waiting.count {
            waiting.removeFirst(head)
            head = 0
        }
    }

    /// There is nothing to say of it after all.
    mutating func drop(_ item: Item) { settle(item) }

    /// The serial number for the next frame.
    var serial: UInt64 { nextSerial }

    mutating func sent(_ items: [Item], now: Instant) {
        for item in items { places[item] = .inFlight(nextSerial) }
        flights.append(Flight(serial: nextSerial, sentAt: now, items: items))
        nextSerial += 1
    }

    mutating func acknowledged(_ serial: UInt64, now: Instant) {
        guard let index = flights.firstIndex(where: { $0.serial == serial }) else { return }
        let flight = flights.remove(at: index)
        timer.measured(now - flight.sentAt)
        for item in flight.items where places[item] == .inFlight(serial) { settle(item) }
    }

    /// A sign of life: the neighbour is worth trying again soon.
    mutating func heard() { timer.heard() }

    /// Queues again what was in frames given up for lost; returns how many frames.
    mutating func tick(now: Instant) -> Int {
        let lost = flights.prefix { $0.sentAt + timer.timeout <= now }
        guard !lost.isEmpty else { return 0 }
        flights.removeFirst(lost.count)
        timer.backOff()
        if timer.isSuspicious {
            // No use in remembering what to tell: when it answers again it is told all of it.
            forgetAll()
            tellAll(includingLost: true)
        } else {
            for flight in lost {
                for item in flight.items where places[item] == .inFlight(flight.serial) {
                    places[item] = nil
                    tell(item)
                }
            }
        }
        return lost.count
    }

    private mutating func settle(_ item: Item) {
        places[item] = nil
        if case .request(let address) = item { requests[address] = nil }
    }

    private mutating func forgetAll() {
        waiting = []
        head = 0
        places = [:]
        requests = [:]
        flights = []
    }
}
