internal import CMnl
internal import Glibc

/// Something in the namespace's network has changed.
package enum KernelEvent: Hashable, Sendable {
    /// New, or changed: flags, name, MTU and the like.
    case link(NetworkInterface)
    case linkGone(NetworkInterface)
    case address(InterfaceAddress)
    case addressGone(InterfaceAddress)
    case route(Route)
    case routeGone(Route)
    /// Events were lost because nobody read them in time: what is known is stale, so dump again.
    case overrun

    /// The event in a multicast message; nil for one of no interest or cut short.
    package init?(decoding message: NetlinkMessage) {
        let event: KernelEvent?
        switch Int(message.type) {
        case RTM_NEWLINK: event = NetworkInterface(decoding: message.body).map { .link($0) }
        case RTM_DELLINK: event = NetworkInterface(decoding: message.body).map { .linkGone($0) }
        case RTM_NEWADDR: event = InterfaceAddress(decoding: message.body).map { .address($0) }
        case RTM_DELADDR: event = InterfaceAddress(decoding: message.body).map { .addressGone($0) }
        case RTM_NEWROUTE: event = Route(decoding: message.body).map { .route($0) }
        case RTM_DELROUTE: event = Route(decoding: message.body).map { .routeGone($0) }
        default: event = nil
        }
        guard let event else { return nil }
        self = event
    }
}

/// An event, and the netlink port of whoever caused it, as a rule its process id; 0 where the kernel does not say, or did it by itself.
package struct KernelNotice: Hashable, Sendable {
    package let event: KernelEvent
    package let port: UInt32
}

/// Hears of changes to links, addresses and routes in the namespace where it was opened. Needs no privilege.
///
/// It has no thread: an event loop polls `descriptor` and calls `drain()` when it is readable.
package final class KernelWatcher {
    private let handle: SocketHandle
    private let inbox = DatagramBuffer()

    /// Datagrams read in one call, so that a storm of changes does not starve the caller's other work.
    private static let datagramsPerDrain = 256

    /// - Parameter receiveBuffer: bytes that may wait before events are lost. The system's limit holds for callers
    ///   without CAP_NET_ADMIN.
    package init(receiveBuffer: Int32 = 1 << 20) throws(NetlinkError) {
        let groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE
        handle = try SocketHandle(bus: NETLINK_ROUTE, groups: UInt32(groups))
        handle.setReceiveBuffer(receiveBuffer)
    }

    /// Readable when there are events. To be polled only: reads go through `drain()`, which never blocks.
    package var descriptor: Int32 { handle.descriptor }

    /// The events that wait, oldest first; empty when there are none. Where the descriptor is still readable
    /// afterwards, call again.
    ///
    /// - Throws: what recvmsg(2) failed with, save for lost events: they are the event `.overrun`.
    package func drain() throws(NetlinkError) -> [KernelEvent] { try notices().map(\.event) }

    /// The same with who it was.
    package func notices() throws(NetlinkError) -> [KernelNotice] {
        var events: [KernelNotice] = []
        for _ in 0..<Self.datagramsPerDrain {
            switch inbox.receiveNow(from: handle) {
            case .datagram(let bytes):
                for message in NetlinkMessages(bytes) {
                    guard let event = KernelEvent(decoding: message) else { continue }
                    events.append(KernelNotice(event: event, port: message.port))
                }
            case .stranger:
                continue
            case .failed(EAGAIN):
                return events
            case .failed(ENOBUFS), .failed(EMSGSIZE):
                events.append(KernelNotice(event: .overrun, port: 0))
            case .failed(let code):
                throw NetlinkError(operation: "watch the network", object: "", code: code)
            }
        }
        return events
    }
}
