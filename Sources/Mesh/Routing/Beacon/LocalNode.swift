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
    private(set) var rivalry = Rivalry()

    init(key: PrivateKey, sequence: UInt64, purpose: String, limits: BeaconNetLimits, now: Instant) {
        self.key = key
        requested = TokenBucket(burst: limits.requestedBeacons.burst, every: limits.requestedBeacons.every)
        beacon = Beacon(
            signedBy: key, sequence: sequence, lifetime: limits.beaconLifetime, purpose: purpose, now: now)
        // The first of many that start together come back at different times.
        let spread = Int64(Self.mixed(beacon) % 1024)
        regular = now + Self.wait(for: beacon, interval: limits.beaconInterval) * (1024 - spread * 3 / 4) / 1024
    }

    /// When `renew` wants to be called.
    var deadline: Instant {
        if rivalry.yields { return rivalry.deadline }
        // There is no next beacon; nobody lives to see it.
        guard beacon.sequence < BeaconNetLimits.highestSequence else { return .distantFuture }
        return wanted > beacon.sequence ? min(regular, requested.nextToken) : regular
    }

    /// Somebody needs a beacon at least as new as `sequence`. At once if the rate allows it, else later.
    mutating func want(_ sequence: UInt64) {
        wanted = max(wanted, min(sequence, BeaconNetLimits.highestSequence))
    }

    /// Somebody waits for the next beacon.
    var isAsked: Bool { wanted > beacon.sequence && !rivalry.yields }

    /// A beacon of this key that is none of ours and not older.
    mutating func outdone(by sequence: UInt64, lifetime: UInt16, now: Instant) {
        guard rivalry.heard(sequence, lifetime: .seconds(Int64(lifetime)), now: now) else { return }
        want(min(sequence, BeaconNetLimits.highestSequence - 1) + 1)
    }

    /// Somebody asks for that beacon. More than the next one nobody can need: who knows a later one will be told, and tell.
    /// True if it will be made.
    mutating func asked(for sequence: UInt64, now: Instant) -> Bool {
        guard sequence == max(beacon.sequence, rivalry.yields ? rivalry.highest : 0) + 1 else { return false }
        if rivalry.yields { rivalry.wanted(now: now) } else { want(sequence) }
        return true
    }

    /// Makes the next beacon, unless there is none.
    mutating func renew(purpose: String, limits: BeaconNetLimits, now: Instant) {
        guard beacon.sequence < BeaconNetLimits.highestSequence else { return }
        if rivalry.yields {
            rivalry.end()
            want(min(rivalry.highest, BeaconNetLimits.highestSequence - 1) + 1)
        }
        if wanted > beacon.sequence { _ = requested.take(now: now) }
        beacon = Beacon(
            signedBy: key, sequence: max(beacon.sequence + 1, wanted), lifetime: limits.beaconLifetime,
            purpose: purpose, now: now)
        regular = now + Self.wait(for: beacon, interval: limits.beaconInterval)
    }

    /// The beacon that takes this node back.
    func withdrawal(purpose: String, now: Instant) -> Beacon {
        Beacon(
            signedBy: key, sequence: min(max(beacon.sequence, wanted) + 1, BeaconNetLimits.highestSequence),
            lifetime: 0,
            purpose: purpose, now: now)
    }

    /// The interval less up to an eighth, which the address and the sequence number choose: boxes that started together
    /// drift apart.
    private static func wait(for beacon: Beacon, interval: Interval) -> Interval {
        interval - Interval(nanoseconds: Int64((mixed(beacon) >> 32) % 1024) * (interval.nanoseconds / 8 / 1024))
    }

    /// The finalizer of SplitMix64 over address and sequence number.
    private static func mixed(_ beacon: Beacon) -> UInt64 {
        var mixed = beacon.address.raw.words.3 ^ beacon.sequence
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}
