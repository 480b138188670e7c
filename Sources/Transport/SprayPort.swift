internal import System
package import Wire

/// Many ports as one, for the few seconds of a spray: each sends one datagram by itself (`Path.spraySocket`), so that a router on the way
/// opens a port of its own for each, and what is sent else leaves by the one that something came by last.
///
/// What came so far decides who the winner is; it then takes this one's place, and the others are closed with this one.
package final class SprayPort: DatagramPort {
    package let number: UInt16
    private let ports: [any DatagramPort]
    /// Of all of them: its descriptor is this port's.
    private let poller: Poller
    /// How many have sent their own datagram.
    private var used = 0
    /// By which something came last.
    private var last: Int?
    /// Records that no port was there for.
    private var refused = UDPCounters()

    /// `ports`: at least one, all with this number in their paths.
    package init(_ ports: [any DatagramPort], number: UInt16) throws(TransportError) {
        precondition(!ports.isEmpty, "a spray has ports")
        self.ports = ports
        self.number = number
        poller = try Poller()
        for (place, port) in ports.enumerated() {
            try poller.add(port.descriptor, token: UInt64(place), interest: .readable)
        }
    }

    package var count: Int { ports.count }
    /// The port that something came by last; nil where nothing did.
    package var winner: (any DatagramPort)? { last.map { ports[$0] } }

    package var descriptor: Int32 { poller.descriptor }
    package var traits: PortTraits { .udp }
    package var facts: PortFacts { ports[last ?? 0].facts }

    package var counters: UDPCounters {
        ports.reduce(into: refused) { $0.add($1.counters) }
    }

    /// What waits at one of them; what waits at others is reported by the descriptor again.
    package func receive(into batch: DatagramBatch) throws(TransportError) -> Int {
        let ready = try poller.wait(until: .distantPast, now: .distantPast)
        for index in 0..<ready {
            guard let place = Int(exactly: poller[index].token), place < ports.count else { continue }
            let count = try ports[place].receive(into: batch)
            guard count > 0 else { continue }
            last = place
            return count
        }
        batch.clear()
        return 0
    }

    /// A port whose buffer is full loses what it is given: nobody would say when there is room again.
    package func send(
        _ records: UnsafeMutableBufferPointer<OutgoingDatagram>
    ) throws(TransportError) -> SendProgress {
        var progress = SendProgress()
        for index in records.indices {
            if let place = place(records[index].path) {
                let record = UnsafeMutableBufferPointer(rebasing: records[index...index])
                let sent = try ports[place].send(record)
                if sent.isBlocked {
                    records[index].refuse(.failed)
                    refused.failed += 1
                }
            } else {
                records[index].refuse(.unreachable)
                refused.unreachable += 1
            }
            progress.done += 1
            if records[index].outcome.isRemarkable { progress.remarkable += 1 }
        }
        return progress
    }

    /// Nothing goes by it for which it was not opened.
    package func reaches(_ endpoint: Endpoint) -> Bool { false }

    private func place(_ path: Path) -> Int? {
        guard path.socket == Path.spraySocket else { return last }
        guard used < ports.count else { return nil }
        used += 1
        return used - 1
    }
}
