package import Wire

/// A received datagram in a batch's memory: valid until the batch is received into again.
package struct IncomingDatagram {
    /// The payload, writable so that it can be opened in place. May be empty.
    package let bytes: UnsafeMutableRawBufferPointer
    /// From where, and to which of our addresses, on which interface and socket.
    package let path: Path
    /// DSCP and ECN of the packet that brought it (RFC 2474, RFC 3168). Anybody on the way could have set them.
    package let trafficClass: UInt8

    @inlinable
    init(bytes: UnsafeMutableRawBufferPointer, path: Path, trafficClass: UInt8 = 0) {
        self.bytes = bytes
        self.path = path
        self.trafficClass = trafficClass
    }
}

/// What became of a datagram that was handed to `UDPSocket.send`.
package enum SendOutcome: UInt8, CaseIterable, Sendable {
    /// Not tried yet: the socket's buffer was full before its turn came.
    case pending
    case sent
    /// Sent, but not from the address that the path names, which is no longer ours: the path is stale.
    case sentFromOtherAddress
    /// EMSGSIZE: larger than the interface's MTU. Lost; the path carries less.
    case tooBig
    /// No route, no neighbour, network down, wrong family for this socket. Lost.
    case unreachable
    /// EPERM or EACCES: a firewall of this machine, or its policy, said no. Lost.
    case denied
    /// Anything else that the kernel may say about one datagram. Lost.
    case failed

    /// Whether somebody may want to know.
    @inlinable
    package var isRemarkable: Bool {
        switch self {
        case .pending, .sent: false
        case .sentFromOtherAddress, .tooBig, .unreachable, .denied, .failed: true
        }
    }
}

/// A datagram to be sent, or several of them to one place: a record that points into memory of the caller's.
package struct OutgoingDatagram {
    /// The payload; the caller keeps it in place until it is sent. Of several datagrams, one behind the other.
    package var bytes: UnsafeRawBufferPointer
    /// Bytes of each datagram, of which the last may have fewer; 0 when it is a single one. At most
    /// `maximumSegments` and `maximumRun` bytes in all.
    package var segment: Int
    /// Where to; from `path.local` when that is set. For link-local addresses by `path.interface`, else the
    /// kernel chooses the interface by its routes.
    package var path: Path
    /// DSCP and ECN of its packets.
    package var trafficClass: UInt8
    /// Set by `UDPSocket.send`.
    package var outcome: SendOutcome
    /// Of its datagrams, how many the kernel refused so that they were never on the wire, and their bytes. Set by
    /// `UDPSocket.send`.
    package internal(set) var refused = 0
    package internal(set) var refusedBytes = 0

    /// What one system call takes as a single send with any kernel that can (UDP_SEGMENT).
    package static let maximumSegments = 64
    /// Bytes of the payloads together: an IP packet's length less headers and options.
    package static let maximumRun = 65_000

    @inlinable
    package init(bytes: UnsafeRawBufferPointer, path: Path, segment: Int = 0, trafficClass: UInt8 = 0) {
        self.bytes = bytes
        self.segment = segment
        self.path = path
        self.trafficClass = trafficClass
        outcome = .pending
    }
}

extension OutgoingDatagram {
    /// Bytes of the largest datagram.
    @inlinable
    package var largest: Int { segment == 0 ? bytes.count : segment }

    /// Not one of its datagrams was on the wire.
    mutating func refuse(_ outcome: SendOutcome) {
        self.outcome = outcome
        refused = datagrams
        refusedBytes = bytes.count
    }

    /// How many datagrams it stands for.
    @inlinable
    package var datagrams: Int { segment == 0 ? 1 : (bytes.count + segment - 1) / segment }
}

/// How far a `send` came.
package struct SendProgress: Equatable, Sendable {
    /// Records dealt with, from the first: sent or lost, as each one's outcome says.
    package var done: Int
    /// How many of these have a remarkable outcome.
    package var remarkable: Int
    /// The socket's buffer is full: poll for `.writable`, then offer the rest again or drop it.
    package var isBlocked: Bool

    @inlinable
    package init(done: Int = 0, remarkable: Int = 0, isBlocked: Bool = false) {
        self.done = done
        self.remarkable = remarkable
        self.isBlocked = isBlocked
    }
}

/// What a UDP socket has done since it was made.
package struct UDPCounters: Equatable, Sendable {
    /// Datagrams handed up, and their bytes without IP and UDP headers.
    package var received: UInt64 = 0
    package var receivedBytes: UInt64 = 0
    /// Longer than a slot of the batch, and dropped for it.
    package var truncated: UInt64 = 0
    /// Receive calls that reported a passing error.
    package var receiveErrors: UInt64 = 0
    /// Dropped by the kernel because the receive buffer was full; modulo 2^32, known when the next one arrives.
    package var overflowed: UInt32 = 0
    /// Datagrams that the kernel took, and their bytes without IP and UDP headers.
    package var sent: UInt64 = 0
    package var sentBytes: UInt64 = 0
    /// Sends of several datagrams at once that the kernel would not take, so that they went one by one.
    package var unsegmented: UInt64 = 0
    /// Times that the send buffer was full.
    package var blocked: UInt64 = 0
    /// As in `SendOutcome`.
    package var sentFromOtherAddress: UInt64 = 0
    package var tooBig: UInt64 = 0
    package var unreachable: UInt64 = 0
    package var denied: UInt64 = 0
    package var failed: UInt64 = 0

    package init() {}

    /// Adds another socket's.
    package mutating func add(_ other: UDPCounters) {
        received &+= other.received
        receivedBytes &+= other.receivedBytes
        truncated &+= other.truncated
        receiveErrors &+= other.receiveErrors
        overflowed &+= other.overflowed
        sent &+= other.sent
        sentBytes &+= other.sentBytes
        unsegmented &+= other.unsegmented
        blocked &+= other.blocked
        sentFromOtherAddress &+= other.sentFromOtherAddress
        tooBig &+= other.tooBig
        unreachable &+= other.unreachable
        denied &+= other.denied
        failed &+= other.failed
    }
}
