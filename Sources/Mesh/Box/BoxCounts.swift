/// What the box counts besides what it drops.
struct BoxCounts {
    /// Handshakes that ended with keys.
    var handshakes: UInt64 = 0
    /// What went through this box for others.
    private(set) var relayedFrames: UInt64 = 0
    private(set) var relayedBytes: UInt64 = 0
    /// How often something was due again in the instant in which it was done, and had to be put off: a fault of this program.
    var stuckDeadlines: UInt64 = 0
    /// What that was, the last time.
    var stuckReason: String?

    mutating func noteRelayed(_ bytes: Int) {
        relayedFrames &+= 1
        relayedBytes &+= UInt64(bytes)
    }
}
