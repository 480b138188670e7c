internal import Glibc

/// A connection's descriptor with one owner, closed when the owner goes. Non-blocking, and never a signal.
struct NodeSocket: ~Copyable {
    let number: Int32

    private static let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)

    /// What became of a transfer.
    enum Outcome {
        /// That many bytes; when sending, fewer than given mean that there is no room for more.
        case bytes(Int)
        /// Not now: the poller tells when.
        case wait
        /// The other side closed its half.
        case end
        /// The connection is of no use any more.
        case broken(Int32)
    }

    /// Takes over an open, non-blocking descriptor.
    init(owning number: Int32) { self.number = number }

    /// A second descriptor of the same connection; nil when there are too many. The first one may be closed then.
    static func duplicate(of number: Int32) -> Int32? {
        let copy = fcntl(number, F_DUPFD_CLOEXEC, 0)
        return copy >= 0 ? copy : nil
    }

    deinit {
        // At once, whoever else still has a descriptor of it.
        shutdown(number, Int32(SHUT_RDWR))
        close(number)
    }

    func receive(into target: UnsafeMutableRawBufferPointer) -> Outcome {
        while true {
            let count = recv(number, target.baseAddress, target.count, Self.flags)
            if count > 0 { return .bytes(count) }
            if count == 0 { return .end }
            guard errno == EINTR else { return Self.outcome(of: errno) }
        }
    }

    func send(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        while true {
            let count = Glibc.send(number, bytes.baseAddress, bytes.count, Self.flags)
            if count >= 0 { return .bytes(count) }
            guard errno == EINTR else { return Self.outcome(of: errno) }
        }
    }

    private static func outcome(of code: Int32) -> Outcome {
        // EWOULDBLOCK is EAGAIN on Linux. No memory for the moment is not the client's fault.
        code == EAGAIN || code == ENOBUFS || code == ENOMEM ? .wait : .broken(code)
    }
}
