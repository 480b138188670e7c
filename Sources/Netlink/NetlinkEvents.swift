internal import CMnl
internal import Glibc

/// What a subscription brings.
package enum NetlinkEvent {
    /// Good until the closure that it was given to returns.
    case message(NetlinkMessage)
    /// Events were lost because nobody read them in time.
    case lost
}

/// A subscription to multicast groups of a bus, as raw messages. It has no thread: an event loop polls `descriptor`.
package final class NetlinkEvents {
    private let handle: SocketHandle
    private let inbox = DatagramBuffer()

    /// Datagrams read in one call, so that a storm of changes does not starve the caller's other work.
    private static let datagramsPerDrain = 256

    /// - Parameters:
    ///   - groups: a bit for each group, group 1 the lowest.
    ///   - receiveBuffer: bytes that may wait before events are lost. The system's limit holds for callers without
    ///     CAP_NET_ADMIN.
    package init(_ bus: NetlinkSocket.Bus, groups: UInt32, receiveBuffer: Int32) throws(NetlinkError) {
        handle = try SocketHandle(bus: bus.rawValue, groups: groups)
        handle.setReceiveBuffer(receiveBuffer)
    }

    /// Readable when there are events. To be polled only.
    package var descriptor: Int32 { handle.descriptor }

    /// Gives `body` what waits, oldest first, and never blocks.
    /// - Throws: what recvmsg(2) failed with, save for lost events.
    package func drain(_ body: (NetlinkEvent) -> Void) throws(NetlinkError) {
        for _ in 0..<Self.datagramsPerDrain {
            switch inbox.receiveNow(from: handle) {
            case .datagram(let bytes):
                for message in NetlinkMessages(bytes) { body(.message(message)) }
            case .stranger:
                continue
            case .failed(EAGAIN):
                return
            case .failed(ENOBUFS), .failed(EMSGSIZE):
                body(.lost)
            case .failed(let code):
                throw NetlinkError(operation: "hear netlink events", object: "", code: code)
            }
        }
    }
}
