import INET256
import Testing
import Wire

@testable import KeyChange

@Suite struct KeyChangeTests {
    private static let former = key(0)
    private static let new = key(32)
    private static let other = key(64)
    private static let made: Int64 = 1_700_000_000
    private static let until: Int64 = 1_700_604_800
    private static let statement = KeyStatement(former: former, new: new, made: made, until: until)

    /// Grown from 32 bytes that count on from `first`.
    private static func key(_ first: UInt8) -> PrivateKey {
        PrivateKey(seed: (first..<first + 32).withContiguous { SecretBytes(copying: $0) })
    }

    private static func read(_ bytes: [UInt8]) -> KeyStatement? { bytes.withUnsafeBytes { KeyStatement($0) } }

    private static func reply(_ bytes: [UInt8]) -> KeyStatementReply? {
        bytes.withUnsafeBytes { KeyStatementReply($0) }
    }

    /// What would be signed, with anything in it.
    private static func said(
        version: UInt8 = 1, made: Int64 = made, until: Int64 = until, _ former: [UInt8], _ new: [UInt8]
    ) -> [UInt8] {
        var said = [version]
        said.appendLittle(made)
        said.appendLittle(until)
        return said + former + new
    }

    // MARK: Statements

    @Test func aStatementSaysWhatItWasMadeOf() throws {
        let read = try #require(Self.read(Self.statement.bytes))
        #expect(read == Self.statement)
        #expect(read.former == Self.former.address && read.new == Self.new.address)
        #expect(read.made == Self.made && read.until == Self.until)
        #expect(read.bytes.count == KeyStatement.count && KeyStatement.count == 227)
        // Bytes are read where they lie, behind others too.
        let shifted = [7] + Self.statement.bytes
        #expect(shifted.withUnsafeBytes { KeyStatement(UnsafeRawBufferPointer(rebasing: $0[1...])) } == read)
    }

    /// The layout and what is signed, as made by other code (cSHAKE256 and Ed25519 in Python) from the seeds 0, 1, ... 31 and 32, 33, ... 63.
    @Test func theLayoutIsThis() {
        let known =
            "01" + "00f1536500000000" + "802b5d6500000000"
            + "070065643235353139" + "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
            + "070065643235353139" + "29acbae141bccaf0b22e1a94d34d0bc7361e526d0bfe12c89794bc9322966dd7"
            + "b4d54283dd3fb69b9a3c78d4329bad5cefa9e6af595648eedaea3d52fceb0551"
            + "496984b141d648a8faff10d9f547a8ba0310e55e43151795738adc2204a2fb06"
            + "d5da07d0e29b8521cf1b08ccd97db764e6e4e7fb9b66054e34de957dc8162bc4"
            + "efdcf9a80232b65ecaefd1b6dd3b33fe5cb6246da49d6d6d44228f5a6887ca06"
        #expect(Self.hex(Self.statement.bytes) == known)
    }

    @Test func everyFlippedBitIsNoticed() {
        for bit in 0..<KeyStatement.count * 8 {
            var bent = Self.statement.bytes
            bent[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(Self.read(bent) == nil, "bit \(bit)")
        }
    }

    @Test func noOtherLengthIsTaken() {
        let bytes = Self.statement.bytes
        for length in 0..<bytes.count { #expect(Self.read(Array(bytes[..<length])) == nil, "\(length)") }
        for more in 1...200 { #expect(Self.read(bytes + [UInt8](repeating: 0, count: more)) == nil, "\(more)") }
        #expect(Self.read(bytes + bytes) == nil)
    }

    @Test func whatIsInAnotherPlaceIsRefused() {
        let (former, new) = (Self.former.publicKey.serialized, Self.new.publicKey.serialized)
        let said = Self.said(former, new)
        let signatures = Array(Self.statement.bytes.dropFirst(said.count))
        let (first, second) = (Array(signatures[..<64]), Array(signatures[64...]))
        #expect(Self.read(said + first + second) == Self.statement)
        // Keys, signatures, and both.
        #expect(Self.read(Self.said(new, former) + first + second) == nil)
        #expect(Self.read(said + second + first) == nil)
        #expect(Self.read(Self.said(new, former) + second + first) == nil)
        // One of the two has not signed, or has signed something else.
        for bad in [first, second, [UInt8](repeating: 0, count: 64)] {
            #expect(Self.read(said + first + bad) == (bad == second ? Self.statement : nil))
            #expect(Self.read(said + bad + second) == (bad == first ? Self.statement : nil))
        }
        #expect(Self.read(KeyStatement.signed(said, by: Self.former, Self.other)) == nil)
        #expect(Self.read(KeyStatement.signed(said, by: Self.other, Self.new)) == nil)
        let later = KeyStatement(former: Self.former, new: Self.new, made: Self.made, until: Self.until + 1)
        #expect(Self.read(Array(later.bytes.prefix(said.count)) + first + second) == nil)
        #expect(Self.read(said + later.bytes.suffix(128)) == nil)
    }

    /// Signed by both as it should be, and not to be taken.
    @Test func whatCannotBeTrueIsRefused() {
        let (former, new) = (Self.former.publicKey.serialized, Self.new.publicKey.serialized)
        func taken(_ said: [UInt8], _ a: PrivateKey = Self.former, _ b: PrivateKey = Self.new) -> Bool {
            Self.read(KeyStatement.signed(said, by: a, b)) != nil
        }
        #expect(taken(Self.said(former, new)))
        #expect(taken(Self.said(made: 0, until: .max, former, new)))
        for (made, until) in [
            (Self.until, Self.until), (Self.until, Self.made), (0, 0), (-1, 1), (.min, .max), (1, .min),
        ] {
            #expect(!taken(Self.said(made: made, until: until, former, new)), "\(made) \(until)")
        }
        for version in [0, 2, 255] as [UInt8] { #expect(!taken(Self.said(version: version, former, new))) }
        #expect(!taken(Self.said(former, former), Self.former, Self.former))
        let twice = KeyStatement(former: Self.former, new: Self.former, made: Self.made, until: Self.until)
        #expect(Self.read(twice.bytes) == nil)
        let ended = KeyStatement(former: Self.former, new: Self.new, made: Self.until, until: Self.until)
        #expect(Self.read(ended.bytes) == nil)
        // A tag of another kind of key.
        #expect(!taken(Self.said([7, 0] + Array("ed25518".utf8) + former.suffix(32), new)))
    }

    /// Points of small order, for which a signature is no proof of anything, and what is no point.
    @Test func keysThatNobodyMayHaveAreRefused() {
        var points = [[UInt8](repeating: 0, count: 32), [1] + [UInt8](repeating: 0, count: 31)]
        points.append([0xec] + [UInt8](repeating: 0xff, count: 30) + [0x7f])
        points.append([UInt8](repeating: 0xff, count: 32))
        let header = Array(Self.former.publicKey.serialized.dropLast(32))
        for point in points {
            let key = header + point
            let signatures = [[UInt8](repeating: 0, count: 64), point + [UInt8](repeating: 0, count: 32)]
            for signature in signatures {
                let asNew = Self.said(Self.former.publicKey.serialized, key)
                let byFormer = KeyStatement.signed(asNew, by: Self.former, Self.former).dropFirst(asNew.count).prefix(
                    64)
                #expect(Self.read(asNew + byFormer + signature) == nil)
                let asFormer = Self.said(key, Self.new.publicKey.serialized)
                let byNew = KeyStatement.signed(asFormer, by: Self.new, Self.new).suffix(64)
                #expect(Self.read(asFormer + signature + byNew) == nil)
            }
        }
    }

    /// A point with a part of order 8, made by other code: libsodium takes its signature, but eight such keys have one secret.
    @Test func aKeyBesideTheMainSubgroupIsRefused() throws {
        let raw = Self.bytes("6a84d583f06569edb3f5ed77df65544b27d6948b4f0b2cb76f33dd8413b20719")
        let signature = Self.bytes(
            "f9e42d2edc81d23367967352b47e4856b82578634e6c1de72280ce8b60ce70c0"
                + "0a5820a56506eda368d20f1824e8d523e611e9348cc481a578b0e092e43ca905")
        let header = Self.new.publicKey.serialized.dropLast(32)
        let key = try PublicKey(serialized: header + raw)
        let said = Self.said(Self.former.publicKey.serialized, key.serialized)
        // Else nothing would be shown here.
        #expect(key.verify(signature: signature, purpose: "inet256/vpn/key-change", message: said))
        let byFormer = KeyStatement.signed(said, by: Self.former, Self.new).dropFirst(said.count).prefix(64)
        #expect(Self.read(said + byFormer + signature) == nil)
    }

    /// An application that has a node with one of the keys can sign much by it, and not this.
    @Test func thePurposeIsReserved() throws {
        let said = Self.said(Self.former.publicKey.serialized, Self.new.publicKey.serialized)
        for purpose in ["", "inet256vpn key change", "inet256/vpn/join", "vpn/key-change"] {
            guard let first = try? Self.former.signForApplication(purpose: purpose, message: said),
                let second = try? Self.new.signForApplication(purpose: purpose, message: said)
            else { continue }
            #expect(Self.read(said + first + second) == nil, "\(purpose)")
        }
        #expect(throws: PurposeError.self) {
            try Self.former.signForApplication(purpose: "inet256/vpn/key-change", message: said)
        }
    }

    // MARK: Replies

    @Test func aReplySaysWhatItWasMadeOf() throws {
        #expect(KeyStatementReply.Verdict.allCases.map(\.rawValue) == [1, 2, 3, 4, 5])
        for verdict in KeyStatementReply.Verdict.allCases {
            let made = KeyStatementReply(verdict, of: Self.new.address)
            #expect(made.bytes == [1, verdict.rawValue] + Self.new.address.raw.bytes)
            #expect(Self.reply(made.bytes) == made)
        }
    }

    @Test func repliesOfOtherFormsAreRefused() {
        let bytes = KeyStatementReply(.waits, of: Self.new.address).bytes
        #expect(bytes.count == KeyStatementReply.count)
        for length in 0..<bytes.count { #expect(Self.reply(Array(bytes[..<length])) == nil) }
        #expect(Self.reply(bytes + [0]) == nil)
        for version in UInt8.min...UInt8.max where version != 1 {
            #expect(Self.reply([version] + bytes.dropFirst()) == nil)
        }
        for verdict in UInt8.min...UInt8.max {
            let read = Self.reply([1, verdict] + bytes.dropFirst(2))
            #expect((read != nil) == (1...5).contains(verdict))
        }
    }

    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}

extension Range<UInt8> {
    fileprivate func withContiguous<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        Array(self).withUnsafeBytes(body)
    }
}
