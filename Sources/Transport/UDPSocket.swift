internal import CLinux
internal import Glibc
package import System
package import Wire

/// A UDP socket of the box: non-blocking, batched both ways, for one thread.
///
/// - Path MTU: every datagram has DF set and the kernel's path MTU cache is not heeded (IP_PMTUDISC_PROBE):
///   anybody can forge the ICMP messages that fill it, and the mesh measures the path itself (RFC 8899).
/// - ICMP errors: the error queue (IP_RECVERR) is left off. An unconnected socket without it hears nothing
///   of ICMP, so a forged "port unreachable" costs nothing, and a dead peer is noticed by silence as any
///   other loss is; with it every error would cost a system call and hold up the next send.
package final class UDPSocket {
    /// Register it with a poller; closed when the socket goes.
    package let descriptor: Int32
    /// What it is bound to, the port chosen by the kernel included.
    package let local: Endpoint
    /// The number that paths of this socket carry.
    package let number: UInt16
    /// Bytes of buffer that the kernel granted, bookkeeping included.
    package let receiveBuffer: Int
    package let sendBuffer: Int
    package internal(set) var counters = UDPCounters()
    /// The index of the interface that it is bound to; 0 for all.
    package let boundInterface: UInt32

    /// Whether several datagrams to one place go out in one system call (UDP_SEGMENT), and come in so (UDP_GRO).
    package internal(set) var sendsSegments: Bool
    package let receivesJoined: Bool

    let headers: OpaquePointer
    /// Records in the form that the kernel calls take, reused.
    let scratch: UnsafeMutablePointer<clinux_datagram>
    /// The datagrams of one record, where they must go one by one.
    let pieces: UnsafeMutableBufferPointer<OutgoingDatagram>

    /// What a socket may be made with.
    package struct Options: Sendable {
        /// Bytes wanted for each buffer. 32 MB hold 20 ms of 10 Gbit/s: a burst outlives a busy turn of the loop.
        package var bufferSize = 32 << 20
        /// The buffer to send from is not larger than this: what waits in it has left the queue that is sorted by flows, and
        /// every packet behind it waits as long. 1 MB is 1 ms of 10 Gbit/s, and 80 ms of 100 Mbit/s where the device's
        /// own queue is long enough to fill it (32 MB were seconds).
        package var sendBufferSize = 1 << 20
        /// SO_MARK, for policy routing and firewalls; needs CAP_NET_ADMIN.
        package var mark: UInt32?
        /// SO_BINDTODEVICE: everything goes and comes by this interface alone. One that is made anew under the same name is
        /// another.
        package var interface: String?
        /// Several datagrams in one system call, where the kernel has it. Batches to receive into then need slots of
        /// 64 KB; a smaller one loses what was joined.
        package var offload = false
        /// Several sockets on one endpoint, among which the kernel divides senders (SO_REUSEPORT). All must say so.
        package var sharesPort = false

        package init() {}
    }

    /// Binds to an endpoint. "[::]" takes IPv4 too, any other IPv6 address only itself; an IPv4 endpoint
    /// makes an IPv4 socket. Port 0 lets the kernel choose.
    package convenience init(bind endpoint: Endpoint, number: UInt16 = 0, options: Options = Options())
        throws(TransportError)
    {
        // A descriptor of its own type, so that a throw below closes it.
        try self.init(BoundUDP(endpoint, options), endpoint, number)
    }

    /// Takes over a socket that an earlier run of the program has left open, with what waits in it. Nil where it is not what `init` would
    /// make; it is closed then.
    package convenience init?(
        adopting left: consuming OwnedDescriptor, bind endpoint: Endpoint, number: UInt16, options: Options
    ) {
        guard let made = BoundUDP(adopting: left, endpoint, options) else { return nil }
        do { try self.init(made, endpoint, number) } catch { return nil }
    }

    private init(_ made: consuming BoundUDP, _ endpoint: Endpoint, _ number: UInt16) throws(TransportError) {
        guard let headers = clinux_headers_new(made.isIPv4) else {
            throw TransportError("make", "UDP \(endpoint)", code: ENOMEM)
        }
        self.headers = headers
        self.number = number
        local = made.local
        receiveBuffer = made.receiveBuffer
        sendBuffer = made.sendBuffer
        boundInterface = made.boundInterface
        sendsSegments = made.sendsSegments
        receivesJoined = made.receivesJoined
        descriptor = made.release()
        scratch = .allocate(capacity: DatagramBatch.capacity)
        scratch.initialize(repeating: clinux_datagram(), count: DatagramBatch.capacity)
        pieces = .allocate(capacity: OutgoingDatagram.maximumSegments)
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        pieces.initialize(
            repeating: OutgoingDatagram(bytes: nothing, path: Path(remote: Endpoint(address: .unspecified, port: 0))))
    }

    deinit {
        close(descriptor)
        clinux_headers_free(headers)
        scratch.deallocate()
        pieces.deallocate()
    }

    /// Takes a burst of datagrams that have arrived: as many as the batch has slots for its burst, or more where the kernel has
    /// joined some; 0 when there are none.
    /// Truncated ones are dropped and counted, so a result of 0 does not mean that nothing is left: the
    /// poller tells. Throws only when the socket itself is unusable.
    package func receive(into batch: DatagramBatch) throws(TransportError) -> Int {
        batch.prepare()
        let received = clinux_receive(
            descriptor, headers, batch.records, UInt32(batch.limit), &counters.overflowed)
        guard received >= 0 else {
            switch -received {
            case EAGAIN, EINTR: break
            case EBADF, ENOTSOCK, EFAULT, EINVAL, ENOSYS:
                throw TransportError("receive on", "UDP \(local)", code: -received)
            // ENETDOWN, ENOBUFS and their like: reported once each, then gone.
            default: counters.receiveErrors += 1
            }
            return 0
        }
        let (bytes, truncated) = batch.accept(Int(received), socket: number)
        counters.truncated += UInt64(truncated)
        counters.received += UInt64(batch.count)
        counters.receivedBytes += UInt64(bytes)
        return batch.count
    }
}
