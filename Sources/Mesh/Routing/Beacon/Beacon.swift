internal import INET256
internal import Wire

/// What an origin says of itself, signed: "this key is alive, and this is my n-th word on it".
///
///     key length      1 byte
///     public key      serialized, `key length` bytes (41 for Ed25519)
///     sequence        8 bytes, big-endian; grows with each beacon
///     lifetime        2 bytes, big-endian, in seconds; 0 takes the origin back
///     signature       64 bytes over everything before it
///
/// Hop counts and ages travel beside it, unsigned: every relay changes them.
final class Beacon: Sendable {
    let key: PublicKey
    let address: Address
    let sequence: UInt64
    /// In seconds.
    let lifetime: UInt16
    /// The record as it travels.
    let encoded: [UInt8]
    /// When this box first saw it. No route lives longer than `lifetime` after that, whatever age a neighbour
    /// gives a copy.
    let firstSeen: Instant

    static let signatureBytes = 64
    /// Bytes of sequence and lifetime.
    static let numberBytes = 10

    /// Takes a record whose signature was checked.
    init(verified view: BeaconView, key: PublicKey, now: Instant) {
        self.key = key
        address = key.address
        sequence = view.sequence
        lifetime = view.lifetime
        encoded = [UInt8](view.record)
        firstSeen = now
    }

    /// Signs a beacon of a local node.
    init(signedBy key: PrivateKey, sequence: UInt64, lifetime: UInt16, purpose: String, now: Instant) {
        let serialized = key.publicKey.serialized
        precondition(serialized.count <= UInt8.max, "a serialized public key fits the record's length byte")
        var record: [UInt8] = [UInt8(serialized.count)]
        record.append(contentsOf: serialized)
        record.appendBig(sequence)
        record.appendBig(lifetime)
        let signature = record.withUnsafeBytes { key.sign(purpose: purpose, message: $0) }
        record.append(contentsOf: signature)
        self.key = key.publicKey
        address = key.address
        self.sequence = sequence
        self.lifetime = lifetime
        encoded = record
        firstSeen = now
    }

    /// Whether the origin takes itself back.
    var isWithdrawal: Bool { lifetime == 0 }

    /// Whether a received record is this one, byte for byte: then its signature needs no second check.
    func matches(_ view: BeaconView) -> Bool {
        guard view.record.count == encoded.count else { return false }
        return encoded.withUnsafeBytes { $0.elementsEqual(view.record) }
    }
}

/// A received record whose layout was checked, its signature not.
struct BeaconView {
    /// All of it, as it travels.
    let record: UnsafeRawBufferPointer
    let keyBytes: UnsafeRawBufferPointer
    let sequence: UInt64
    let lifetime: UInt16
    let signature: UnsafeRawBufferPointer

    init(_ reader: inout ByteReader) throws(RoutingError) {
        var ahead = reader
        guard let keyLength = ahead.big(UInt8.self), let keyBytes = ahead.take(Int(keyLength)),
            let sequence = ahead.big(UInt64.self), let lifetime = ahead.big(UInt16.self),
            let signature = ahead.take(Beacon.signatureBytes),
            let record = reader.take(reader.remaining - ahead.remaining)
        else { throw .truncated }
        guard sequence > 0, sequence <= BeaconNetLimits.highestSequence,
            lifetime <= BeaconNetLimits.longestLifetime
        else { throw .malformed }
        self.record = record
        self.keyBytes = keyBytes
        self.sequence = sequence
        self.lifetime = lifetime
        self.signature = signature
    }

    /// What the signature covers.
    var signedPart: UnsafeRawBufferPointer {
        record.slice(0, record.count - Beacon.signatureBytes) ?? UnsafeRawBufferPointer(start: nil, count: 0)
    }
}
