package import INET256
package import Wire

/// What the daemons of two boxes say to each other: the mesh carries it between the addresses of boxes, sealed and proven to come from there, and does
/// not read it. It may be lost, and come twice or late.
extension MeshBox {
    /// Of what is said at once, in bytes.
    package static let serviceLimit = ServiceLayout.longest

    /// Says something to the daemon of another box, whoever that is to this one. What is longer than `serviceLimit` is refused.
    package func sendService(_ purpose: UInt8, _ body: [UInt8], to remote: Address, now: Instant) -> SendOutcome {
        guard body.count <= Self.serviceLimit else { return drop(.messageTooLarge) }
        guard let local = node(knownAs(to: remote)), nodes[remote] == nil else { return drop(.nodeClosed) }
        guard let session = openSession(local, remote, now) else { return drop(.sessionsFull) }
        return ([purpose] + body).withUnsafeBytes { send(.service, $0, session, now) }
    }

    /// From strangers too, who pay with a handshake: a few at once, and all of them together no more than the control side takes without noticing.
    func receiveService(_ purpose: UInt8, _ body: UnsafeRawBufferPointer, _ session: Session, _ now: Instant) {
        guard session.local.isBox else { return drops.count(.malformedFrame) }
        guard session.link.takesService(now), session.peer != nil || answering.takesService(now) else {
            return drops.count(.serviceTooOften)
        }
        note(.service(session.remote, purpose, Array(body)))
    }
}
