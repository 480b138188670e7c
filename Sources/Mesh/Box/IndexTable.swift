internal import Wire

/// Finds what a datagram's 32-bit index stands for, in one array access: the low 20 bits are a place, the rest is
/// random, so an old index does not hit what stands in its place later.
struct IndexTable {
    enum Entry {
        case free
        case attempt(Attempt)
        case response(Response)
        case keypair(Session, Keypair)
    }

    private static let placeBits: UInt32 = 20
    /// Where an index stands in this table, and in others of the same indices.
    static func place(of index: UInt32) -> Int { Int(index & placeMask) }

    private static let placeMask: UInt32 = (1 << placeBits) - 1

    private var indices: [UInt32] = []
    private var entries: [Entry] = []
    private var free: [Int] = []

    /// How many indices stand for something.
    var inUse: Int { entries.count - free.count }

    /// An index that stands for nothing yet, or nil when a million are in use.
    mutating func allocate(_ random: any RandomSource) -> UInt32? {
        let place: Int
        if let reused = free.popLast() {
            place = reused
        } else {
            guard entries.count <= Int(Self.placeMask) else { return nil }
            place = entries.count
            entries.append(.free)
            indices.append(0)
        }
        let index = random.next32() & ~Self.placeMask | UInt32(place)
        indices[place] = index
        return index
    }

    mutating func set(_ index: UInt32, _ entry: Entry) { entries[Int(index & Self.placeMask)] = entry }

    mutating func release(_ index: UInt32) {
        let place = Int(index & Self.placeMask)
        guard place < entries.count, indices[place] == index else { return }
        entries[place] = .free
        // The index itself must not match any more.
        indices[place] = ~index
        free.append(place)
    }

    @inline(__always)
    subscript(index: UInt32) -> Entry {
        let place = Int(index & Self.placeMask)
        guard place < entries.count, indices[place] == index else { return .free }
        return entries[place]
    }
}
