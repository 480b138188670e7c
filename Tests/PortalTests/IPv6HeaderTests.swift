import TestSupport
import Testing
import Wire

@Suite struct IPv6HeaderTests {
    @Test func readsWhatWasWritten() throws {
        var bytes = try packet("fd00::1", "fd12:3456::9", next: 58, payload: [1, 2, 3, 4, 5])
        bytes[0] = 0x6a
        bytes[1] = 0xb0
        #expect(bytes[4...7] == [0, 5, 58, 64])
        try bytes.withUnsafeBytes { raw in
            let header = try IPv6Header(raw)
            #expect(header.source == (try address("fd00::1")))
            #expect(header.destination == (try address("fd12:3456::9")))
            #expect(header.trafficClass == 0xab)
            #expect(header.payloadLength == 5 && header.totalLength == 45)
            #expect(header.nextHeader == 58 && header.hopLimit == 64)
            #expect([UInt8](header.payload) == [1, 2, 3, 4, 5])
            #expect(header.packet.count == 45)
        }
    }

    @Test func everyTruncationAndPaddingIsMalformed() throws {
        let whole = try packet("fd00::1", "fd00::2", payload: [UInt8](repeating: 7, count: 20))
        for count in 0..<whole.count {
            let reason: IPv6Malformation = count < IPv6Header.size ? .truncated : .lengthMismatch
            #expect(throws: reason) { try [UInt8](whole[..<count]).withUnsafeBytes { _ = try IPv6Header($0) } }
        }
        #expect(throws: IPv6Malformation.lengthMismatch) {
            try (whole + [0]).withUnsafeBytes { _ = try IPv6Header($0) }
        }
        #expect(throws: IPv6Malformation.truncated) {
            _ = try IPv6Header(UnsafeRawBufferPointer(start: nil, count: 0))
        }
    }

    @Test func everyOtherVersionIsNotIPv6() throws {
        for version in (0...15 as ClosedRange<UInt8>) where version != 6 {
            var bytes = try packet("fd00::1", "fd00::2")
            bytes[0] = version << 4
            #expect(throws: IPv6Malformation.notIPv6) { try bytes.withUnsafeBytes { _ = try IPv6Header($0) } }
        }
    }

    /// Jumbograms say 0.
    @Test func aLengthOfZeroIsAnEmptyPayload() throws {
        var bytes = try packet("fd00::1", "fd00::2", payload: [1])
        bytes[5] = 0
        #expect(throws: IPv6Malformation.lengthMismatch) { try bytes.withUnsafeBytes { _ = try IPv6Header($0) } }
    }

    @Test func walksTheExtensionHeaders() throws {
        /// Extension headers in front of a UDP header; each says what comes after it.
        func upper(_ first: UInt8, _ payload: [UInt8]) throws -> UpperLayer? {
            try packet("fd00::1", "fd00::2", next: first, payload: payload).withUnsafeBytes {
                try IPv6Header($0).upperLayer
            }
        }
        #expect(try upper(17, []) == UpperLayer(protocolNumber: 17, offset: 40))
        #expect(try upper(59, []) == UpperLayer(protocolNumber: 59, offset: 40))
        #expect(try upper(0, [17, 0, 1, 4, 0, 0, 0, 0]) == UpperLayer(protocolNumber: 17, offset: 48))
        #expect(
            try upper(
                0, [43, 0, 0, 0, 0, 0, 0, 0, 60, 1] + [UInt8](repeating: 0, count: 14) + [58, 0, 0, 0, 0, 0, 0, 0])
                == UpperLayer(protocolNumber: 58, offset: 72))
        // Authentication: 4 more words of 4 bytes.
        #expect(
            try upper(51, [6, 4] + [UInt8](repeating: 0, count: 22)) == UpperLayer(protocolNumber: 6, offset: 64))
        // The first fragment has a header, later ones have none.
        #expect(
            try upper(44, [58, 0, 0, 1, 9, 9, 9, 9]) == UpperLayer(protocolNumber: 58, offset: 48, isFragment: true))
        #expect(
            try upper(44, [60, 0, 0, 9, 9, 9, 9, 9])
                == UpperLayer(protocolNumber: 60, offset: 48, isLaterFragment: true))
        // Chains that run out of the packet, or never end.
        #expect(try upper(0, []) == nil)
        #expect(try upper(0, [17]) == nil)
        #expect(try upper(0, [17, 1, 0, 0, 0, 0, 0, 0]) == nil)
        #expect(try upper(44, [17, 0, 0, 0, 0, 0, 0]) == nil)
        #expect(try upper(51, [17, 255, 0, 0]) == nil)
        #expect(try upper(60, (0..<40).flatMap { _ in [60, 0, 0, 0, 0, 0, 0, 0] as [UInt8] }) == nil)
    }

    @Test func randomChainsStayInThePacket() throws {
        let seed: UInt64 = 0x1b51
        var random = SplitMix(seed: seed)
        let headers: [UInt8] = [0, 43, 44, 51, 60, 58, 17]
        for round in 0..<20_000 {
            var payload = random.bytes(Int.random(in: 0...120, using: &random))
            // Mostly plausible, else nearly every chain ends at once.
            for index in stride(from: 0, to: payload.count, by: 8) {
                payload[index] = headers.randomElement(using: &random) ?? 0
                if index + 1 < payload.count { payload[index + 1] &= 3 }
            }
            let first = headers.randomElement(using: &random) ?? 0
            try packet("fd00::1", "fd00::2", next: first, payload: payload).withUnsafeBytes { raw in
                guard let upper = try IPv6Header(raw).upperLayer else { return }
                #expect((40...raw.count).contains(upper.offset), "seed \(seed), round \(round)")
            }
        }
    }
}

@Suite struct InternetChecksumTests {
    @Test func publishedVectors() throws {
        // RFC 1071 section 3: the sum is ddf2.
        let words: [UInt8] = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]
        #expect(words.withUnsafeBytes { InternetChecksum.of($0) } == ~0xddf2)
        // A widely printed IPv4 header whose checksum is b861.
        let header: [UInt8] = [
            0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0x00, 0x00, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8,
            0x00, 0xc7,
        ]
        #expect(header.withUnsafeBytes { InternetChecksum.of($0) } == 0xb861)
        #expect(InternetChecksum().value == 0xffff)
    }

    @Test func agreesWithTheDefinitionHoweverItIsCut() {
        let seed: UInt64 = 0xc4ec
        var random = SplitMix(seed: seed)
        for round in 0..<3000 {
            let length = Int.random(in: 0...(round % 100 == 0 ? 65535 : 200), using: &random)
            // Many ones make many carries.
            let bytes = round % 3 == 0 ? [UInt8](repeating: 0xff, count: length) : random.bytes(length)
            let expected = slowChecksum(bytes)
            bytes.withUnsafeBytes { raw in
                #expect(InternetChecksum.of(raw) == expected, "seed \(seed), round \(round)")
                var checksum = InternetChecksum()
                var at = 0
                while at < raw.count {
                    let step = min(raw.count - at, Int.random(in: 1...max(1, length / 3), using: &random))
                    checksum.add(UnsafeRawBufferPointer(rebasing: raw[at..<at + step]))
                    at += step
                }
                #expect(checksum.value == expected, "in parts: seed \(seed), round \(round)")
            }
        }
    }

    @Test func pseudoHeaderIsThatOfTheRFC() throws {
        let from = try address("fd00:1:2:3:4:5:6:7")
        let to = try address("2001:db8::ffff:fffe")
        var plain = [UInt8](repeating: 0, count: 32)
        plain.withUnsafeMutableBytes { raw in
            guard let base = raw.baseAddress else { return }
            from.store(to: base)
            to.store(to: base + 16)
        }
        plain += [0, 1, 0x11, 0x70, 0, 0, 0, 58]
        var checksum = InternetChecksum()
        checksum.addPseudoHeader(source: from, destination: to, length: 70000, nextHeader: 58)
        #expect(checksum.value == slowChecksum(plain))
    }
}
