package import INET256
internal import Wire

/// What a box that has got a new key says of that to those who know it by the former one.
///
///     version (1) | made (8) | until (8) | former key (41) | new key (41) | former key's signature (64) | new key's signature (64)
///
/// Times are seconds since 1970, little-endian; keys are in their serialized form. Each signature is over all that stands before both. That of
/// the former key says who follows it, and that of the new one that its owner wants so: nobody takes over another box's peers by naming
/// its address. A standing record, which is no secret and good for everybody.
package struct KeyStatement: Equatable, Sendable {
    package let former: Address
    package let new: Address
    /// In seconds since 1970, by the clock of the one who said it; never negative. Of two statements about one former key the later one counts.
    package let made: Int64
    /// For how long the former key is still answered by, in seconds since 1970; later than `made`.
    package let until: Int64
    /// `count` of them.
    package let bytes: [UInt8]

    /// In bytes: it fits a service frame.
    package static let count = saidCount + 2 * SignatureScheme.signatureCount
    /// What is signed, in bytes.
    static let saidCount = 1 + 8 + 8 + 2 * PublicKey.serializedCount
    static let version: UInt8 = 1
    /// Reserved, as all purposes of this program: an application that speaks by one of the keys cannot have this signed.
    private static let purpose = "inet256/vpn/key-change"

    /// What is never true makes a statement that nobody takes: twice the same key, an end that is not behind the beginning.
    package init(former: PrivateKey, new: PrivateKey, made: Int64, until: Int64) {
        self.former = former.address
        self.new = new.address
        self.made = made
        self.until = until
        var said = [Self.version]
        said.appendLittle(made)
        said.appendLittle(until)
        said += former.publicKey.serialized + new.publicKey.serialized
        bytes = Self.signed(said, by: former, new)
    }

    /// Nil unless both keys have said it, and it can be true. Whether it is still in time is for the caller, who has a clock.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        var reader = ByteReader(bytes)
        guard bytes.count == Self.count, reader.big(UInt8.self) == Self.version,
            let made = reader.little(Int64.self), let until = reader.little(Int64.self), made >= 0, until > made,
            let former = Self.key(&reader), let new = Self.key(&reader), former != new,
            let first = reader.take(SignatureScheme.signatureCount),
            let second = reader.take(SignatureScheme.signatureCount)
        else { return nil }
        let said = UnsafeRawBufferPointer(rebasing: bytes[..<Self.saidCount])
        guard former.verify(signature: first, purpose: Self.purpose, message: said),
            new.verify(signature: second, purpose: Self.purpose, message: said)
        else { return nil }
        self.former = former.address
        self.new = new.address
        self.made = made
        self.until = until
        self.bytes = Array(bytes)
    }

    /// With both signatures behind it.
    static func signed(_ said: [UInt8], by former: PrivateKey, _ new: PrivateKey) -> [UInt8] {
        said + former.sign(purpose: purpose, message: said) + new.sign(purpose: purpose, message: said)
    }

    /// One that somebody may have: with other points one secret would stand behind several addresses.
    private static func key(_ reader: inout ByteReader) -> PublicKey? {
        guard let bytes = reader.take(PublicKey.serializedCount), let key = try? PublicKey(serialized: bytes),
            key.x25519() != nil
        else { return nil }
        return key
    }
}
