import TestSupport
import Testing
import Wire

@testable import Portal

/// Whose ICMPv6 messages are believed. The box is fd00::1 with fdaa:1::/64 behind it; fdaa:2::/32 is behind bob (fd00::b),
/// fdaa:2:7::/64 in it behind carol (fd00::c).
@Suite struct ICMPv6OriginTests {
    private let filter: PortalFilter

    init() throws {
        func prefix(_ text: String) throws -> IPv6Prefix { try #require(IPv6Prefix(text)) }
        filter = PortalFilter(
            own: try address("fd00::1"), prefix: try prefix("fd00::/8"),
            networks: try PortalNetworks(
                local: [prefix("fdaa:1::/64")],
                remote: [
                    (prefix("fdaa:2::/32"), try address("fd00::b")), (prefix("fdaa:2:7::/64"), try address("fd00::c")),
                ]))
    }

    /// An ICMPv6 message of `type` that quotes `quoted`, behind `extensions`.
    private func message(
        _ type: UInt8, from source: String, to destination: String = "fd00::1", quoting quoted: [UInt8],
        next: UInt8 = IPProtocol.icmpv6, extensions: [UInt8] = []
    ) throws -> [UInt8] {
        try packet(source, destination, next: next, payload: extensions + [type, 0, 0, 0, 0, 0, 5, 0] + quoted)
    }

    /// Nil for "pass".
    private func judge(_ bytes: [UInt8], from sender: String, isOwner: Bool = true) throws -> DropReason? {
        let sender = try address(sender)
        return bytes.withUnsafeBytes {
            if case .drop(let reason, _) = filter.inbound($0, from: sender, isOwner: isOwner) { reason } else { nil }
        }
    }

    /// All types below 128 are errors, known ones or not (RFC 4443 section 2.1).
    private static let errors: [UInt8] = [0, 1, 2, 3, 4, 5, 42, 100, 127]

    @Test(arguments: errors) func anErrorAboutOurPacketToItsSenderPasses(type: UInt8) throws {
        let quoted = try packet("fd00::1", "fd00::b", payload: [1, 2, 3, 4])
        #expect(try judge(message(type, from: "fd00::b", quoting: quoted), from: "fd00::b") == nil)
        // As much as fits: a header at least, and not what its length says.
        #expect(try judge(message(type, from: "fd00::b", quoting: Array(quoted.prefix(40))), from: "fd00::b") == nil)
        // Behind bob; said by bob's box or by a router there. And what a host behind us had sent.
        for (source, from, to) in [
            ("fd00::b", "fd00::1", "fdaa:2::5"), ("fdaa:2::9", "fd00::1", "fdaa:2::5"),
            ("fd00::b", "fdaa:1::7", "fdaa:2::5"), ("fdaa:2::5", "fdaa:1::7", "fd00::b"),
        ] {
            let error = try message(type, from: source, to: from, quoting: packet(from, to))
            #expect(try judge(error, from: "fd00::b") == nil, "\(source) about \(from) to \(to)")
        }
    }

    @Test(arguments: errors) func anErrorAboutWhatIsElsewhereIsDropped(type: UInt8) throws {
        for (sender, source, from, to) in [
            // A third node's, about our traffic to bob, to what is behind bob, to ourselves, to nowhere.
            ("fd00::c", "fd00::c", "fd00::1", "fd00::b"), ("fd00::c", "fd00::c", "fd00::1", "fdaa:2::5"),
            ("fd00::d", "fd00::d", "fd00::1", "fdaa:2:7::5"), ("fd00::c", "fd00::c", "fd00::1", "fd00::1"),
            ("fd00::c", "fd00::c", "fd00::1", "2001:db8::1"), ("fd00::c", "fd00::c", "fd00::1", "ff02::1"),
            // bob about what carol's network in his is, and carol about the rest of it.
            ("fd00::b", "fd00::b", "fd00::1", "fdaa:2:7::5"), ("fd00::c", "fdaa:2:7::1", "fd00::1", "fdaa:2::5"),
            // Of hosts behind us as of the box.
            ("fd00::c", "fd00::c", "fdaa:1::7", "fd00::b"), ("fd00::c", "fd00::c", "fdaa:1::7", "fdaa:2::5"),
        ] {
            let error = try message(type, from: source, to: from, quoting: packet(from, to))
            #expect(try judge(error, from: sender) == .unfoundedError, "\(sender) about \(from) to \(to)")
        }
    }

    /// An error goes to the source of what it is about (RFC 4443 section 3, "Destination Address").
    @Test(arguments: ["fdaa:1::7", "fd00::b", "fd00::c", "2001:db8::1", "::"])
    func anErrorAboutWhatItsReceiverDidNotSendIsDropped(source: String) throws {
        let error = try message(2, from: "fd00::b", quoting: packet(source, "fd00::b"))
        #expect(try judge(error, from: "fd00::b") == .unfoundedError)
    }

    /// Another node with the owner's derived address speaks for itself and not for what is behind the owner.
    @Test func whatIsBehindANodeIsTheOwnersAlone() throws {
        let itself = try message(2, from: "fd00::b", quoting: packet("fd00::1", "fd00::b"))
        let behind = try message(2, from: "fd00::b", quoting: packet("fd00::1", "fdaa:2::5"))
        #expect(try judge(itself, from: "fd00::b", isOwner: false) == nil)
        #expect(try judge(behind, from: "fd00::b", isOwner: false) == .unfoundedError)
        #expect(try judge(packet("fdaa:2::5", "fd00::1"), from: "fd00::b", isOwner: false) == .sourceNotSender)
        #expect(try judge(packet("fdaa:2::5", "fd00::1"), from: "fd00::b") == nil)
    }

    @Test func everyTruncatedLengthIsDropped() throws {
        let whole = try message(2, from: "fd00::b", quoting: packet("fd00::1", "fd00::b"))
        #expect(try judge(whole, from: "fd00::b") == nil)
        for cut in 1..<(whole.count - IPv6Header.size) {
            var bytes = Array(whole.dropLast(cut))
            bytes[5] = UInt8(bytes.count - IPv6Header.size)
            // Exactly as long on the heap: a read past the end is seen where that is watched.
            let reason = try judge(bytes, from: "fd00::b")
            #expect(reason == .unfoundedError, "\(bytes.count) bytes")
        }
        let empty = try packet("fd00::b", "fd00::1", next: IPProtocol.icmpv6)
        #expect(try judge(empty, from: "fd00::b") == .malformed)
        var other = whole
        other[IPv6Header.size + 8] = 0x45
        #expect(try judge(other, from: "fd00::b") == .unfoundedError)
    }

    private static func padded(_ next: UInt8, words: UInt8) -> [UInt8] {
        [next, words] + [UInt8](repeating: 0, count: 6 + 8 * Int(words))
    }

    @Test func extensionHeadersHideNothing() throws {
        let own = try packet("fd00::1", "fd00::b")
        let others = try packet("fd00::1", "fd00::c")
        let chains: [(UInt8, [UInt8])] = [
            (0, Self.padded(58, words: 0)), (60, Self.padded(58, words: 2)), (43, Self.padded(58, words: 0)),
            (0, Self.padded(60, words: 0) + Self.padded(58, words: 1)),
            (51, [58, 4] + [UInt8](repeating: 0, count: 22)),
        ]
        for (first, chain) in chains {
            let good = try message(3, from: "fd00::b", quoting: own, next: first, extensions: chain)
            #expect(try judge(good, from: "fd00::b") == nil)
            let bad = try message(3, from: "fd00::b", quoting: others, next: first, extensions: chain)
            #expect(try judge(bad, from: "fd00::b") == .unfoundedError)
            // A chain that cannot be followed to its end may hide anything.
            for cut in 0..<chain.count {
                let short = try packet("fd00::b", "fd00::1", next: first, payload: Array(chain.prefix(cut)))
                #expect(try judge(short, from: "fd00::b") == .malformed, "\(chain) cut to \(cut)")
            }
        }
        let long = (0..<40).flatMap { _ in Self.padded(60, words: 0) } + Self.padded(58, words: 0)
        let endless = try message(3, from: "fd00::b", quoting: own, next: 60, extensions: long)
        #expect(try judge(endless, from: "fd00::b") == .malformed)
    }

    @Test func anErrorInFragmentsIsDropped() throws {
        let own = try packet("fd00::1", "fd00::b")
        func fragment(_ type: UInt8, offset: UInt16, more: Bool, behind: [UInt8] = []) throws -> [UInt8] {
            let field = offset << 3 | (more ? 1 : 0)
            let header: [UInt8] = [58, 0, UInt8(field >> 8), UInt8(truncatingIfNeeded: field), 0, 0, 0, 1]
            let first = behind.isEmpty ? IPProtocol.fragment : IPProtocol.destinationOptions
            return try message(type, from: "fd00::b", quoting: own, next: first, extensions: behind + header)
        }
        #expect(try judge(fragment(2, offset: 0, more: true), from: "fd00::b") == .unfoundedError)
        #expect(try judge(fragment(2, offset: 0, more: false), from: "fd00::b") == .unfoundedError)
        let options = Self.padded(IPProtocol.fragment, words: 0)
        #expect(try judge(fragment(2, offset: 0, more: true, behind: options), from: "fd00::b") == .unfoundedError)
        // Nothing comes of later ones without their first; and a long echo is no error.
        #expect(try judge(fragment(2, offset: 9, more: false), from: "fd00::b") == nil)
        #expect(try judge(fragment(128, offset: 0, more: true), from: "fd00::b") == nil)
        // A first fragment without the type.
        let cut = try packet("fd00::b", "fd00::1", next: IPProtocol.fragment, payload: [58, 0, 0, 1, 0, 0, 0, 1])
        #expect(try judge(cut, from: "fd00::b") == .malformed)
    }

    /// Routers and neighbours are a link's (RFC 4890 section 4.3.3): nobody on the mesh is one.
    @Test(arguments: [130, 131, 132, 133, 134, 135, 136, 137, 141, 142, 143, 148, 149, 151, 152, 153] as [UInt8])
    func whatIsMeantForALinkIsDropped(type: UInt8) throws {
        let quoted = try packet("fd00::1", "fd00::b")
        var bytes = try message(type, from: "fd00::b", quoting: quoted)
        // As the kernel insists on for neighbours.
        bytes[7] = 255
        #expect(try judge(bytes, from: "fd00::b") == .linkMessage)
        let hidden = try message(
            type, from: "fd00::b", quoting: quoted, next: 0, extensions: Self.padded(58, words: 0))
        #expect(try judge(hidden, from: "fd00::b") == .linkMessage)
    }

    @Test(arguments: [128, 129, 138, 139, 140, 144, 150, 200, 255] as [UInt8])
    func otherMessagesPass(type: UInt8) throws {
        #expect(try judge(message(type, from: "fd00::c", quoting: []), from: "fd00::c") == nil)
    }

    /// Whatever the bytes: an error that passes quotes a packet of its receiver's to where its sender is.
    @Test func hostileErrorsNeverPassWrongly() throws {
        let seed: UInt64 = 0x1c6e
        var random = SplitMix(seed: seed)
        let bob = try address("fd00::b")
        let good = try message(2, from: "fd00::b", quoting: packet("fd00::1", "fd00::b"))
        var passed = 0
        var wrong: [Int] = []
        for round in 0..<50_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                let bit = Int.random(in: 0..<bytes.count * 8, using: &random)
                bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            }
            bytes.withUnsafeBytes { raw in
                guard case .pass(let header) = filter.inbound(raw, from: bob), header.nextHeader == IPProtocol.icmpv6,
                    raw[IPv6Header.size] < 128
                else { return }
                passed += 1
                let quoted = raw.baseAddress! + IPv6Header.size + 8
                if IPv6Address(loading: quoted + 8) != header.destination || IPv6Address(loading: quoted + 24) != bob {
                    wrong.append(round)
                }
            }
        }
        #expect(wrong.isEmpty, "seed \(seed)")
        #expect(passed > 10_000, "the good ones are among them")
    }
}
