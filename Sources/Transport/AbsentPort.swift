internal import System
package import Wire

/// The port of an interface that is not there: nothing comes by it, and nothing leaves, least of all by another interface.
package final class AbsentPort: DatagramPort {
    package let number: UInt16
    package let facts: PortFacts
    package private(set) var counters = UDPCounters()
    /// Something for the poller to hold that never happens.
    private let wakeup: Wakeup

    package init(_ endpoint: Endpoint, number: UInt16) throws(TransportError) {
        self.number = number
        wakeup = try Wakeup()
        facts = PortFacts(scheme: "udp", bound: endpoint)
    }

    package var descriptor: Int32 { wakeup.descriptor }
    package var traits: PortTraits { .udp }

    package func receive(into batch: DatagramBatch) throws(TransportError) -> Int { 0 }

    package func send(
        _ records: UnsafeMutableBufferPointer<OutgoingDatagram>
    ) throws(TransportError) -> SendProgress {
        for index in records.indices {
            records[index].refuse(.unreachable)
            counters.unreachable += 1
        }
        return SendProgress(done: records.count, remarkable: records.count)
    }

    /// The transport speaks the family all the same: peers there are said to be unreachable, and called when it is back.
    package func reaches(_ endpoint: Endpoint) -> Bool {
        facts.bound.address == .unspecified || facts.bound.isIPv4 == endpoint.isIPv4
    }
}
