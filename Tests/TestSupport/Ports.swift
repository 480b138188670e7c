package import Transport
package import Wire

/// A port in memory: what is sent is kept, what is to arrive is put in.
package final class CapturingPort: DatagramPort {
    package struct Datagram: Equatable {
        package let bytes: [UInt8]
        package let path: Path
        package let trafficClass: UInt8

        package init(_ bytes: [UInt8], _ path: Path, trafficClass: UInt8 = 0) {
            self.bytes = bytes
            self.path = path
            self.trafficClass = trafficClass
        }
    }

    package let number: UInt16
    /// None that a poller takes: whoever drives it knows when something is to arrive.
    package var descriptor: Int32 { -1 }
    package var traits: PortTraits
    package var facts = PortFacts(scheme: "test", bound: Endpoint(address: .unspecified, port: 0))
    /// What it tells next.
    package var events: [PortEvent] = []
    package private(set) var counters = UDPCounters()
    /// What was sent, datagram by datagram, in order.
    package private(set) var sent: [Datagram] = []
    /// What the next receives give, first ones first.
    package var arriving: [Datagram] = []
    /// Records that are taken before it is blocked; without end where nobody says otherwise.
    package var room = Int.max

    package init(number: UInt16 = 0, traits: PortTraits = .udp) {
        self.number = number
        self.traits = traits
    }

    package func receive(into batch: DatagramBatch) throws(TransportError) -> Int {
        batch.clear()
        while let next = arriving.first,
            next.bytes.withUnsafeBytes({ batch.put($0, path: next.path, trafficClass: next.trafficClass) })
        {
            arriving.removeFirst()
            counters.received += 1
            counters.receivedBytes += UInt64(next.bytes.count)
        }
        return batch.count
    }

    package func send(_ records: UnsafeMutableBufferPointer<OutgoingDatagram>) throws(TransportError) -> SendProgress {
        var progress = SendProgress()
        for index in records.indices {
            guard room > 0 else {
                progress.isBlocked = true
                counters.blocked += 1
                return progress
            }
            room -= 1
            keep(records[index])
            records[index].outcome = .sent
            progress.done += 1
        }
        return progress
    }

    package func takeEvents() -> [PortEvent] {
        defer { events = [] }
        return events
    }

    package func reaches(_ endpoint: Endpoint) -> Bool { true }

    private func keep(_ record: OutgoingDatagram) {
        var offset = 0
        repeat {
            let count = min(record.largest, record.bytes.count - offset)
            sent.append(
                Datagram([UInt8](record.bytes[offset..<offset + count]), record.path, trafficClass: record.trafficClass)
            )
            counters.sent += 1
            counters.sentBytes += UInt64(count)
            offset += count
        } while offset < record.bytes.count
    }
}

/// Another port with faults of one's choice in front of it.
package final class FaultyPort<Port: DatagramPort>: DatagramPort {
    package enum Fault {
        /// The record is lost, with this outcome.
        case lost(SendOutcome)
        /// Nothing more is taken in this call.
        case blocked
        /// The port is unusable from now on.
        case broken(TransportError)
    }

    package let port: Port
    /// What happens to the record of this number, counted from 0 over all calls; nil: nothing.
    package var fault: (Int) -> Fault?
    private var seen = 0
    private var failure: TransportError?

    package init(_ port: Port, _ fault: @escaping (Int) -> Fault?) {
        self.port = port
        self.fault = fault
    }

    package var number: UInt16 { port.number }
    package var descriptor: Int32 { port.descriptor }
    package var traits: PortTraits { port.traits }
    package var facts: PortFacts { port.facts }
    package var counters: UDPCounters { port.counters }

    package func receive(into batch: DatagramBatch) throws(TransportError) -> Int {
        if let failure { throw failure }
        return try port.receive(into: batch)
    }

    package func send(_ records: UnsafeMutableBufferPointer<OutgoingDatagram>) throws(TransportError) -> SendProgress {
        if let failure { throw failure }
        var progress = SendProgress()
        for index in records.indices {
            defer { seen += 1 }
            switch fault(seen) {
            case nil:
                let one = try port.send(UnsafeMutableBufferPointer(rebasing: records[index...index]))
                progress.done += one.done
                progress.remarkable += one.remarkable
                if one.isBlocked {
                    progress.isBlocked = true
                    return progress
                }
            case .lost(let outcome)?:
                records[index].outcome = outcome
                progress.done += 1
                if outcome.isRemarkable { progress.remarkable += 1 }
            case .blocked?:
                progress.isBlocked = true
                return progress
            case .broken(let error)?:
                failure = error
                throw error
            }
        }
        return progress
    }

    package func takeEvents() -> [PortEvent] { port.takeEvents() }

    package func reaches(_ endpoint: Endpoint) -> Bool { port.reaches(endpoint) }
}

/// Another port, with a count of how often it was crossed: once a burst is what the data plane promises.
package final class CountingPort<Port: DatagramPort>: DatagramPort {
    package let port: Port
    package private(set) var receives = 0
    package private(set) var sends = 0

    package init(_ port: Port) { self.port = port }

    package var number: UInt16 { port.number }
    package var descriptor: Int32 { port.descriptor }
    package var traits: PortTraits { port.traits }
    package var facts: PortFacts { port.facts }
    package var counters: UDPCounters { port.counters }

    package func receive(into batch: DatagramBatch) throws(TransportError) -> Int {
        receives += 1
        return try port.receive(into: batch)
    }

    package func send(_ records: UnsafeMutableBufferPointer<OutgoingDatagram>) throws(TransportError) -> SendProgress {
        sends += 1
        return try port.send(records)
    }

    package func takeEvents() -> [PortEvent] { port.takeEvents() }

    package func reaches(_ endpoint: Endpoint) -> Bool { port.reaches(endpoint) }
}
