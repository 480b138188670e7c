internal import INET256
internal import Wire

/// A datagram of a session between other nodes, and what is said of its way. A view of the memory that it came in.
struct RelayFrame {
    /// The whole frame, the kind first.
    let bytes: UnsafeMutableRawBufferPointer
    private let base: UnsafeMutableRawPointer
    private let flowBytes: Int

    /// `flowBytes`: how long the flow's header is, by this box's routing algorithm.
    @inline(__always)
    init?(_ bytes: UnsafeMutableRawBufferPointer, flowBytes: Int = 0) {
        guard bytes.count > RelayLayout.header + flowBytes, let base = bytes.baseAddress else { return nil }
        self.bytes = bytes
        self.base = base
        self.flowBytes = flowBytes
    }

    var hopLimit: UInt8 { bytes[RelayLayout.hopLimit] }
    /// The largest datagram that the links so far carry in one piece, in bytes.
    var stamp: Int { Int(UnsafeRawBufferPointer(bytes).little(RelayLayout.stamp, as: UInt16.self)) }
    var destination: Address { Address(raw: Bytes32(loading: base + RelayLayout.destination)) }
    var source: Address { Address(raw: Bytes32(loading: base + RelayLayout.source)) }
    /// The routing algorithm's.
    var flow: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: bytes[RelayLayout.header..<RelayLayout.header + flowBytes])
    }
    /// The other session's datagram.
    var datagram: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: bytes[(RelayLayout.header + flowBytes)...])
    }
    /// All behind the kind.
    var body: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[1...]) }

    /// Whether it has not gone through more boxes than any way has.
    var mayPass: Bool { hopLimit > 1 && hopLimit <= RelayLayout.initialHopLimit }

    /// Rewrites it for the next link, which carries datagrams of `capacity` bytes. The caller has looked at the hop limit.
    @inline(__always)
    func pass(over capacity: Int) {
        base.putLittle(hopLimit &- 1, RelayLayout.hopLimit)
        base.putLittle(UInt16(clamping: min(stamp, capacity)), RelayLayout.stamp)
    }

    /// Writes the head of a frame that starts here.
    @inline(__always)
    static func writeHead(
        to frame: UnsafeMutableRawPointer, _ destination: Address, _ source: Address, stamp: Int
    ) {
        frame.storeBytes(of: FrameKind.relay.rawValue, as: UInt8.self)
        frame.putLittle(RelayLayout.initialHopLimit, RelayLayout.hopLimit)
        frame.putLittle(UInt16(clamping: stamp), RelayLayout.stamp)
        destination.raw.store(to: frame + RelayLayout.destination)
        source.raw.store(to: frame + RelayLayout.source)
    }
}

/// A piece of a frame, that has a place in it.
struct FragmentFrame {
    struct Head: Equatable {
        let number: UInt32
        let piece: UInt8
        let pieces: UInt8
        /// Of the whole frame, in bytes.
        let total: UInt32

        @inline(__always)
        func write(to frame: UnsafeMutableRawPointer) {
            frame.storeBytes(of: FrameKind.fragment.rawValue, as: UInt8.self)
            frame.putLittle(number, FragmentLayout.number)
            frame.putLittle(piece, FragmentLayout.piece)
            frame.putLittle(pieces, FragmentLayout.pieces)
            frame.putLittle(total, FragmentLayout.total)
        }
    }

    let head: Head
    /// The piece's own.
    let bytes: UnsafeRawBufferPointer
    /// The length of every piece but the last, in bytes.
    let pieceCount: Int

    var number: UInt32 { head.number }
    var piece: Int { Int(head.piece) }
    var pieces: Int { Int(head.pieces) }
    var total: Int { Int(head.total) }
    /// Where the piece's bytes belong in the frame.
    var offset: Int { piece * pieceCount }

    /// `body`: all behind the kind.
    init?(body: UnsafeRawBufferPointer) {
        let header = FragmentLayout.header - 1
        guard body.count > header else { return nil }
        head = Head(
            number: body.little(FragmentLayout.number - 1), piece: body.little(FragmentLayout.piece - 1),
            pieces: body.little(FragmentLayout.pieces - 1), total: body.little(FragmentLayout.total - 1))
        bytes = body.tail(from: header)
        let (piece, pieces, total, length) = (Int(head.piece), Int(head.pieces), Int(head.total), bytes.count)
        guard pieces >= 2, piece < pieces, total <= Reassembler.frameCapacity, length < total else { return nil }
        // Every piece but the last has one length; the last one has the rest.
        if piece == pieces - 1 {
            guard (total - length) % (pieces - 1) == 0 else { return nil }
            pieceCount = (total - length) / (pieces - 1)
            guard length <= pieceCount else { return nil }
        } else {
            pieceCount = length
            let rest = total - pieceCount * (pieces - 1)
            guard rest > 0, rest <= pieceCount else { return nil }
        }
    }
}

/// Whether this end accepts a link, and which run of the daemon it is.
struct HelloFrame: Equatable {
    let acceptsLink: Bool
    let wantsAnswer: Bool
    let run: UInt64

    init(acceptsLink: Bool, wantsAnswer: Bool, run: UInt64) {
        self.acceptsLink = acceptsLink
        self.wantsAnswer = wantsAnswer
        self.run = run
    }

    /// `body`: all behind the kind. Flags that nobody knows say nothing.
    init?(_ body: UnsafeRawBufferPointer) {
        guard body.count == HelloLayout.count - 1 else { return nil }
        let flags: UInt8 = body.little(HelloLayout.flags - 1)
        acceptsLink = flags & HelloLayout.acceptsLink != 0
        wantsAnswer = flags & HelloLayout.wantsAnswer != 0
        run = body.little(HelloLayout.run - 1)
    }

    func write(to frame: UnsafeMutableRawPointer) {
        var flags: UInt8 = acceptsLink ? HelloLayout.acceptsLink : 0
        if wantsAnswer { flags |= HelloLayout.wantsAnswer }
        frame.storeBytes(of: FrameKind.hello.rawValue, as: UInt8.self)
        frame.putLittle(flags, HelloLayout.flags)
        frame.putLittle(run, HelloLayout.run)
    }
}

/// What a ping asks to have echoed, all behind the kind: an identifier (8) and what its sender likes. A view.
struct EchoBody {
    let bytes: UnsafeRawBufferPointer

    /// The identifier's bytes.
    static let least = 8
    /// The length of one that asks a path for a sign of life: the identifier, and the milliseconds since the other end was last
    /// heard there (2).
    private static let ofLife = 10

    @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Zero where there is none.
    var id: UInt64 { bytes.little(0) }
    /// Bytes behind the identifier.
    var payload: Int { max(0, bytes.count - Self.least) }
    /// Of one that asks for a sign of life: how long ago its sender last heard anything by that path.
    var heardAgo: Interval? {
        bytes.count == Self.ofLife ? .milliseconds(Int64(bytes.little(Self.least, as: UInt16.self))) : nil
    }

    /// One that asks a path for a sign of life.
    static func life(_ id: UInt64, heardAgo: Interval) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(ofLife)
        out.appendLittle(id)
        out.appendLittle(UInt16(clamping: max(0, heardAgo.nanoseconds / 1_000_000)))
        return out
    }

    /// One with `payload` bytes of zeros.
    static func question(_ id: UInt64, payload: Int) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(least + payload)
        out.appendLittle(id)
        return out + [UInt8](repeating: 0, count: payload)
    }
}
