import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Frames: there and back, cut short, and with turned bits. Whatever is read can be written, and is what was read.
@Suite struct FrameTests {
    private static let destination = Address(raw: Bytes32(words: (1, 2, 3, 4)))
    private static let source = Address(raw: Bytes32(words: (5, 6, 7, 8)))

    /// A frame of each kind as bytes, and the shortest length at which its kind is one.
    private static func samples() -> [(kind: FrameKind, bytes: [UInt8], least: Int)] {
        var relay = [UInt8](repeating: 0, count: RelayLayout.header) + payload(200)
        relay.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            RelayFrame.writeHead(to: base, destination, source, stamp: 1234)
        }
        let head = FragmentFrame.Head(number: 77, piece: 1, pieces: 3, total: 250)
        var fragment = [UInt8](repeating: 0, count: FragmentLayout.header) + payload(100)
        fragment.withUnsafeMutableBytes { bytes in bytes.baseAddress.map { head.write(to: $0) } }
        let hello = HelloFrame(acceptsLink: true, wantsAnswer: true, run: 0x0123_4567_89ab_cdef)
        let prefix = IPv6Prefix(IPv6Address(high: 0xfd00_0102_0304_0506, low: 0), length: 64)
        let places = [
            Candidate(Endpoint(address: IPv6Address(mappedIPv4: 0xcb00_7107), port: 25632), .host),
            Candidate(Endpoint(address: IPv6Address(high: 0x2001_0db8_0000_0001, low: 7), port: 443), .observed),
        ]
        let candidates = CandidatesFrame(places, wantsAnswer: true, hasHardNAT: true)
        return [
            (.keepalive, written(.keepalive), 1),
            (.message, [1] + payload(50), 1),
            // Three pieces of 250 bytes are 84 long at least.
            (.fragment, fragment, FragmentLayout.header + 84),
            (.relay, relay, RelayLayout.header + 1),
            (.control, [4] + payload(50), 1),
            (.challenge, written(.challenge(0x1122_3344_5566_7788)), 9),
            (.challengeResponse, written(.challengeResponse(0x1122_3344_5566_7788)), 9),
            (.sizeProbe, written(.sizeProbe(number: 5, count: 300)), 5),
            (.sizeProbeAnswer, written(.sizeProbeAnswer(number: 5, size: 1452)), 9),
            (.hello, written(.hello(hello)), HelloLayout.count),
            (.ping, [10] + EchoBody.life(0xfedc_ba98, heardAgo: .milliseconds(321)), 1),
            (.pong, [11] + EchoBody.question(9, payload: 30), 9),
            (.goodbye, written(.goodbye), 1),
            (.relaySize, written(.relaySize(1100)), 3),
            (.partialPacket, [14] + payload(60), 1),
            (.prefix, prefix.map { written(.prefix($0)) } ?? [], PrefixLayout.count),
            (.sameKey, written(.sameKey(otherHasLink: true)), SameKeyLayout.count),
            (.candidates, written(.candidates(candidates)), CandidatesLayout.header),
            (.observed, written(.observed(places[1].endpoint)), ObservedLayout.count),
            (.service, [19, 2] + payload(40), 2),
        ]
    }

    private static func payload(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) } }

    /// Between guard bytes, so that a write beyond `count` is seen.
    private static func written(_ frame: Frame) -> [UInt8] {
        var out = [UInt8](repeating: 0xa5, count: frame.count + 16)
        out.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            frame.write(to: base + 8)
        }
        #expect(out.prefix(8).allSatisfy { $0 == 0xa5 } && out.suffix(8).allSatisfy { $0 == 0xa5 })
        return Array(out.dropFirst(8).dropLast(8))
    }

    /// Reads and writes again; the fault where it is no frame. What is read views memory of its own, exactly as long.
    private static func again(_ bytes: [UInt8]) -> Result<(kind: FrameKind, bytes: [UInt8]), Frame.Fault> {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { copy.deallocate() }
        copy.copyBytes(from: bytes)
        do throws(Frame.Fault) {
            let frame = try Frame(copy)
            return .success((frame.kind, written(frame)))
        } catch {
            return .failure(error)
        }
    }

    @Test func everyKindThereAndBack() throws {
        let samples = Self.samples()
        #expect(Set(samples.map(\.kind.rawValue)) == Set(0...19))
        for sample in samples {
            let read = try Self.again(sample.bytes).get()
            #expect(read.kind == sample.kind && read.bytes == sample.bytes, "\(sample.kind)")
        }
    }

    @Test func everyShorterLength() {
        for sample in Self.samples() {
            for count in 0..<sample.bytes.count {
                let bytes = Array(sample.bytes.prefix(count))
                let isWhole = count >= sample.least && Self.isOfWholeParts(sample.kind, count)
                switch Self.again(bytes) {
                case .success(let read):
                    #expect(isWhole, "\(sample.kind), \(count) bytes")
                    #expect(read.kind == sample.kind && read.bytes == bytes, "\(sample.kind), \(count) bytes")
                case .failure(let fault):
                    #expect(!isWhole, "\(sample.kind), \(count) bytes")
                    let expected: Frame.Fault =
                        count == 0 ? .unknown : sample.kind == .fragment ? .malformedFragment : .malformed
                    #expect(fault == expected, "\(sample.kind), \(count) bytes")
                }
            }
        }
    }

    /// A list has whole members.
    private static func isOfWholeParts(_ kind: FrameKind, _ count: Int) -> Bool {
        kind != .candidates || (count - CandidatesLayout.header) % CandidatesLayout.candidate == 0
    }

    @Test func everyBitOfAHeadTurned() {
        for sample in Self.samples() {
            let head = min(sample.bytes.count, sample.kind == .relay ? RelayLayout.header : 18)
            for bit in 0..<head * 8 {
                var bytes = sample.bytes
                bytes[bit / 8] ^= 1 << UInt8(bit % 8)
                guard case .success(let read) = Self.again(bytes) else { continue }
                #expect(read.kind.rawValue == bytes[0], "\(sample.kind), bit \(bit)")
                #expect(read.bytes == Self.canonical(bytes, read.kind), "\(sample.kind), bit \(bit)")
            }
        }
    }

    /// What says nothing is not written again: flags that nobody knows, padding, and what stands behind a frame that has no body.
    private static func canonical(_ bytes: [UInt8], _ kind: FrameKind) -> [UInt8] {
        var out = bytes
        switch kind {
        case .keepalive, .goodbye: return Array(bytes.prefix(1))
        case .sizeProbe: for place in 5..<max(5, out.count) { out[place] = 0 }
        case .hello: out[HelloLayout.flags] &= 3
        case .sameKey:
            out = Array(bytes.prefix(SameKeyLayout.count))
            out[1] &= 1
        case .candidates:
            guard out.count > 1 else { break }
            out[1] &= 31
            // A candidate of a kind that nobody knows, or at an endpoint that is nobody's or was said before, is passed over.
            var kept = Array(out.prefix(CandidatesLayout.header))
            var endpoints: Set<[UInt8]> = []
            for start in stride(from: CandidatesLayout.header, to: out.count, by: CandidatesLayout.candidate) {
                let part = Array(out[start..<min(start + CandidatesLayout.candidate, out.count)])
                let endpoint = part.withUnsafeBytes { Endpoint($0, at: 1) }
                guard part[0] <= 3, endpoint?.isCallable == true, endpoints.insert(Array(part.dropFirst())).inserted
                else {
                    continue
                }
                kept += part
            }
            out = kept
        default: break
        }
        return out
    }

    /// A kind that is not one, and one that is longer than any message.
    @Test func whatIsNoFrame() {
        for kind in 20...255 as ClosedRange<UInt8> {
            guard case .failure(.unknown) = Self.again([kind, 1, 2, 3]) else {
                Issue.record("kind \(kind) is read")
                continue
            }
        }
        let long = [UInt8](repeating: 0, count: MeshBox.messageLimit + 1)
        for kind in 0...19 as ClosedRange<UInt8> {
            let isRead = if case .success = Self.again([kind] + long) { true } else { false }
            #expect(isRead == (kind == FrameKind.relay.rawValue), "kind \(kind)")
        }
    }

    @Test func whatARelayFrameSays() throws {
        var bytes = try #require(Self.samples().first { $0.kind == .relay }).bytes
        bytes.withUnsafeMutableBytes { bytes in
            guard let frame = RelayFrame(bytes) else {
                Issue.record("no relay frame")
                return
            }
            #expect(frame.hopLimit == RelayLayout.initialHopLimit && frame.stamp == 1234)
            #expect(frame.destination == Self.destination && frame.source == Self.source)
            #expect(Array(frame.datagram) == Self.payload(200))
            frame.pass(over: 2000)
            #expect(frame.hopLimit == RelayLayout.initialHopLimit - 1 && frame.stamp == 1234)
            frame.pass(over: 576)
            #expect(frame.hopLimit == RelayLayout.initialHopLimit - 2 && frame.stamp == 576)
            #expect(frame.destination == Self.destination && Array(frame.datagram) == Self.payload(200))
        }
    }

    @Test func whatAPingSays() {
        func echo<T>(_ bytes: [UInt8], _ read: (EchoBody) -> T) -> T { bytes.withUnsafeBytes { read(EchoBody($0)) } }
        let life = EchoBody.life(7, heardAgo: .milliseconds(250))
        #expect(echo(life, \.id) == 7 && echo(life, \.heardAgo) == .milliseconds(250))
        // As long as can be said, and never less than nothing.
        #expect(echo(EchoBody.life(7, heardAgo: .seconds(600)), \.heardAgo) == .milliseconds(65_535))
        #expect(echo(EchoBody.life(7, heardAgo: .seconds(-5)), \.heardAgo) == .zero)
        let asked = EchoBody.question(8, payload: 56)
        #expect(echo(asked, \.id) == 8 && echo(asked, \.payload) == 56 && echo(asked, \.heardAgo) == nil)
        #expect(echo([1, 2], \.id) == 0 && echo([1, 2], \.payload) == 0)
    }
}
