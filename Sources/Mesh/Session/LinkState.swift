internal import Wire

/// What a session is as a link: whether it is one, and what the two ends said to one another about that.
struct LinkState {
    /// Set while the link is up.
    private(set) var neighbour: NeighbourID?
    /// Which run of the other daemon said hello, and whether it accepts a link.
    private(set) var remoteRun: UInt64?
    private(set) var remoteAccepts = false
    /// Where the other end's portal has all nodes, as it said.
    private(set) var remotePrefix: IPv6Prefix?
    private(set) var nextHello: Instant = .distantFuture
    private var helloAt: Instant = .distantPast
    /// Where it was told that its datagrams come from, how often, and when last.
    private var observed: (endpoint: Endpoint, count: Int, at: Instant)?
    /// What the other daemon may say to this one's: a question and its answer, now and then.
    private var services = TokenBucket(burst: 8, every: .milliseconds(250))
    /// When another run was last believed.
    private var runChanged: Instant?

    var isUp: Bool { neighbour != nil }

    // MARK: Up and down

    mutating func up(as neighbour: NeighbourID) {
        self.neighbour = neighbour
        nextHello = .distantFuture
    }

    /// Gives back what it was, if it was up.
    mutating func down() -> NeighbourID? {
        defer { neighbour = nil }
        return neighbour
    }

    /// The path is dead: what the other end said is said anew when it lives again.
    mutating func pathDied() {
        remoteRun = nil
        remoteAccepts = false
        nextHello = .distantFuture
    }

    /// The other end has gone.
    mutating func forget() {
        // Who goes and comes may say no more by it.
        let services = services
        self = LinkState()
        self.services = services
    }

    mutating func takesService(_ now: Instant) -> Bool { services.take(now: now) }

    // MARK: Hellos

    /// A hello is to go out at once.
    mutating func greet(_ now: Instant) { nextHello = now }

    /// The other end has the link and this one has not: what it said was lost. True where a hello is to go out.
    mutating func greetAgain(_ now: Instant) -> Bool {
        guard now - helloAt >= .seconds(1) else { return false }
        nextHello = now
        return true
    }

    mutating func saidHello(_ now: Instant) { helloAt = now }

    /// Whether a hello is due, which goes out now. `accepts`: this end wants the link. Who does not want one only answers.
    mutating func helloIsDue(_ now: Instant, accepts: Bool) -> Bool {
        guard neighbour == nil, now >= nextHello else { return false }
        nextHello = accepts ? now + (remoteRun == nil ? .seconds(1) : .seconds(10)) : .distantFuture
        return true
    }

    enum Hearing { case known, changed, tooSoon }

    /// A hello came. Another run of the daemon has forgotten what this one told it. Nobody restarts several times in a few seconds,
    /// and each time costs the whole mesh: the same is said again until it is believed.
    mutating func heard(_ hello: HelloFrame, spacing: Interval, _ now: Instant) -> Hearing {
        var hearing = Hearing.known
        if let remoteRun, remoteRun != hello.run {
            if let runChanged, now - runChanged < spacing { return .tooSoon }
            runChanged = now
            hearing = .changed
        }
        remoteRun = hello.run
        remoteAccepts = hello.acceptsLink
        return hearing
    }

    /// Whether the other end is to be told now that its datagrams come from there: three times, since nothing acknowledges it, and
    /// then once a minute.
    mutating func tellsObserved(_ endpoint: Endpoint, _ now: Instant) -> Bool {
        guard let told = observed, told.endpoint == endpoint else {
            observed = (endpoint, 1, now)
            return true
        }
        guard told.count < 3 || now - told.at >= .seconds(60) else { return false }
        observed = (endpoint, told.count + 1, now)
        return true
    }

    /// The other end says where its portal has all nodes. True where that is news.
    mutating func heard(_ prefix: IPv6Prefix) -> Bool {
        guard remotePrefix != prefix else { return false }
        remotePrefix = prefix
        return true
    }
}
