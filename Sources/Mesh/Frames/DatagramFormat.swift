import Wire

/// What the first byte of a datagram says. Everything is laid out at fixed offsets; integers are
/// little-endian, as in the Noise transport this follows.
enum DatagramKind: UInt8 {
    /// Handshake message 1: `e`.
    case initiation = 1
    /// Handshake message 2: `e, ee, s, es`.
    case response = 2
    /// Handshake message 3: `s, se`.
    case finish = 3
    /// A sealed frame.
    case transport = 4
    /// "Prove that you receive at your endpoint": a sealed cookie.
    case cookie = 5
    /// "No session of mine has that index": may start a handshake, ends nothing.
    case unknownIndex = 6
}

/// The version of everything on the wire. Part of the handshake's prologue.
let protocolVersion: UInt8 = 1

/// Handshake message 1, 192 bytes:
///
///      0  1  2     4        8        12            44          160     176     192
///     +--+--+-----+--------+--------+-------------+-----------+-------+-------+
///     |1 |v |suite| sender | hint   | ephemeral e | zeros     | mac1  | mac2  |
///     +--+--+-----+--------+--------+-------------+-----------+-------+-------+
///
/// `hint` says which of the box's addresses is called without naming it; `mac1` is keyed by that address, so
/// whoever does not know it is met with silence. Padded to the length of message 2: nothing is amplified.
enum InitiationLayout {
    static let suites = 2
    static let sender = 4
    static let hint = 8
    static let ephemeral = 12
    static let mac1 = 160
    static let mac2 = 176
    static let count = 192
}

/// Handshake message 2, 192 bytes:
///
///      0  1  2     4        8         12            44             92               192
///     +--+--+-----+--------+---------+-------------+--------------+----------------+
///     |2 |v | 0   | sender | receiver| ephemeral e | sealed s (48)| payload (84+16)|
///     +--+--+-----+--------+---------+-------------+--------------+----------------+
enum ResponseLayout {
    static let sender = 4
    static let receiver = 8
    static let noise = 12
    static let count = 192
}

/// Handshake message 3, 160 bytes: as message 2 without the ephemeral key.
enum FinishLayout {
    static let sender = 4
    static let receiver = 8
    static let noise = 12
    static let count = 160
}

/// The sealed payload of messages 2 and 3, 84 bytes: suite (1), zeros (3), serialized public key (41), the sender's
/// index (4), zeros. Message 3 repeats the suite that message 2 chose. The index stands in the header too, where nothing
/// protects it: both must agree, or whoever is on the way could have datagrams sent to an index that nobody has.
enum HandshakePayload {
    static let suite = 0
    static let key = 4
    static let keyCount = 41
    static let index = 45
    static let count = 84
}

/// A sealed frame: header (16), sealed frame, tag (16).
///
///      0  1     4         8                 16                    n-16     n
///     +--+-----+---------+-----------------+---------------------+--------+
///     |4 | 0   | receiver| counter         | frame ...           | tag    |
///     +--+-----+---------+-----------------+---------------------+--------+
///
/// The header is the additional data of the seal.
enum TransportLayout {
    static let receiver = 4
    static let counter = 8
    static let header = 16
    static let tag = 16
    /// What a sealed frame adds to the frame.
    static let overhead = header + tag
    /// An empty frame does not exist: the kind byte is always there.
    static let minimum = overhead + 1
}

/// A cookie reply, 64 bytes: kind, zeros (3), receiver (4), nonce (24), sealed cookie (16 + 16).
enum CookieLayout {
    static let receiver = 4
    static let nonce = 8
    static let sealed = 32
    static let count = 64
}

/// An unknown-index hint, 16 bytes: kind, zeros (3), the index (4), the counter of what it answers (8).
/// Shorter than any sealed frame, so it amplifies nothing.
enum HintLayout {
    static let index = 4
    static let counter = 8
    static let count = 16
}

extension UnsafeRawBufferPointer {
    /// Is this a message of `kind`, `count` bytes long, that has zeros where zeros belong?
    func isPlain(_ kind: DatagramKind, _ count: Int) -> Bool {
        self.count == count && little(0, as: UInt32.self) == UInt32(kind.rawValue)
    }

    /// Is this a handshake message of `kind` in our version, `count` bytes long, with its two reserved bytes zero?
    /// Message 1 has its suites there.
    func isHandshake(_ kind: DatagramKind, _ count: Int) -> Bool {
        self.count == count && little(0, as: UInt32.self) == UInt32(kind.rawValue) | UInt32(protocolVersion) << 8
    }

    /// The little-endian integer at `offset`. The caller has checked the length; one that has not finds zeros behind the end,
    /// and nothing of what stands there.
    @inline(__always)
    func little<T: FixedWidthInteger>(_ offset: Int, as: T.Type = T.self) -> T { little(T.self, at: offset) ?? 0 }
}

extension UnsafeMutableRawPointer {
    /// Writes `value` little-endian at `offset`.
    @inline(__always)
    func putLittle<T: FixedWidthInteger>(_ value: T, _ offset: Int) {
        storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
    }
}
