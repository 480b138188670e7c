internal import Wire

/// How often each source may ask for work: a bucket for each, hashed into a fixed table, so that no number of sources makes it grow.
/// Those that meet in a place share it; a seed decides where, which nobody else knows.
struct SourceLimit {
    private var buckets: [TokenBucket]
    private let seed: UInt64

    /// `burst` at once and then one each `interval`, for each source.
    init(places: Int, burst: Int, every interval: Interval, seed: UInt64) {
        precondition(places > 0, "a table has places")
        buckets = [TokenBucket](repeating: TokenBucket(burst: burst, every: interval), count: places)
        self.seed = seed
    }

    mutating func take(_ source: UInt64, now: Instant) -> Bool {
        buckets[Self.place(source, of: buckets.count, seed)].take(now: now)
    }

    /// Where a source lies in a table of so many places.
    static func place(_ source: UInt64, of count: Int, _ seed: UInt64) -> Int {
        // The finaliser of splitmix64: sources that differ in a bit lie anywhere.
        var mixed = (source ^ seed) &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(count))
    }
}

extension IPv6Address {
    /// What counts as one source on a link, where all have the same /64: the address itself.
    var linkSource: UInt64 { high &* 0x9E37_79B9_7F4A_7C15 ^ low }
    /// What counts as one source elsewhere: an IPv4 address, or the /64 that one host has of IPv6.
    var wideSource: UInt64 { mappedIPv4 != nil ? low : high }
}
