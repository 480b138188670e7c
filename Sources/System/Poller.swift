internal import CLinux
internal import Glibc
package import Wire

/// What a descriptor is watched for.
package struct Interest: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let readable = Interest(rawValue: 1)
    package static let writable = Interest(rawValue: 2)

    /// The bits that epoll_ctl(2) takes. Errors and hang-ups are always reported.
    fileprivate var events: UInt32 {
        (contains(.readable) ? EPOLLIN.rawValue : 0) | (contains(.writable) ? EPOLLOUT.rawValue : 0)
    }
}

/// Something happened to a watched descriptor.
package struct Readiness: Sendable {
    /// What the descriptor was registered with.
    package let token: UInt64
    package let isReadable: Bool
    package let isWritable: Bool
    /// An error or hang-up is pending: read or write to learn which.
    package let isBroken: Bool
}

/// Waits for many descriptors at once: a level-triggered epoll(7) for one thread.
///
/// Level-triggered, because the loop takes a bounded burst from each descriptor per turn: what is left
/// over reports itself again.
package final class Poller {
    /// Readable while one of the watched is ready: a poller may be watched by another.
    package let descriptor: Int32
    /// Reused by every wait.
    private let events: UnsafeMutableBufferPointer<epoll_event>

    /// `capacity`: events taken per wait, at least 1; more ready descriptors than that wait their turn.
    package init(capacity: Int = 64) throws(SystemError) {
        precondition(capacity > 0, "a poller needs room for an event")
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw SystemError("create", "an epoll descriptor", code: errno) }
        events = .allocate(capacity: capacity)
        events.initialize(repeating: epoll_event())
    }

    deinit {
        close(descriptor)
        events.deallocate()
    }

    /// Watches a descriptor, which the caller keeps open until `remove`.
    package func add(_ target: Int32, token: UInt64, interest: Interest) throws(SystemError) {
        try control(EPOLL_CTL_ADD, "watch", target, token: token, interest: interest)
    }

    /// Changes what a watched descriptor is watched for, and its token.
    package func modify(_ target: Int32, token: UInt64, interest: Interest) throws(SystemError) {
        try control(EPOLL_CTL_MOD, "change the watch of", target, token: token, interest: interest)
    }

    /// Ends the watch.
    package func remove(_ target: Int32) throws(SystemError) {
        try control(EPOLL_CTL_DEL, "end the watch of", target, token: 0, interest: [])
    }

    /// Sleeps until something happens or `deadline` is reached; nil waits for ever, a deadline at or before
    /// `now` does not wait at all. Gives the number of events, which `subscript` then holds until the next
    /// wait; 0 when the deadline came or a signal interrupted.
    ///
    /// The kernel counts the span on a clock that stands still while the machine sleeps, so a deadline that
    /// passes during a suspend is noticed late, by at most the span that was left.
    package func wait(until deadline: Instant?, now: Instant) throws(SystemError) -> Int {
        let span = deadline.map { Swift.max(0, ($0 - now).nanoseconds) } ?? -1
        guard let base = events.baseAddress else { return 0 }
        let count = clinux_epoll_wait(descriptor, base, Int32(clamping: events.count), span)
        if count == -EINTR { return 0 }
        guard count >= 0 else { throw SystemError("wait on", "an epoll descriptor", code: -count) }
        return Int(count)
    }

    /// An event of the last wait.
    package subscript(index: Int) -> Readiness {
        let event = events[index]
        return Readiness(
            token: event.data.u64,
            isReadable: event.events & EPOLLIN.rawValue != 0,
            isWritable: event.events & EPOLLOUT.rawValue != 0,
            isBroken: event.events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0)
    }

    private func control(
        _ verb: Int32, _ operation: String, _ target: Int32, token: UInt64, interest: Interest
    ) throws(SystemError) {
        var event = epoll_event(events: interest.events, data: epoll_data_t(u64: token))
        guard epoll_ctl(descriptor, verb, target, &event) == 0 else {
            throw SystemError(operation, "descriptor \(target)", code: errno)
        }
    }
}
