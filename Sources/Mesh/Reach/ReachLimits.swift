internal import Wire

/// The numbers of the search for straight paths.
enum ReachLimits {
    /// Candidates that one end tells and the other heeds.
    static let candidates = 8
    /// Probes that go to one endpoint, before it has answered any, in `memory`.
    static let probesOfEndpoint = 3
    /// When they go, from the moment in which a candidate is known; each next candidate a `stagger` later. Both ends begin within the
    /// time that a message takes through relays, so the last one finds the other's router open even where that is long.
    static let schedule: [Interval] = [.zero, .milliseconds(250), .milliseconds(1000)]
    static let stagger: Interval = .milliseconds(33)
    /// Between two probes to where a challenge came from.
    static let echoPause: Interval = .milliseconds(20)
    /// How long after the last probe a search counts as one that may still come to something.
    static let lateness: Interval = .seconds(1)
    /// How long an answer is believed.
    static let patience: Interval = .seconds(3)
    /// How long it is remembered that an endpoint was probed.
    static let memory: Interval = .seconds(55)
    /// Endpoints of which it is remembered, for one session: no more of them are probed in that time.
    static let endpointsOfSession = 16
    /// Between two searches while there is nothing but the way through relays and it is used.
    static let pause: Interval = .seconds(60)
    /// How often that is doubled at most for a peer without traffic.
    static let doublings = 4
    /// How long after the last data that is.
    static let interest: Interval = .seconds(60)
    /// When candidates are told again where nothing was heard of the other end's.
    static let repeats: [Interval] = [.milliseconds(700), .seconds(2), .seconds(5)]
    /// Between two answers to the other end's candidates.
    static let answerPause: Interval = .milliseconds(100)
    /// Between two times that the other end of a straight path is told that this one may be elsewhere as well.
    static let renewalPause: Interval = .seconds(1)
    /// How often a neighbour's change of mind about where this box is is heeded: at once, and then one each so long.
    static let changes = (burst: 4, every: Interval.seconds(5))
    /// A path is turned to for its time alone where it takes that much less, in hundredths and at least.
    static let gain: (percent: Int64, least: Interval) = (20, .milliseconds(10))
    /// How often a path that was found so is asked for a sign of life, so that routers keep it open (RFC 4787 REQ-5: two minutes, but
    /// 30 s are met), and for how long after the last data.
    static let keepOpen: Interval = .seconds(20)
    static let keptFor: Interval = .seconds(180)
    /// How often a neighbour is asked for a sign of life through a router that may forget this box, and for how long after traffic.
    static let watch: Interval = .milliseconds(1500)
    static let watchedFor: Interval = .seconds(120)
}
