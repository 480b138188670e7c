internal import INET256
internal import Wire

/// What boxes on one link say to each other: 144 bytes each, whatever it is.
///
///     | kind (8) | nonce (24 bytes) | sealed (103 bytes) | tag (16 bytes) |
///
/// Sealed with XChaCha20-Poly1305 under a key that follows from the announcing box's address, or from what a group shares; the kind
/// is the additional data. What is sealed:
///
///     0   version (8), 1
///     1   zero (8)
///     2   seconds until the next announcement at most (16)
///     4   run of the daemon (64)
///     12  sequence (64), which grows with each announcement of a run
///     20  token (16 bytes): of a challenge, and of the answer to it; else zero
///     36  the address that it leaves from (16 bytes)
///     52  the announcing box's address (32 bytes); in a challenge the one that is asked
///     84  ports (8): 0 to 4
///     85  UDP ports of the mesh at that address (4 x 16)
///     93  zero (10 bytes)
///
/// Nonces are drawn anew each time, so no two datagrams of a box have anything in common but their length and their source.
struct LocalMessage: Equatable {
    var next: UInt16 = 0
    var run: UInt64 = 0
    var sequence: UInt64 = 0
    var token = Token()
    var source = IPv6Address.unspecified
    var sender: Address
    var ports: [UInt16] = []

    struct Token: Hashable {
        var high: UInt64 = 0
        var low: UInt64 = 0
    }

    static let version: UInt8 = 1
    static let mostPorts = 4
    static let sealedCount = 103
    static let count = 1 + XChaCha20Poly1305.nonceCount + sealedCount + XChaCha20Poly1305.tagCount

    init(sender: Address) { self.sender = sender }

    /// What the sealed part says; nil where it is no message.
    init?(_ bytes: UnsafeRawBufferPointer) {
        var reader = ByteReader(bytes)
        guard bytes.count == Self.sealedCount, reader.little(UInt8.self) == Self.version,
            reader.little(UInt8.self) == 0, let next = reader.little(UInt16.self),
            let run = reader.little(UInt64.self), let sequence = reader.little(UInt64.self),
            let high = reader.big(UInt64.self), let low = reader.big(UInt64.self),
            let source = reader.ipAddress(), let sender = reader.bytes32(),
            let count = reader.little(UInt8.self), count <= Self.mostPorts
        else { return nil }
        var ports: [UInt16] = []
        for place in 0..<Self.mostPorts {
            guard let port = reader.little(UInt16.self), (port != 0) == (place < Int(count)) else { return nil }
            if port != 0 { ports.append(port) }
        }
        guard reader.isPadding else { return nil }
        self.next = next
        self.run = run
        self.sequence = sequence
        token = Token(high: high, low: low)
        self.source = source
        self.sender = Address(raw: sender)
        self.ports = ports
    }

    private var bytes: [UInt8] {
        var bytes: [UInt8] = [Self.version, 0]
        bytes.reserveCapacity(Self.sealedCount)
        bytes.appendLittle(next)
        bytes.appendLittle(run)
        bytes.appendLittle(sequence)
        bytes.appendBig(token.high)
        bytes.appendBig(token.low)
        bytes.appendBig(source.high)
        bytes.appendBig(source.low)
        bytes.append(sender.raw)
        let told = ports.prefix(Self.mostPorts)
        bytes.append(UInt8(told.count))
        for port in told { bytes.appendLittle(port) }
        return bytes + [UInt8](repeating: 0, count: Self.sealedCount - bytes.count)
    }

    /// The datagram.
    func sealed(_ kind: DiscoveryKind, _ key: LocalKey, _ random: some RandomSource) -> [UInt8] {
        var nonce = [UInt8](repeating: 0, count: XChaCha20Poly1305.nonceCount)
        nonce.withUnsafeMutableBytes { random.fill($0) }
        let sealed = XChaCha20Poly1305.seal(bytes, nonce: nonce, additional: [kind.rawValue], key: key.bytes)
        return [kind.rawValue] + nonce + sealed
    }

    /// What is in a datagram; nil where it is not sealed with that key.
    static func open(_ datagram: [UInt8], _ kind: DiscoveryKind, _ key: LocalKey) -> LocalMessage? {
        guard datagram.count == count else { return nil }
        let body = 1 + XChaCha20Poly1305.nonceCount
        guard
            let opened = XChaCha20Poly1305.open(
                Array(datagram[body...]), nonce: Array(datagram[1..<body]), additional: [kind.rawValue],
                key: key.bytes)
        else { return nil }
        return opened.withUnsafeBytes { LocalMessage($0) }
    }
}
