package import Wire

/// How many ICMPv6 errors are sent: of each destination that they are about, and of all together (RFC 4443 section 2.4 (f)). With
/// one limit alone, packets to a single destination that is not reached would silence what there is to say of all others.
///
/// Destinations share places of a table by their hash, which nobody else can reckon (`Hasher` is seeded anew in each
/// process): two in one place share its limit, and no number of destinations takes more memory.
package struct ErrorLimit: Sendable {
    /// By the destination's hash: allocated once.
    private var places: [TokenBucket]
    private var all: TokenBucket

    /// The defaults answer each packet of a traceroute or of a failed connection, and keep a flood to 64 KB a second for a
    /// destination and 1.3 MB in all, which goes no further than this machine's kernel and the networks behind it.
    /// - Parameter slots: a power of two.
    package init(
        each: TokenBucket = TokenBucket(rate: 50, burst: 50), all: TokenBucket = TokenBucket(rate: 1000, burst: 500),
        slots: Int = 256
    ) {
        precondition(slots > 0 && slots & (slots - 1) == 0, "a power of two")
        places = [TokenBucket](repeating: each, count: slots)
        self.all = all
    }

    /// Whether one more may be sent that is about a packet to `destination`.
    package mutating func take(for destination: IPv6Address, now: Instant) -> Bool {
        let place = destination.hashValue & (places.count - 1)
        guard places[place].hasToken(now: now), all.take(now: now) else { return false }
        return places[place].take(now: now)
    }
}
