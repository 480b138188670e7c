internal import CMnl
internal import Glibc
package import Wire

/// A netlink socket for requests: each is sent, its answers collected, the kernel's verdict awaited.
///
/// Never hangs: each request ends within `timeout`. Never grows without bound: a datagram may be 1 MiB, a dump a
/// million objects. Belongs to one thread at a time, and to the network namespace that the thread was in when it
/// was opened.
package final class NetlinkSocket {
    /// The kernel subsystem at the other end.
    package enum Bus: Int32, Sendable {
        /// Links, addresses, routes: rtnetlink(7).
        case route = 0
        /// nf_tables and its siblings.
        case netfilter = 12
    }

    private let bus: Bus
    private var handle: SocketHandle
    private let inbox = DatagramBuffer()
    /// For one request with all its answers; 5 s by default.
    package var timeout: Interval
    private var sequence: UInt32
    /// No verdict came for the last request: its dump may still be under way, and the kernel allows one a socket.
    private var isMidway = false

    /// How often a dump that changed under the reader is begun again.
    private static let dumpAttempts = 10
    /// What the kernel keeps beside the bytes of a datagram, generously.
    private static let batchOverhead = 4096
    /// Objects kept from one dump: more than a full routing table of the Internet.
    private static let itemLimit = 1 << 20

    /// - Throws: `NetlinkError` with the errno of socket(2) or bind(2).
    package init(_ bus: Bus = .route) throws(NetlinkError) {
        self.bus = bus
        timeout = .seconds(5)
        handle = try Self.open(bus)
        // Any start will do; a fresh one keeps the answers of an earlier socket with the same port apart.
        sequence = UInt32(truncatingIfNeeded: Self.now().nanoseconds)
    }

    /// Takes over a socket that an earlier run of the program has left open: the kernel knows it by the same port, and what it owns
    /// stays.
    /// - Parameter fd: the socket's from here on; closed also where this throws.
    package init(adopting fd: Int32, _ bus: Bus) throws(NetlinkError) {
        self.bus = bus
        timeout = .seconds(5)
        handle = try SocketHandle(adopting: fd, bus: bus.rawValue)
        sequence = UInt32(truncatingIfNeeded: Self.now().nanoseconds)
    }

    /// For who keeps the socket open beyond this object; it stays this object's.
    package var descriptor: Int32 { handle.descriptor }

    /// The port by which the kernel knows this socket.
    package var port: UInt32 { handle.port }

    private static func open(_ bus: Bus) throws(NetlinkError) -> SocketHandle {
        let handle = try SocketHandle(bus: bus.rawValue, groups: 0)
        // Both only make messages better; a kernel without them still answers.
        handle.enable(NETLINK_EXT_ACK)
        handle.enable(NETLINK_CAP_ACK)
        // Only rtnetlink knows it: the kernel then refuses what it does not understand and filters dumps itself.
        if bus == .route { handle.enable(NETLINK_GET_STRICT_CHK) }
        return handle
    }

    /// Carries the request out and waits for the kernel's word that it is done.
    package func execute(_ request: borrowing NetlinkRequest) throws(NetlinkError) {
        _ = try collect(request) { _ -> Void? in nil }
    }

    /// Carries out a query or a dump and gives what `decode` makes of each answer; nil leaves one out.
    /// A dump that the kernel calls inconsistent (NLM_F_DUMP_INTR) is begun again.
    ///
    /// - Throws: the kernel's verdict; ETIMEDOUT; EINTR when the tables never stood still; EMSGSIZE when request
    ///   or answer outgrow
    ///   their bounds.
    package func collect<T>(
        _ request: borrowing NetlinkRequest, decode: (NetlinkMessage) -> T?
    ) throws(NetlinkError) -> [T] {
        guard !request.overflowed else { throw request.failure(EMSGSIZE) }
        for _ in 0..<Self.dumpAttempts {
            if let items = try attempt(request, decode) { return items }
        }
        throw request.failure(EINTR, "the tables changed during each of \(Self.dumpAttempts) dumps")
    }

    /// One run; nil when it has to be begun again.
    private func attempt<T>(
        _ request: borrowing NetlinkRequest, _ decode: (NetlinkMessage) -> T?
    ) throws(NetlinkError) -> [T]? {
        if isMidway { handle = try Self.open(bus) }
        isMidway = true
        sequence &+= 1
        let expected = sequence
        let ack = request.isDump ? 0 : UInt16(NLM_F_ACK)
        let sent = request.numbered(expected, extraFlags: ack) { handle.send($0) }
        guard sent == 0 else { throw request.failure(sent) }

        let deadline = Self.now() + timeout
        var exchange = Exchange<T>(sequence: expected, limit: Self.itemLimit)
        while Self.now() < deadline {
            switch inbox.receive(from: handle, until: deadline, now: Self.now) {
            case .failed(ENOBUFS) where request.isDump:
                exchange.noteLoss()
            case .failed(let code):
                throw request.failure(code)
            case .stranger:
                continue
            case .datagram(let bytes):
                do {
                    switch try exchange.receive(bytes, decode: decode) {
                    case .waiting: continue
                    case .finished:
                        isMidway = false
                        return exchange.items
                    case .inconsistent:
                        isMidway = false
                        return nil
                    }
                } catch {
                    isMidway = !error.isVerdict
                    throw request.failure(error.code, error.text)
                }
            }
        }
        throw request.failure(ETIMEDOUT)
    }

    /// The first of so many numbers that no other request of this socket bears.
    func reserveNumbers(_ count: Int) -> UInt32 {
        let first = sequence &+ 1
        sequence &+= UInt32(clamping: count)
        return first
    }

    /// Sends a batch and reads what the kernel has to say. It works through a batch before the sending returns, so its
    /// whole answer waits by then: all is read and nothing waited for. Nil when some of it was lost and the rest
    /// refuses nothing.
    func exchange(
        batch: UnsafeRawBufferPointer, _ first: UInt32, _ count: Int
    ) throws(ExchangeFailure) -> [BatchRefusal]? {
        handle.setSendBuffer(Int32(clamping: batch.count + Self.batchOverhead))
        let sent = handle.send(batch)
        guard sent == 0 else { throw ExchangeFailure(code: sent, text: nil) }
        var refusals: [BatchRefusal] = []
        var isLost = false
        while true {
            switch inbox.receiveNow(from: handle) {
            case .stranger:
                continue
            case .failed(EAGAIN):
                return isLost && refusals.isEmpty ? nil : refusals
            case .failed(ENOBUFS), .failed(EMSGSIZE):
                isLost = true
            case .failed(let code):
                throw ExchangeFailure(code: code, text: nil)
            case .datagram(let bytes):
                for message in NetlinkMessages(bytes) where Int32(message.type) == NLMSG_ERROR {
                    let number = Int(message.sequence &- first)
                    guard number < count else { continue }
                    guard let verdict = Acknowledgement(decoding: message) else {
                        throw ExchangeFailure(code: EBADMSG, text: nil)
                    }
                    guard verdict.code != 0 else { continue }
                    refusals.append(BatchRefusal(message: number, code: verdict.code, text: verdict.text))
                }
            }
        }
    }

    private static func now() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}
