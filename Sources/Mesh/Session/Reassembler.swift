internal import Wire

/// Puts frames together from their pieces, in a fixed number of buffers that all sessions share. When none is free,
/// the session that holds too many loses its oldest, else the oldest of all goes: memory is bounded whatever comes in.
struct Reassembler {
    /// The largest frame: a relayed message of 65,535 bytes.
    static let frameCapacity = 1 + 65_535 + RelayLayout.header + FlowHeader.most + TransportLayout.overhead

    private final class Buffer {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: Reassembler.frameCapacity, alignment: 16)
        deinit { bytes.deallocate() }
    }

    private struct Assembly {
        var owner: UInt32
        var isReserved: Bool
        var number: UInt32
        var pieces: Int
        var total: Int
        var pieceCount: Int
        var have = PieceSet()
        var started: Instant
        var buffer: Buffer

        /// Whether the piece is one of this frame's.
        func fits(_ piece: FragmentFrame) -> Bool {
            pieces == piece.pieces && total == piece.total && pieceCount == piece.pieceCount
        }
    }

    private var active: [Assembly] = []
    private var free: [Buffer] = []
    private let capacity: Int
    private let perOwner: Int
    private let lifetime: Interval

    init(limits: MeshLimits) {
        capacity = limits.reassemblies
        perOwner = limits.reassembliesPerSession
        lifetime = limits.reassemblyLifetime
        active.reserveCapacity(capacity)
    }

    var count: Int { active.count }
    /// Bytes held, in buffers in use and free ones.
    var bytes: Int { (active.count + free.count) * Self.frameCapacity }

    enum Outcome {
        case waiting
        /// A whole frame; the view is good until the next call.
        case complete(UnsafeMutableRawBufferPointer)
        case malformed
    }

    /// Takes one piece of session `owner`. `dropped` counts frames that had to make room: those of
    /// strangers first, which leave a quarter of the buffers to those whom room is reserved for.
    mutating func accept(
        _ piece: FragmentFrame, owner: UInt32, isReserved: Bool = false, now: Instant, dropped: inout Int
    ) -> Outcome {
        let place: Int
        if let found = active.firstIndex(where: { $0.owner == owner && $0.number == piece.number }) {
            guard active[found].fits(piece) else { return .malformed }
            place = found
        } else {
            place = begin(piece, owner, isReserved, now, &dropped)
        }
        guard active[place].have.insert(piece.head.piece) else { return .waiting }
        // It is there, by what was asked above; a slip in that must not write elsewhere.
        guard let target = active[place].buffer.bytes.slice(piece.offset, piece.bytes.count)
        else { return .malformed }
        target.copyMemory(from: piece.bytes)
        guard active[place].have.count == piece.pieces else { return .waiting }
        let whole = active[place].buffer.bytes.slice(0, piece.total)
        remove(place)
        return whole.map { .complete($0) } ?? .malformed
    }

    /// Drops what lacked pieces for too long. Returns how many frames that were.
    mutating func tick(_ now: Instant) -> Int {
        var dropped = 0
        var place = active.count - 1
        while place >= 0 {
            if now - active[place].started >= lifetime {
                remove(place)
                dropped += 1
            }
            place -= 1
        }
        // A quiet box keeps no more than a few spare buffers.
        if active.isEmpty && free.count > 4 { free.removeLast(free.count - 4) }
        return dropped
    }

    private mutating func begin(
        _ piece: FragmentFrame, _ owner: UInt32, _ isReserved: Bool, _ now: Instant, _ dropped: inout Int
    ) -> Int {
        // New assemblies go to the end, so the first of an owner, or of all, is the oldest.
        var strangers = 0
        for assembly in active where !assembly.isReserved { strangers += 1 }
        var held = 0
        var oldest: Int?
        for place in active.indices where active[place].owner == owner {
            held += 1
            if oldest == nil { oldest = place }
        }
        if held >= perOwner, let oldest {
            remove(oldest)
            dropped += 1
        } else if active.count >= capacity || !isReserved && strangers >= max(1, capacity - capacity / 4) {
            remove(active.firstIndex { !$0.isReserved } ?? 0)
            dropped += 1
        }
        let buffer = free.popLast() ?? Buffer()
        active.append(
            Assembly(
                owner: owner, isReserved: isReserved, number: piece.number, pieces: piece.pieces, total: piece.total,
                pieceCount: piece.pieceCount, started: now, buffer: buffer))
        return active.count - 1
    }

    private mutating func remove(_ place: Int) {
        free.append(active[place].buffer)
        active.remove(at: place)
    }
}

/// Which of up to 255 pieces are there.
struct PieceSet {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    private(set) var count = 0

    /// False when it was there already.
    mutating func insert(_ piece: UInt8) -> Bool {
        let bit: UInt64 = 1 << UInt64(piece % 64)
        let isNew: Bool
        switch piece / 64 {
        case 0: (isNew, words.0) = (words.0 & bit == 0, words.0 | bit)
        case 1: (isNew, words.1) = (words.1 & bit == 0, words.1 | bit)
        case 2: (isNew, words.2) = (words.2 & bit == 0, words.2 | bit)
        default: (isNew, words.3) = (words.3 & bit == 0, words.3 | bit)
        }
        if isNew { count += 1 }
        return isNew
    }
}
