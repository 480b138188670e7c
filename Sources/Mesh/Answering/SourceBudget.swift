internal import INET256
internal import Wire

/// How often each source may ask for work or an answer: a bucket for each IPv4 address and each IPv6 /64, hashed into a
/// fixed table, so that no number of sources makes it grow. Those that meet in a place share it; where, a seed decides that
/// nobody else knows.
struct SourceBudget {
    private var buckets: [TokenBucket]
    private let seed: UInt64

    /// `burst` at once and then one each `interval`, for each source.
    init(places: Int = 1024, burst: Int, every interval: Interval, seed: UInt64) {
        precondition(places > 0, "a table has places")
        buckets = [TokenBucket](repeating: TokenBucket(burst: burst, every: interval), count: places)
        self.seed = seed
    }

    mutating func take(_ source: UInt64, now: Instant) -> Bool {
        // The finaliser of splitmix64: sources that differ in a bit lie anywhere.
        var mixed = (source ^ seed) &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return buckets[Int((mixed ^ (mixed >> 31)) % UInt64(buckets.count))].take(now: now)
    }
}

extension Endpoint {
    /// What counts as one source: an IPv4 address, or the /64 that one host has of IPv6.
    var sourceKey: UInt64 {
        address.mappedIPv4 != nil ? address.low : address.high
    }
}
