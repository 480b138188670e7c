package import Wire

/// What the kernel said about datagrams of a path that it did not take: news of the path, and nothing of it was on the wire.
package struct SendRefusal: Sendable, Equatable {
    package enum Reason: UInt8, Sendable {
        /// Larger than the interface carries (EMSGSIZE).
        case tooLarge
        /// Sent, but from another address than the path's, which is not this machine's any more.
        case sourceGone
        /// No route, no neighbour, interface down (ENETUNREACH, EHOSTUNREACH, ENETDOWN, EADDRNOTAVAIL and the like).
        case unreachable
        /// A firewall of this machine said no (EPERM, EACCES).
        case denied
        /// Anything else.
        case failed
    }

    package let reason: Reason
    /// Bytes of the largest datagram, without IP and UDP headers.
    package let largest: Int
    /// How many were not sent, and their bytes.
    package let datagrams: Int
    package let bytes: Int

    package init(_ reason: Reason, largest: Int, datagrams: Int, bytes: Int) {
        self.reason = reason
        self.largest = largest
        self.datagrams = datagrams
        self.bytes = bytes
    }
}

extension MeshBox {
    /// Takes what the kernel said of a datagram that was to go by `path`.
    package func refused(_ refusal: SendRefusal, for path: Path, now: Instant) {
        for session in allSessions where session.direct?.path.remote == path.remote {
            session.traffic.unsend(datagrams: refusal.datagrams, bytes: refusal.bytes)
            break
        }
        switch refusal.reason {
        case .tooLarge: tooLarge(refusal.largest, for: path, now: now)
        case .sourceGone: sourceRefused(path)
        case .unreachable, .denied, .failed:
            noteRefusal(refusal.reason, path)
            cannotSend(to: path, now: now)
        }
    }

    /// The local address of a path is gone: the kernel refused it.
    private func sourceRefused(_ path: Path) {
        for session in allSessions where session.direct?.path == path { session.path.forgetSource() }
    }

    /// Nothing goes out by the path: it is asked at once whether that stays so.
    private func cannotSend(to path: Path, now: Instant) {
        for session in allSessions where session.directAlive && session.isOwn(path) {
            session.path.refused(now)
            wake(session, session.path.nextQuestion ?? now, for: .signOfLife)
        }
    }

    /// A datagram of `count` bytes is too large for the interface.
    private func tooLarge(_ count: Int, for path: Path, now: Instant) {
        for session in allSessions where session.direct?.path.remote == path.remote {
            // A probe that is refused was a question; a message is lost.
            let size = count + links.ports.overhead(of: path)
            if size <= session.size.confirmed { drops.count(.pathShrank) }
            session.path.tooLarge(size, now)
            wake(session, session.size.nextProbe, for: .size)
        }
    }
}
