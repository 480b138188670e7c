internal import Wire

/// What went through a session, and when.
struct SessionTraffic {
    let created: Instant
    private(set) var lastSent: Instant = .distantPast
    private(set) var lastReceived: Instant = .distantPast
    /// Messages and relayed datagrams, not keepalives: what decides whether the session is in use.
    private(set) var lastDataSent: Instant = .distantPast
    private(set) var lastDataReceived: Instant = .distantPast
    /// When data was first sent through relays that nothing has come back for; a direct path has a `life` of its own.
    private(set) var unansweredSince: Instant = .distantFuture

    private(set) var receivedBytes: UInt64 = 0
    private(set) var receivedDatagrams: UInt64 = 0
    private(set) var sentBytes: UInt64 = 0
    private(set) var sentDatagrams: UInt64 = 0
    /// Datagrams of `PathSize.largePayload` and more that are no probes and no talk of the routing algorithm.
    private(set) var sentLarge: UInt64 = 0

    /// Of the bytes, how many are counted as of one kind of path or the other.
    private var attributed: UInt64 = 0

    init(_ now: Instant) { created = now }

    /// Bytes in and out since this was last asked.
    mutating func takeUnattributed() -> UInt64 {
        let all = receivedBytes &+ sentBytes
        defer { attributed = max(attributed, all) }
        return all > attributed ? all - attributed : 0
    }

    var lastData: Instant { max(lastDataSent, lastDataReceived) }
    /// When something last came, or when the session began.
    var lastHeard: Instant { max(created, lastReceived) }
    var everSentData: Bool { lastDataSent != .distantPast }

    // MARK: In

    /// Something authentic of `bytes` came.
    @inline(__always)
    mutating func received(_ bytes: Int, _ now: Instant) {
        lastReceived = now
        receivedBytes &+= UInt64(bytes)
        receivedDatagrams &+= 1
        unansweredSince = .distantFuture
    }

    @inline(__always)
    mutating func receivedData(_ now: Instant) { lastDataReceived = now }

    /// A handshake ended: the other end is there.
    mutating func agreed(_ now: Instant) {
        lastReceived = now
        unansweredSince = .distantFuture
    }

    /// Nothing is awaited any more.
    mutating func answered() { unansweredSince = .distantFuture }

    /// Other workers took messages in, the last one at `dataAt`, and what they relayed. True where there are new messages.
    mutating func receivedElsewhere(_ work: WorkerKeys.Work, _ at: Instant, dataAt: Instant?) -> Bool {
        receivedDatagrams &+= work.received
        receivedBytes &+= work.receivedBytes
        lastReceived = max(lastReceived, at)
        unansweredSince = .distantFuture
        guard let dataAt, dataAt > lastDataReceived else { return false }
        lastDataReceived = dataAt
        return true
    }

    // MARK: Out

    @inline(__always)
    mutating func sent(_ bytes: Int, _ now: Instant) {
        sentBytes &+= UInt64(bytes)
        sentDatagrams &+= 1
        if bytes >= PathSize.largePayload { sentLarge &+= 1 }
        lastSent = now
    }

    @inline(__always)
    mutating func sentData(_ now: Instant) { lastDataSent = now }

    /// Data went through relays. True where an answer is awaited as of now.
    mutating func awaitsAnswer(_ now: Instant) -> Bool {
        guard unansweredSince == .distantFuture else { return false }
        unansweredSince = now
        return true
    }

    /// What was sent since there were `count` large datagrams was no data.
    mutating func discountLarge(since count: UInt64) { sentLarge = count }

    /// Workers sent messages by lanes.
    mutating func sentElsewhere(_ work: WorkerKeys.Work, _ at: Instant) {
        sentDatagrams &+= work.sent
        sentBytes &+= work.sentBytes
        sentLarge &+= work.sentLarge
        lastSent = max(lastSent, at)
        lastDataSent = max(lastDataSent, at)
    }

    /// Takes back what was counted as sent and did not leave the machine.
    mutating func unsend(datagrams: Int, bytes: Int) {
        sentDatagrams -= min(sentDatagrams, UInt64(clamping: datagrams))
        sentBytes -= min(sentBytes, UInt64(clamping: bytes))
    }
}
