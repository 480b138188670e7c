internal import HeapModule
internal import INET256
internal import Wire

/// What a central server holds: a record for each address, no more than there are places, each for as long as it lives.
///
/// Places of addresses that are kept for (the operator's own) are theirs beside those. A source has a limited number of places, so
/// that whoever would push others out needs as many sources as that takes; where all are taken, who would be forgotten first makes
/// room.
struct CentralTable {
    struct Entry {
        var record: CentralRecord
        var expires: Instant
        var announced: Instant
        /// Where it was announced from, and still answers, as its cookie showed.
        var endpoint: Endpoint
        /// At which of the server's addresses.
        var at: IPv6Address
        /// Whom it has asked for lately: their first eight bytes, the newest last.
        var wanted: [UInt64] = []
        var calledAt: Instant = .distantPast
        fileprivate var sourcePlace: Int
    }

    /// In the order in which they end; what was renewed since stands in it more than once.
    private struct Ending: Comparable {
        var at: Instant
        var address: Address

        static func < (a: Ending, b: Ending) -> Bool { a.at != b.at ? a.at < b.at : a.address < b.address }
    }

    private(set) var entries: [Address: Entry] = [:]
    private var endings = Heap<Ending>()
    private let capacity: Int
    private let kept: Set<Address>
    private var perSource: [UInt16]
    private let seed: UInt64
    /// How many of those that are kept for are there.
    private var keptHere = 0

    static let mostPerSource: UInt16 = 512
    static let mostWanted = 8
    private static let sourcePlaces = 4096

    init(capacity: Int, kept: Set<Address>, seed: UInt64) {
        precondition(capacity > 0, "a table has places")
        self.capacity = capacity
        self.kept = kept
        self.seed = seed
        perSource = [UInt16](repeating: 0, count: Self.sourcePlaces)
    }

    func isKept(_ address: Address) -> Bool { kept.contains(address) }

    /// Forgets what has ended.
    mutating func expire(now: Instant) {
        while let first = endings.min, first.at <= now {
            endings.removeMin()
            if let entry = entries[first.address], entry.expires <= now { remove(first.address) }
        }
    }

    /// False where there is no room for it.
    mutating func put(
        _ record: CentralRecord, from asker: CentralServer.Asker, until expires: Instant, now: Instant
    ) -> Bool {
        let endpoint = asker.endpoint
        let address = record.address
        let place = SourceLimit.place(endpoint.address.wideSource, of: Self.sourcePlaces, seed)
        let old = entries[address]
        if old?.sourcePlace != place {
            guard isKept(address) || perSource[place] < Self.mostPerSource else { return false }
        }
        if old == nil, !isKept(address), entries.count - keptHere >= capacity {
            guard let last = mostPassing(now), last != address else { return false }
            remove(last)
        }
        if let old { perSource[old.sourcePlace] &-= 1 } else if isKept(address) { keptHere += 1 }
        perSource[place] &+= 1
        var entry =
            old
            ?? Entry(
                record: record, expires: expires, announced: now, endpoint: endpoint, at: asker.at, sourcePlace: place)
        entry.record = record
        entry.expires = expires
        entry.announced = now
        entry.endpoint = endpoint
        entry.at = asker.at
        entry.sourcePlace = place
        entries[address] = entry
        endings.insert(Ending(at: expires, address: address))
        if endings.count > 2 * entries.count + 64 { rebuild() }
        return true
    }

    /// Notes whom an announced box asks for.
    mutating func note(_ asker: Address, wants other: Address) {
        let word = Self.word(other)
        entries[asker]?.wanted.removeAll { $0 == word }
        entries[asker]?.wanted.append(word)
        if let count = entries[asker]?.wanted.count, count > Self.mostWanted { entries[asker]?.wanted.removeFirst() }
    }

    func wants(_ asker: Address, _ other: Address) -> Bool {
        entries[asker]?.wanted.contains(Self.word(other)) ?? false
    }

    mutating func noteCall(of address: Address, now: Instant) { entries[address]?.calledAt = now }

    private static func word(_ address: Address) -> UInt64 { address.raw.words.0 ^ address.raw.words.3 }

    /// Who ends first of those that nobody keeps a place for.
    private mutating func mostPassing(_ now: Instant) -> Address? {
        var keptAside: [Ending] = []
        defer { for ending in keptAside { endings.insert(ending) } }
        while let first = endings.min {
            // Renewed since, or gone.
            guard let entry = entries[first.address], entry.expires == first.at else {
                endings.removeMin()
                continue
            }
            if !isKept(first.address) { return first.address }
            endings.removeMin()
            keptAside.append(first)
        }
        return nil
    }

    private mutating func remove(_ address: Address) {
        guard let entry = entries.removeValue(forKey: address) else { return }
        perSource[entry.sourcePlace] &-= 1
        if isKept(address) { keptHere -= 1 }
    }

    private mutating func rebuild() {
        endings = Heap(entries.map { Ending(at: $0.value.expires, address: $0.key) })
    }
}
