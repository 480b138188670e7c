import Synchronization
import System
import Transport
import Wire

/// A transport that exists in tests alone: connections through memory, which carry datagrams of one size, say where they come from
/// beyond doubt, and come and go. All that it takes is this file, and its source in `EngineSetup.ports`.
struct ToyTransport: PortSource {
    /// Bytes of the largest datagram.
    static let size = 3000

    let endpoint: Endpoint
    let network: ToyNetwork
    var sharesEndpoint = true

    func open(_ count: Int, number: UInt16) throws -> OpenedPorts {
        let first = try ToyPort(endpoint, number, network)
        guard count > 1 else { return OpenedPorts(first) }
        guard sharesEndpoint else { return OpenedPorts(first, refusal: "toys are not shared") }
        return OpenedPorts(first, others: try (1..<count).map { _ in try ToyPort(endpoint, number, network) })
    }
}

/// What joins toys: who is where, and who is connected with whom.
final class ToyNetwork: Sendable {
    struct Datagram {
        let bytes: [UInt8]
        let path: Path
    }

    private struct Pair: Hashable {
        let from: Endpoint
        let to: Endpoint
    }

    private struct State {
        var ports: [(endpoint: Endpoint, inbox: ToyInbox)] = []
        var connections: Set<Pair> = []
        /// Nobody connects while it is cut.
        var isCut = false
        /// And these not any more.
        var apart: Set<Pair> = []
    }

    private let state = Mutex(State())

    func add(_ endpoint: Endpoint, _ inbox: ToyInbox) { state.withLock { $0.ports.append((endpoint, inbox)) } }

    /// False where nobody is there. What comes from one endpoint comes to one of those that share the other.
    func send(_ datagrams: [[UInt8]], from: Endpoint, to: Endpoint) -> Bool {
        state.withLock { state in
            let there = state.ports.filter { $0.endpoint == to }
            guard !state.isCut, !state.apart.contains(Pair(from: from, to: to)), !there.isEmpty else { return false }
            if state.connections.insert(Pair(from: from, to: to)).inserted {
                for (here, far) in [(from, to), (to, from)] { tell(.opened(Self.path(far)), here, state) }
            }
            let inbox = there[Int(from.port) % there.count].inbox
            inbox.put(datagrams.map { Datagram(bytes: $0, path: Self.path(from)) })
            return true
        }
    }

    /// Closes every connection, and lets nobody open one until it is mended.
    func cut() {
        state.withLock { state in
            state.isCut = true
            for pair in state.connections { tell(.closed(Self.path(pair.to)), pair.from, state) }
            for pair in state.connections { tell(.closed(Self.path(pair.from)), pair.to, state) }
            state.connections = []
        }
    }

    /// Closes the connections of two, for good.
    func part(_ a: Endpoint, _ b: Endpoint) {
        state.withLock { state in
            for pair in [Pair(from: a, to: b), Pair(from: b, to: a)] {
                state.apart.insert(pair)
                state.connections.remove(pair)
                tell(.closed(Self.path(pair.to)), pair.from, state)
            }
        }
    }

    func mend() { state.withLock { $0.isCut = false } }

    private func tell(_ event: PortEvent, _ endpoint: Endpoint, _ state: State) {
        for port in state.ports where port.endpoint == endpoint { port.inbox.tell(event) }
    }

    private static func path(_ remote: Endpoint) -> Path { Path(remote: remote, interface: 7) }
}

/// What waits for a toy.
final class ToyInbox: Sendable {
    private let waiting = Mutex<(datagrams: [ToyNetwork.Datagram], events: [PortEvent])>(([], []))
    private let wakeup: Wakeup

    init() throws { wakeup = try Wakeup() }

    var descriptor: Int32 { wakeup.descriptor }

    func put(_ datagrams: [ToyNetwork.Datagram]) {
        waiting.withLock { $0.datagrams += datagrams }
        wakeup.signal()
    }

    func tell(_ event: PortEvent) {
        waiting.withLock { $0.events.append(event) }
        wakeup.signal()
    }

    func take(_ body: (ToyNetwork.Datagram) -> Bool) {
        wakeup.drain()
        waiting.withLock { waiting in
            let taken = waiting.datagrams.prefix(while: body).count
            waiting.datagrams.removeFirst(taken)
            if !waiting.datagrams.isEmpty { wakeup.signal() }
        }
    }

    func takeEvents() -> [PortEvent] {
        waiting.withLock { waiting in
            defer { waiting.events = [] }
            return waiting.events
        }
    }
}

final class ToyPort: DatagramPort {
    let number: UInt16
    private(set) var counters = UDPCounters()
    private let endpoint: Endpoint
    private let network: ToyNetwork
    private let inbox: ToyInbox

    init(_ endpoint: Endpoint, _ number: UInt16, _ network: ToyNetwork) throws {
        self.endpoint = endpoint
        self.number = number
        self.network = network
        inbox = try ToyInbox()
        network.add(endpoint, inbox)
    }

    var descriptor: Int32 { inbox.descriptor }
    var facts: PortFacts { PortFacts(scheme: "toy", bound: endpoint) }
    var traits: PortTraits {
        PortTraits(sizes: .fixed(ToyTransport.size), overhead: (2, 2), provesWayBack: true, hasConnections: true)
    }

    func receive(into batch: DatagramBatch) throws(TransportError) -> Int {
        batch.clear()
        inbox.take { datagram in
            var path = datagram.path
            path.socket = number
            return datagram.bytes.withUnsafeBytes { batch.put($0, path: path) }
        }
        counters.received += UInt64(batch.count)
        return batch.count
    }

    func send(_ records: UnsafeMutableBufferPointer<OutgoingDatagram>) throws(TransportError) -> SendProgress {
        var progress = SendProgress()
        for index in records.indices {
            let record = records[index]
            let datagrams = stride(from: 0, to: record.bytes.count, by: max(1, record.largest)).map {
                [UInt8](record.bytes[$0..<min($0 + record.largest, record.bytes.count)])
            }
            let fits = record.largest <= ToyTransport.size
            let isSent = fits && network.send(datagrams, from: endpoint, to: record.path.remote)
            records[index].outcome = isSent ? .sent : fits ? .unreachable : .tooBig
            counters.sent += isSent ? UInt64(datagrams.count) : 0
            counters.tooBig += fits ? 0 : 1
            progress.done += 1
            if records[index].outcome.isRemarkable { progress.remarkable += 1 }
        }
        return progress
    }

    func takeEvents() -> [PortEvent] {
        inbox.takeEvents().map { event in
            switch event {
            case .opened(var path):
                path.socket = number
                return .opened(path)
            case .closed(var path):
                path.socket = number
                return .closed(path)
            case .room: return .room
            }
        }
    }

    func reaches(_ endpoint: Endpoint) -> Bool { endpoint.address.high == self.endpoint.address.high }
}
