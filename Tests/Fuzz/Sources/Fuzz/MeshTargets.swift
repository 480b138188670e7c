import INET256
import Wire

@testable import Mesh

/// `MeshBox.receive`: datagrams of every kind. The first byte says where from, and whether the MAC of message 1 is put
/// right, without which no call gets far.
struct DatagramTarget: FuzzTarget {
    private var lifetimes = Lifetimes()

    mutating func run(_ input: [UInt8]) {
        guard let mode = input.first else { return }
        let boxes = lifetimes.next()
        var datagram = Array(input.dropFirst())
        let keys = AddressKeys(boxes.keys[1].address)
        if mode & 1 != 0, datagram.count == InitiationLayout.count {
            datagram.withUnsafeMutableBytes { bytes in
                bytes.baseAddress?.putLittle(keys.hint, InitiationLayout.hint)
            }
            let mac = datagram.withUnsafeBytes { keys.mac1($0) }
            datagram.replaceSubrange(InitiationLayout.mac1..<InitiationLayout.mac2, with: mac)
        }
        if mode & 2 != 0, datagram.count >= TransportLayout.header, let index = boxes.link?.current?.localIndex {
            // To an index that exists.
            datagram.withUnsafeMutableBytes { $0.baseAddress?.putLittle(index, TransportLayout.receiver) }
        }
        let source = boxes.path(from: mode & 4 != 0 ? 0 : 7)
        boxes.victim.beginTurn()
        let count = datagram.count
        datagram.withUnsafeMutableBytes { bytes in
            let delivery = boxes.victim.receive(bytes, from: source, now: boxes.now)
            demand(delivery == nil, "made-up bytes became a message")
        }
        let answered = boxes.victim.outbox.datagrams.filter { $0.path.remote == source.remote }
        demand(answered.reduce(0) { $0 + $1.count } <= count, "amplified")
        boxes.victim.outbox.removeAll()
        if mode & 0xf0 == 0xf0 { boxes.step(.milliseconds(50)) }
        boxes.checkMemory()
    }
}

/// What a neighbour may say inside the session: each input is a few frames, each behind its length (2 bytes).
struct FrameTarget: FuzzTarget {
    private var lifetimes = Lifetimes()

    mutating func run(_ input: [UInt8]) {
        let boxes = lifetimes.next()
        var rest = input[...]
        while rest.count > 2 {
            let count = min(Int(rest[rest.startIndex]) | Int(rest[rest.startIndex + 1]) << 8, rest.count - 2)
            rest = rest.dropFirst(2)
            var frame = Array(rest.prefix(count))
            rest = rest.dropFirst(count)
            guard !frame.isEmpty, let link = boxes.link, let keys = link.current else { continue }
            frame.withUnsafeMutableBytes { bytes in
                let delivery = boxes.victim.receiveFrame(
                    bytes, link, keys, .direct(boxes.path(from: 0)), boxes.now)
                if let delivery {
                    demand(
                        delivery.message.count <= MeshBox.messageLimit, "a message of \(delivery.message.count) bytes")
                }
            }
        }
        boxes.victim.outbox.removeAll()
        if input.count % 16 == 0 { boxes.step(.milliseconds(50)) }
        _ = boxes.victim.takeEvents()
        boxes.checkMemory()
    }
}

/// Pieces of frames, each behind owner (1) and length (2).
struct ReassemblerTarget: FuzzTarget {
    func run(_ input: [UInt8]) {
        var limits = MeshLimits()
        limits.reassemblies = 4
        limits.reassembliesPerSession = 2
        var reassembler = Reassembler(limits: limits)
        var dropped = 0
        var rest = input[...]
        while rest.count > 3 {
            let owner = UInt32(rest[rest.startIndex] & 3)
            let count = min(Int(rest[rest.startIndex + 1]) | Int(rest[rest.startIndex + 2]) << 8, rest.count - 3)
            rest = rest.dropFirst(3)
            let piece = Array(rest.prefix(count))
            rest = rest.dropFirst(count)
            piece.withUnsafeBytes { bytes in
                guard let fragment = FragmentFrame(body: bytes.tail(from: 1)) else { return }
                switch reassembler.accept(fragment, owner: owner, now: .distantPast, dropped: &dropped) {
                case .complete(let whole):
                    demand(
                        !whole.isEmpty && whole.count <= Reassembler.frameCapacity, "a frame of \(whole.count) bytes")
                case .waiting, .malformed: break
                }
            }
            demand(reassembler.count <= 4 && reassembler.bytes <= 5 * Reassembler.frameCapacity, "memory")
        }
    }
}

/// Control frames of the routing algorithm, from a neighbour.
struct BeaconTarget: FuzzTarget {
    private var network = BeaconTarget.fresh()
    private var now = Instant(nanoseconds: 1_000_000_000)
    private var uses = 0

    private static func fresh() -> BeaconNet {
        let random = FixedRandom(2)
        let start = Instant(nanoseconds: 1_000_000_000)
        var network = BeaconNet(sequence: 1_700_000_000_000, now: start)
        network.addLocal(PrivateKey(generatedFrom: random), now: start)
        for number in 0..<3 as Range<UInt32> {
            let key = PrivateKey(generatedFrom: random).publicKey
            network.neighbourUp(NeighbourID(rawValue: number), key: key, now: start)
        }
        return network
    }

    mutating func run(_ input: [UInt8]) {
        guard let mode = input.first else { return }
        uses += 1
        if uses % 5000 == 0 { network = Self.fresh() }
        input.dropFirst().withUnsafeBytes { frame in
            try? network.receive(frame, from: NeighbourID(rawValue: UInt32(mode & 3)), now: now)
        }
        now = now + .milliseconds(Int64(mode >> 2))
        network.tick(now: now)
        for frame in network.takeOutput() { demand(frame.bytes.count <= ControlFrame.maximumBytes, "a frame too long") }
        demand(network.counts.knownOrigins <= BeaconNetLimits().origins + 4, "origins")
    }
}
