package import Wire

/// A transport as it is configured, and how its ports are opened. What there is of a transport is its port, its source, and its
/// settings, which make the source.
package protocol PortSource: Sendable {
    /// Where it is to be.
    var endpoint: Endpoint { get }

    /// Opens `count` ports with this number in their paths, one for each thread, which share what comes to the endpoint. Where they
    /// cannot, it opens one and says why.
    func open(_ count: Int, number: UInt16) throws -> OpenedPorts

    /// The machine's network changed: a port in the place of one that serves no longer, or nil where that one does.
    func renewed(_ port: any DatagramPort) -> (any DatagramPort)?

    /// A further port with this number, by which routers on the way see another sender. Nil where that is no help.
    func spare(number: UInt16) throws -> (any DatagramPort)?
}

extension PortSource {
    package func renewed(_ port: any DatagramPort) -> (any DatagramPort)? { nil }
    package func spare(number: UInt16) throws -> (any DatagramPort)? { nil }
}

/// What a source opened.
package struct OpenedPorts {
    package let first: any DatagramPort
    /// Those of the other threads: as many as were wanted, or none.
    package let others: [any DatagramPort]
    /// Why there are none, where some were wanted.
    package var refusal: String?
    /// What the operator should know.
    package var warnings: [String] = []
    /// The same, of what is no fault and is not worth a line in the log.
    package var remarks: [String] = []

    package init(_ first: any DatagramPort, others: [any DatagramPort] = [], refusal: String? = nil) {
        self.first = first
        self.others = others
        self.refusal = refusal
    }
}
