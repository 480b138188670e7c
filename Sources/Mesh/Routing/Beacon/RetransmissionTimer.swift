internal import Wire

/// How long to wait for an acknowledgement: the smoothed round-trip time and four deviations, doubled with each
/// silence (RFC 6298 sections 2 and 5). Serial numbers are never used twice, so every sample is unambiguous.
struct RetransmissionTimer {
    private var smoothed: Interval?
    private var deviation = Interval.zero
    private var doublings = 0

    static let initial = Interval.milliseconds(250)
    static let shortest = Interval.milliseconds(30)
    static let longest = Interval.seconds(4)
    /// Silences in a row after which the neighbour is thought to be gone.
    static let suspiciousDoublings = 4
    private static let mostDoublings = 6

    var timeout: Interval {
        let base = smoothed.map { $0 + max(deviation * 4, .milliseconds(10)) } ?? Self.initial
        return min(max(base, Self.shortest) * (1 << Int64(doublings)), Self.longest)
    }

    var isSuspicious: Bool { doublings >= Self.suspiciousDoublings }

    mutating func measured(_ sample: Interval) {
        if let smoothed {
            let error = sample - smoothed
            let size = error < .zero ? Interval.zero - error : error
            deviation = deviation + (size - deviation) / 4
            self.smoothed = smoothed + error / 8
        } else {
            smoothed = sample
            deviation = sample / 2
        }
        doublings = 0
    }

    mutating func heard() { doublings = 0 }
    mutating func backOff() { doublings = min(doublings + 1, Self.mostDoublings) }
}
