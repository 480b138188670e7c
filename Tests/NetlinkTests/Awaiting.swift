import Glibc
import Netlink
import Testing

extension KernelWatcher {
    /// Whether there are events now, or within that many milliseconds.
    func isReadable(within milliseconds: Int32 = 0) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, milliseconds) == 1
    }

    /// Reads events until one is as wanted; fails after 5 s without any. For what the kernel does from a work queue:
    /// new IPv6 addresses and their local routes.
    func wait(until isWanted: (KernelEvent) -> Bool) throws {
        var events: [KernelEvent] = []
        while !events.contains(where: isWanted) {
            try #require(isReadable(within: 5000), "heard only \(events)")
            events += try drain()
        }
    }
}
