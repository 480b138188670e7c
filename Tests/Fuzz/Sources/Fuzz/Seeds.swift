import Glibc
import INET256
import Wire

@testable import Mesh

/// Genuine inputs for each target, from which the fuzzer starts. `FUZZ_SEEDS=folder` writes them and ends.
enum Seeds {
    static func write(to folder: String) {
        for (target, inputs) in all() {
            for (number, input) in inputs.enumerated() {
                let name = "\(folder)/\(target)/seed-\(number / 10)\(number % 10)"
                guard let file = fopen(name, "wb") else {
                    print("\(name): \(String(cString: strerror(errno)))")
                    exit(1)
                }
                fwrite(input, 1, input.count, file)
                fclose(file)
            }
        }
    }

    private static func all() -> [(String, [[UInt8]])] {
        let boxes = LinkedBoxes()
        let control = controlFrames(boxes)
        return [
            ("datagram", datagrams(boxes)),
            ("frame", frames(boxes) + control.map { framed([[FrameKind.control.rawValue] + $0]) }),
            ("reassembler", [pieces(3, of: 30), pieces(2, of: 11), pieces(64, of: 640)].map(owned)),
            ("beacon", control.flatMap { [[0] + $0, [0xfd] + $0] }), ("text", texts(boxes)), ("packet", packets()),
            ("offload", superPackets()), ("session", attacks()), ("names", names()),
            ("portmapping", PortMappingSeeds.all()), ("nameserver", NameServerSeeds.all()),
        ] + APISeeds.all(boxes.keys) + DiscoverySeeds.all() + [
            ("joining", JoiningTarget.seeds()), ("keychange", KeyChangeTarget.seeds()),
            ("ownnames", OwnNamesTarget.seeds()),
        ]
    }

    /// What one box said to the other until they had a link, once as it was and once with everything put right.
    private static func datagrams(_ boxes: LinkedBoxes) -> [[UInt8]] {
        let kinds: [DatagramKind] = [.initiation, .response, .finish, .transport, .cookie, .unknownIndex]
        return kinds.flatMap { kind in
            let genuine = boxes.recorded.first { $0.first == kind.rawValue }
            let count = [192, 192, 160, 60, CookieLayout.count, HintLayout.count][Int(kind.rawValue) - 1]
            let datagram = genuine ?? [kind.rawValue] + [UInt8](repeating: 0, count: count - 1)
            return [[0] + datagram, [7] + datagram]
        }
    }

    /// An answer with two texts, and one with two services, whose names point back.
    private static func names() -> [[UInt8]] {
        func answer(_ kind: UInt8, _ records: [[UInt8]]) -> [UInt8] {
            let question = [1, UInt8(ascii: "a"), 3] + Array("org".utf8) + [0, 0, kind, 0, 1]
            return records.reduce([0, 1, 0x81, 0x80, 0, 1, 0, UInt8(records.count), 0, 0, 0, 0] + question) {
                $0 + [0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, UInt8($1.count)] + $1
            }
        }
        return [
            answer(16, ["inet256vpn=A udp://b:1", "x"].map { [UInt8($0.utf8.count)] + Array($0.utf8) }),
            answer(33, [1, 2].map { [0, $0, 0, 1, 0x64, 0x20, 1, UInt8(ascii: "b"), 0xc0, 12] }),
        ]
    }

    private static func framed(_ frames: [[UInt8]]) -> [UInt8] {
        frames.reduce(into: []) { out, frame in
            out.appendLittle(UInt16(frame.count))
            out += frame
        }
    }

    private static func frames(_ boxes: LinkedBoxes) -> [[UInt8]] {
        let eight = [UInt8](repeating: 8, count: 8)
        var frames: [[UInt8]] = (0...13).map { [$0] + eight }
        frames.append([FrameKind.sizeProbe.rawValue] + [UInt8](repeating: 0, count: 1200))
        frames.append([FrameKind.hello.rawValue, 3] + eight)
        frames.append([FrameKind.relaySize.rawValue, 0, 5])
        for target in [boxes.keys[1].address, boxes.keys[0].address] {
            var relay: [UInt8] = [FrameKind.relay.rawValue, 64, 0, 5]
            relay.append(target.raw)
            relay.append(boxes.keys[0].address.raw)
            frames.append(relay + (boxes.recorded.first ?? []))
        }
        return frames.map { framed([$0]) } + [framed(pieces(3, of: 100)), framed(frames)]
    }

    private static func pieces(_ count: Int, of total: Int) -> [[UInt8]] {
        let each = (total + count - 1) / count
        return (0..<count).map { piece in
            var out: [UInt8] = [FrameKind.fragment.rawValue, 9, 0, 0, 0, UInt8(piece), UInt8(count)]
            out.appendLittle(UInt32(total))
            return out + [UInt8](repeating: 1, count: min(each, total - piece * each))
        }
    }

    private static func owned(_ pieces: [[UInt8]]) -> [UInt8] {
        pieces.reduce(into: []) { out, piece in
            out.append(1)
            out.appendLittle(UInt16(piece.count))
            out += piece
        }
    }

    /// Updates, requests and acknowledgements as the algorithm itself makes them.
    private static func controlFrames(_ boxes: LinkedBoxes) -> [[UInt8]] {
        let now = Instant(nanoseconds: 1_000_000_000)
        let neighbour = NeighbourID(rawValue: 0)
        var network = BeaconNet(sequence: 1_700_000_000_000, now: now)
        network.addLocal(boxes.keys[0], now: now)
        network.neighbourUp(neighbour, key: boxes.keys[1].publicKey, now: now)
        var frames = network.takeOutput()
        for frame in frames {
            frame.bytes.withUnsafeBytes { try? network.receive($0, from: neighbour, now: now) }
        }
        network.wanted(Address(raw: Bytes32(words: (1, 2, 3, 4))), now: now)
        network.tick(now: now + .seconds(30))
        frames += network.takeOutput()
        return frames.map(\.bytes)
    }

    /// Runs of the stateful fuzzer.
    private static func attacks() -> [[UInt8]] {
        (1...8).map { SessionStep.bytes(SessionStep.list(seed: $0, count: 96)) }
    }

    private static func texts(_ boxes: LinkedBoxes) -> [[UInt8]] {
        let key = boxes.keys[0]
        let texts = [
            key.address.description, "fd00::1", "::ffff:192.0.2.1", "1:2:3:4:5:6:7:8", "192.0.2.1:25632",
            "[fe80::1%3]:25632",
        ]
        return texts.map { Array($0.utf8) } + [
            key.publicKey.serialized, key.serialized().withBytes { Array($0) }, key.text().withBytes { Array($0) },
        ]
    }

    private static func packets() -> [[UInt8]] {
        let own = IPv6Address(high: 0xfd00 << 48, low: 1)
        let other = IPv6Address(high: 0xfd00 << 48, low: 2)
        let payloads: [(UInt8, [UInt8])] = [
            (IPProtocol.udp, [0, 9, 0, 9, 0, 8, 0, 0]), (IPProtocol.icmpv6, [128, 0, 0, 0, 0, 1, 0, 1]),
            (IPProtocol.tcp, [UInt8](repeating: 0x50, count: 20)),
            (IPProtocol.hopByHop, [IPProtocol.udp, 0, 1, 4, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 8)),
            (IPProtocol.fragment, [IPProtocol.udp, 0, 0, 1, 0, 0, 0, 7] + [UInt8](repeating: 0, count: 8)),
            (IPProtocol.noNextHeader, []),
        ]
        return payloads.flatMap { number, payload in
            [(own, other), (other, own)].map { source, destination in
                var packet = [UInt8](repeating: 0, count: IPv6Header.size) + payload
                packet.withUnsafeMutableBytes { bytes in
                    guard let base = bytes.baseAddress else { return }
                    IPv6Header.write(
                        to: base, payloadLength: UInt16(payload.count), nextHeader: number, hopLimit: 64,
                        source: source,
                        destination: destination)
                }
                return packet
            }
        }
    }
}
