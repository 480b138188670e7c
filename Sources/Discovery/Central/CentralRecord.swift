package import INET256
package import Wire

/// An announcement as a central server keeps it and hands it out: signed, so that nobody but the owner of the key can have made it.
///
///     0   version (8), 1
///     1   flags (8): bit 0: the body is sealed for the peers of the box
///     2   life in seconds (16)
///     4   milliseconds since 1970 by the box's own clock (64), which grow from one to the next
///     12  Ed25519 key of the box (32 bytes), whose hash is the address
///     44  what binds it to the server and the endpoint that it was made for (16 bytes): BLAKE2b of the cookie
///     60  bytes of the body (16)
///     62  body: endpoints, or what `SealedPlaces` draws
///     ..  signature (64 bytes) of all before it, by the specification's scheme (INET256, section 5)
///
///     endpoints: count (8), 0 to 8; each: kind (8), address (16 bytes), port (16)
package struct CentralRecord: Equatable, Sendable {
    /// As it came: what is signed, and the signature.
    package let bytes: [UInt8]
    package let key: PublicKey
    package let milliseconds: UInt64
    /// In seconds.
    package let life: UInt16
    /// Whoever sends it again, from elsewhere or to another server, has no cookie that it fits.
    let binding: CentralCookie
    let isSealed: Bool

    /// Not kept besides: a server has many of these.
    var body: [UInt8] { Array(bytes[Self.head..<bytes.count - SignatureScheme.signatureCount]) }

    package var address: Address { key.address }

    package static let purpose = "inet256/discovery/central/announce"
    package static let mostPlaces = 8
    static let version: UInt8 = 1
    static let head = 62
    static let placeCount = 1 + EndpointBytes.count
    static let largestBody = SealedPlaces.count
    package static let largest = head + largestBody + SignatureScheme.signatureCount
    /// Times from here on are nobody's: a box that was told one could not go on from there.
    static let endOfTime: UInt64 = 1 << 53

    /// Reads and verifies; nil where it is no record, or not by the owner of its key.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        self.init(unverified: bytes)
        let signed = bytes.count - SignatureScheme.signatureCount
        guard let message = bytes.slice(0, signed),
            key.verify(signature: bytes.tail(from: signed), purpose: Self.purpose, message: message)
        else { return nil }
    }

    /// Reads it and believes it: of what was verified before, or is to be.
    init?(unverified bytes: UnsafeRawBufferPointer) {
        var reader = ByteReader(bytes)
        guard reader.little(UInt8.self) == Self.version, let flags = reader.little(UInt8.self), flags <= 1,
            let life = reader.little(UInt16.self), let milliseconds = reader.little(UInt64.self),
            milliseconds < Self.endOfTime, let raw = reader.bytes32(), let binding = reader.cookie(),
            let count = reader.little(UInt16.self), count <= Self.largestBody, let body = reader.take(Int(count)),
            reader.remaining == SignatureScheme.signatureCount
        else { return nil }
        self.bytes = [UInt8](bytes)
        key = PublicKey(raw: raw)
        self.milliseconds = milliseconds
        self.life = life
        self.binding = binding
        isSealed = flags == 1
        if isSealed {
            guard body.count == SealedPlaces.count else { return nil }
        } else {
            guard Places.read(body) != nil else { return nil }
        }
    }

    /// What it says of places.
    struct Body {
        let bytes: [UInt8]
        let isSealed: Bool

        static func clear(_ places: [Candidate]) -> Body { Body(bytes: Places.bytes(places), isSealed: false) }
        static func sealed(_ bytes: [UInt8]) -> Body { Body(bytes: bytes, isSealed: true) }
    }

    /// Makes and signs one.
    init(
        _ body: Body, milliseconds: UInt64, life: UInt16, binding: CentralCookie, by key: PrivateKey
    ) {
        let (body, isSealed) = (body.bytes, body.isSealed)
        precondition(body.count <= Self.largestBody, "a body is not so long")
        var bytes: [UInt8] = [Self.version, isSealed ? 1 : 0]
        bytes.appendLittle(life)
        bytes.appendLittle(milliseconds)
        bytes.append(key.publicKey.raw)
        binding.put(into: &bytes)
        bytes.appendLittle(UInt16(body.count))
        bytes += body
        self.bytes = bytes + key.sign(purpose: Self.purpose, message: bytes)
        self.key = key.publicKey
        self.milliseconds = milliseconds
        self.life = life
        self.binding = binding
        self.isSealed = isSealed
    }

    /// Where the box says that everybody may reach it; nil where it says so to its peers alone.
    package var places: [Candidate]? {
        isSealed ? nil : body.withUnsafeBytes { Places.read($0) }
    }
}

/// A list of endpoints with who says so.
enum Places {
    /// At most `mostPlaces` of them are written.
    static func bytes(_ list: [Candidate]) -> [UInt8] {
        let told = list.prefix(CentralRecord.mostPlaces)
        var bytes: [UInt8] = [UInt8(told.count)]
        for candidate in told {
            bytes.append(candidate.kind.rawValue)
            EndpointBytes.put(candidate.endpoint, into: &bytes)
        }
        return bytes
    }

    /// Nil where it is none, or has something behind it other than zeros. Kinds that are not known yet are left out.
    static func read(_ bytes: UnsafeRawBufferPointer) -> [Candidate]? {
        var reader = ByteReader(bytes)
        guard let count = reader.little(UInt8.self), count <= CentralRecord.mostPlaces else { return nil }
        var list: [Candidate] = []
        for _ in 0..<count {
            guard let kind = reader.little(UInt8.self), let endpoint = reader.endpoint() else { return nil }
            guard let kind = Candidate.Kind(rawValue: kind), let endpoint else { continue }
            list.append(Candidate(endpoint, kind))
        }
        return reader.isPadding ? list : nil
    }
}
