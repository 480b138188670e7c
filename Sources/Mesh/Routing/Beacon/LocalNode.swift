internal import INET256
internal import Wire

/// A node of this box that beacon routing announces.
struct LocalNode {
    let key: PrivateKey
    private(set) var beacon: Beacon
    /// When the next regular beacon is due.
    private var regular: Instant
    private var requested: TokenBucket
    /// A sequence number that was asked for or must be outdone, not yet granted.
    private var wanted: UInt64 = 0

    init(key: PrivateKey, sequence: UInt64, purpose: String, limits: BeaconNetLimits, now: Instant) {
        self.key = key
        requested = TokenBucket(burst: limits.requestedBeacons.burst, every: limits.requestedBeacons.every)
        beacon = Beacon(
            signedBy: key, sequence: sequence, lifetime: limits.beaconLifetime, purpose: purpose, now: now)
        regular = now + Self.wait(for: beacon, interval: limits.beaconInterval)
    }

    /// When `renew` wants to be called.
    var deadline: Instant {
        // There is no next beacon; nobody lives to see it.
        guard beacon.sequence < BeaconNetLimits.highestSequence else { return .distantFuture }
        return wanted > beacon.sequence ? min(regular, requested.nextToken) : regular
    }

    /// Somebody needs a beacon at least as new as `sequence`. At once if the rate allows it, else later.
    mutating func want(_ sequence: UInt64) {
        wanted = max(wanted, min(sequence, BeaconNetLimits.highestSequence))
    }

    /// Makes the next beacon if one is due; whether it did.
    mutating func renew(purpose: String, limits: BeaconNetLimits, now: Instant) -> Bool {
        guard deadline <= now else { return false }
        if wanted > beacon.sequence { _ = requested.take(now: now) }
        beacon = Beacon(
            signedBy: key, sequence: max(beacon.sequence + 1, wanted), lifetime: limits.beaconLifetime,
            purpose: purpose, now: now)
        regular = now + Self.wait(for: beacon, interval: limits.beaconInterval)
        return true
    }

    /// The beacon that takes this node back.
    func withdrawal(purpose: String, now: Instant) -> Beacon {
        Beacon(
            signedBy: key, sequence: min(max(beacon.sequence, wanted) + 1, BeaconNetLimits.highestSequence),
            lifetime: 0,
            purpose: purpose, now: now)
    }

    /// The interval less up to an eighth, which the address and the sequence number choose (the finalizer of
    /// SplitMix64): boxes that started together drift apart.
    private static func wait(for beacon: Beacon, interval: Interval) -> Interval {
        var mixed = beacon.address.raw.words.3 ^ beacon.sequence
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        mixed ^= mixed >> 31
        return interval - Interval(nanoseconds: Int64(mixed % 1024) * (interval.nanoseconds / 8 / 1024))
    }
}
