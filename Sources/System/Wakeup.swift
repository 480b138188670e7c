internal import CLinux
internal import Glibc

/// Wakes a thread that waits in a `Poller`, from any other thread: an eventfd(2).
package final class Wakeup: Sendable {
    /// Register it with the poller, for `.readable`.
    package let descriptor: Int32

    package init() throws(SystemError) {
        let made = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard made >= 0 else { throw SystemError("create", "an eventfd", code: errno) }
        descriptor = made
    }

    deinit { close(descriptor) }

    /// Makes the descriptor readable until it is drained. Many signals before a drain are one.
    package func signal() {
        var one: UInt64 = 1
        // The one failure is EAGAIN, when the counter is at 2^64 - 2: then it is readable already.
        while write(descriptor, &one, 8) < 0 && errno == EINTR {}
    }

    /// Takes all signals. Gives false when there was none.
    @discardableResult
    package func drain() -> Bool {
        var count: UInt64 = 0
        return read(descriptor, &count, 8) == 8
    }
}
