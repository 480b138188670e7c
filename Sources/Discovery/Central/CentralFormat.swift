internal import INET256
internal import Wire

/// The datagrams to and from a central server. All begin alike:
///
///     0   kind (8)
///     1   version (8), 1
///     2   status (8); zero in what is asked
///     3   zero (8)
///     4   nonce (64): chosen by who asks, repeated by who answers
///
/// What is asked goes on with a cookie, 16 bytes that the server gave to this endpoint, zero while there is none; and an answer is
/// never longer than what was asked.
///
///     announce  28: a record (`CentralRecord`)
///     lookup    28: who asks (32 bytes), whom it looks for (32 bytes); zeros up to 1,000 bytes in all
///     cookie    12: the cookie (16 bytes); 28: the asker's endpoint as the server sees it (18 bytes)
///     receipt   12: the asker's endpoint; 30: milliseconds of the record that the server has (64)
///     found     12: the asker's endpoint; 30: seconds since it was announced (32); 34: the endpoint that it was announced from, or
///               zeros (18 bytes); 52: bytes of the record (16), 0 for none; 54: the record
///     call      12: a cookie of the receiver's; 28: who calls (32 bytes); 60: its endpoint as the server sees it
enum CentralFormat {
    static let version: UInt8 = 1
    static let head = 12
    static let cookieCount = 16
    static let askHead = head + cookieCount
    static let lookupCount = 1000
    static let foundHead = 54
    static let callCount = 78
    static let cookieAnswerCount = head + cookieCount + EndpointBytes.count
    static let receiptCount = head + EndpointBytes.count + 8

    enum Status: UInt8 {
        case done = 0
        /// The server has a newer one, of the time that it says.
        case stale = 1
        /// There is no room.
        case full = 2
    }

    static func begin(_ kind: DiscoveryKind, _ nonce: UInt64, _ status: Status = .done) -> [UInt8] {
        var bytes: [UInt8] = [kind.rawValue, version, status.rawValue, 0]
        bytes.appendLittle(nonce)
        return bytes
    }
}

/// The bytes of a cookie.
struct CentralCookie: Hashable {
    var high: UInt64
    var low: UInt64

    static let none = CentralCookie(high: 0, low: 0)

    /// What a record made under this cookie says of it: the cookie itself is between the server and one endpoint.
    var binding: CentralCookie {
        var bytes = Array("inet256vpn central discovery, cookie".utf8)
        put(into: &bytes)
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        let hash = Keyed.hash(key: none, bytes, none)
        return CentralCookie(high: hash.words.0, low: hash.words.1)
    }

    func put(into bytes: inout [UInt8]) {
        bytes.appendBig(high)
        bytes.appendBig(low)
    }
}

/// Something to or from a server, read as far as its head.
struct CentralMessage {
    let kind: DiscoveryKind
    let status: UInt8
    let nonce: UInt64
    /// What stands behind the head.
    var rest: ByteReader

    init?(_ bytes: UnsafeRawBufferPointer) {
        var reader = ByteReader(bytes)
        guard let kind = DiscoveryKind(bytes), kind.isCentral, reader.take(1) != nil,
            reader.little(UInt8.self) == CentralFormat.version, let status = reader.little(UInt8.self),
            reader.little(UInt8.self) == 0, let nonce = reader.little(UInt64.self)
        else { return nil }
        self.kind = kind
        self.status = status
        self.nonce = nonce
        rest = reader
    }
}

extension ByteReader {
    mutating func cookie() -> CentralCookie? {
        guard let high = big(UInt64.self), let low = big(UInt64.self) else { return nil }
        return CentralCookie(high: high, low: low)
    }

    mutating func address() -> Address? { bytes32().map { Address(raw: $0) } }
}
