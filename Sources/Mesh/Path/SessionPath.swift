internal import INET256
internal import Wire

/// A session's own way over UDP, and all that is known of it: where it leads and whether that is proven (`DirectPath`), whether
/// it carries anything both ways (`PathLife`), what size gets through (`PathSize`), and what it counts as among others
/// (`LinkCost`). It says what its owner is to send; nothing of it is written elsewhere.
struct SessionPath {
    /// Where it leads; nil while there is none.
    private(set) var direct: DirectPath?
    /// Does it answer?
    private(set) var isAlive = false
    private(set) var size = PathSize()
    /// The size that was last told to those above.
    private var sizeTold = PathSize.base
    private(set) var cost = LinkCost()
    /// It lives, but loses so much that data goes by relays, as the routing algorithm says.
    private(set) var isAvoided = false
    /// It was found by probing: routers on the way forget it unless something goes by it now and then.
    private(set) var isKeptOpen = false
    /// When it last became another one, or none.
    private(set) var changed: Instant = .distantPast
    private var ports = PortTable()

    /// A path that loses much is asked this often, to notice soon that it is good again.
    private static let badLinkInterval: Interval = .seconds(1)

    var isInUse: Bool { isAlive && direct != nil }
    var isProven: Bool { direct?.validated == true }
    /// When it wants to be asked for a sign of life.
    var nextQuestion: Instant? { direct?.life.nextQuestion }

    /// Whether what came by this path came by the session's own.
    @inline(__always)
    func isOwn(_ path: Path?) -> Bool {
        guard let path, let direct else { return false }
        return direct.path.remote == path.remote && ports.areOne(direct.path, path)
    }

    /// Whether it leads to where what comes from there shows that datagrams arrive.
    var isProvenByArrival: Bool { direct.map { ports[$0.path].provesWayBack } == true }

    /// Bytes that a datagram costs beneath it there.
    func overhead(of path: Path) -> Int { ports.overhead(of: path) }

    mutating func setPorts(_ ports: PortTable) { self.ports = ports }

    // MARK: What goes out

    /// The way for `bytes` of traffic, if there is one.
    @inline(__always)
    mutating func route(_ bytes: Int) -> Path? { direct?.route(bytes) }

    /// Whether `bytes` may go to an endpoint of which it is not proven that it receives; true where it is the path of others.
    mutating func admit(_ bytes: Int, to path: Path, isProof: Bool = false) -> Bool {
        guard isOwn(path) else { return true }
        return direct?.admit(bytes, isProof: isProof) != false
    }

    /// Data goes out. True when it wants to be asked for a sign of life sooner for that.
    @inline(__always)
    mutating func sentData(_ now: Instant, _ limits: MeshLimits) -> Bool { direct?.life.sentData(now, limits) == true }

    /// The kernel sent nothing by it.
    mutating func refused(_ now: Instant) { direct?.life.refused(now) }

    /// The kernel says that a packet of `size` bytes is too large.
    mutating func tooLarge(_ size: Int, _ now: Instant) { self.size.failed(size, now) }

    /// The local address that it used is gone.
    mutating func forgetSource() { direct?.forgetSource() }

    /// The machine's network changed: the source is chosen anew, and a sign of life wanted at once.
    mutating func surroundingsChanged(_ now: Instant) {
        direct?.forgetSource()
        direct?.life.hurry(now)
    }

    // MARK: What comes in

    /// A handshake of `bytes` came by `path`. Where it is not proven that the endpoint receives, a challenge is to find out.
    mutating func turn(to path: Path, isProven: Bool, bytes: Int, challenge: UInt64, now: Instant) {
        let isProven = isProven || ports[path].provesWayBack
        let old = direct?.path
        defer { if let old, !ports.haveOneSize(old, path) { restartSize(now) } }
        if isOwn(path) {
            if isProven { direct?.prove(path) } else { _ = direct?.observe(path, bytes: bytes, newest: false) }
        } else if isProven {
            direct = DirectPath(path, validated: true)
        } else {
            if direct == nil { direct = DirectPath(path, validated: false) }
            direct?.move(to: path, bytes: bytes, challenge: challenge, now: now)
        }
    }

    /// Turns to another endpoint, which is to echo a challenge. True when a sign of life is wanted of it.
    mutating func move(to path: Path, bytes: Int, challenge: UInt64, now: Instant) -> Bool {
        if ports[path].provesWayBack {
            direct = DirectPath(path, validated: true)
            direct?.life = PathLife(now)
        } else {
            if direct == nil { direct = DirectPath(path, validated: false) }
            direct?.move(to: path, bytes: bytes, challenge: challenge, now: now)
        }
        isKeptOpen = false
        restartSize(now)
        return hear(now)
    }

    /// It was found by a search.
    mutating func staysOpen() { isKeptOpen = true }

    /// Turns to what answered a probe, which proves it.
    mutating func promote(to path: Path, _ now: Instant) {
        direct = DirectPath(path, validated: true)
        direct?.life = PathLife(now)
        isKeptOpen = true
        changed = now
        restartSize(now)
    }

    /// What something authentic says about the path.
    enum Hearing {
        case noted
        /// It came by the path, which is given up: whether it lives again is asked for.
        case wantsSign
        /// It came from a new endpoint: the path is to be moved there.
        case elsewhere
    }

    /// Something authentic of `bytes` came; `newest`: its counter was the highest of the keys in use.
    @inline(__always)
    mutating func heard(_ from: Path, bytes: Int, newest: Bool, now: Instant) -> Hearing {
        guard direct != nil else { return .elsewhere }
        // A connection to the same endpoint is another way than the socket that led there, or the connection before.
        if newest, let old = direct?.path, old.remote == from.remote, !ports.areOne(old, from) { return .elsewhere }
        if direct?.observe(from, bytes: bytes, newest: newest) == .endpoint { return .elsewhere }
        return isOwn(from) && hear(now) ? .wantsSign : .noted
    }

    /// That something comes does not prove that anything arrives there: where the path is given up, that is asked for.
    @inline(__always)
    private mutating func hear(_ now: Instant) -> Bool {
        direct?.life.hear(now)
        guard !isAlive, isProven else { return false }
        direct?.life.askSoon(now)
        return true
    }

    /// Others took something in that came by it.
    mutating func heardElsewhere(_ at: Instant) { direct?.life.hear(at) }

    /// The echo of a challenge. True when it proves the path.
    mutating func confirm(_ echo: UInt64, from path: Path, _ now: Instant) -> Bool {
        guard direct?.confirm(echo, from: path) == true else { return false }
        restartSize(now)
        return true
    }

    mutating func sizeAnswered(_ number: UInt32, _ now: Instant) { size.answered(number, now) }

    /// The other end says when it last heard anything by the path.
    mutating func told(heardAgo age: Interval, _ now: Instant, _ limits: MeshLimits) {
        direct?.life.told(heardAgo: age, now, limits)
    }

    /// An answer came by `path`. True when it is one to a question of the session's own path. `lastData`: when data last came in.
    mutating func answered(
        _ id: UInt64, by path: Path?, lastData: Instant, isLink: Bool, _ now: Instant, _ limits: MeshLimits
    ) -> Bool {
        let waitingSince = direct?.life.waitingSince ?? .distantFuture
        guard isOwn(path), direct?.life.answered(id, now, limits, isLink: isLink) == true else { return false }
        if isAlive, waitingSince != .distantFuture, lastData < waitingSince {
            // The path lives and no data comes back: perhaps only what was found to fit does not get through any more.
            size.suspect(now)
        }
        keepOpen(now)
        return true
    }

    // MARK: Life

    /// It made a round trip. True when it was dead before, or new.
    mutating func answers(_ now: Instant, _ limits: MeshLimits, isLink: Bool) -> Bool {
        let isNew = !isAlive
        if isNew {
            isAlive = true
            changed = now
            restartSize(now)
            direct?.life.restart(now)
        }
        direct?.life.proven(now, limits, isLink: isLink)
        keepOpen(now)
        return isNew
    }

    /// It does not answer any more.
    mutating func died(_ now: Instant) {
        isAlive = false
        changed = now
        direct?.life.end(now)
        direct?.life.askSoon(now)
    }

    /// It has been closed beneath: there is none any more.
    mutating func closed() {
        isAlive = false
        direct = nil
    }

    /// The other end has gone.
    mutating func stopped() { isAlive = false }

    /// A sign of life is wanted soon.
    mutating func askSoon(_ now: Instant) { direct?.life.askSoon(now) }

    /// A sign of life is wanted by then at the latest.
    mutating func ask(by instant: Instant) { direct?.life.ask(by: instant) }

    enum LifeStep {
        case wait, ask, die
        /// It is dead and nobody needs it: nobody asks, and nothing is due.
        case rest
    }

    /// What is due about its life. While it is dead it is asked whether it lives again where it `isNeeded`.
    /// `isUsed`: one that routers have to keep open is wanted. `hasSpare`: there is another way at hand.
    func lifeStep(
        _ now: Instant, _ limits: MeshLimits, isNeeded: Bool, isUsed: Bool, hasSpare: Bool
    ) -> LifeStep {
        guard let direct, direct.validated else { return .wait }
        if isAlive, isIdlyOpen(isUsed: isUsed), now >= direct.life.nextQuestion { return .rest }
        guard isAlive else { return now < direct.life.nextQuestion ? .wait : isNeeded ? .ask : .rest }
        return switch direct.life.step(now, limits, hasSpare: hasSpare) {
        case .wait: .wait
        case .ask: .ask
        case .dead: .die
        }
    }

    /// It is asked for nothing but to stay open, and nobody uses it.
    func isIdlyOpen(isUsed: Bool) -> Bool {
        isKeptOpen && !isUsed && direct?.life.waitingSince == .distantFuture && direct?.life.unanswered == 0
    }

    /// Routers on the way are to keep it open.
    mutating func keepOpen(_ now: Instant) {
        if isKeptOpen { direct?.life.ask(by: now + ReachLimits.keepOpen) }
    }

    /// A question with this number goes out by it.
    mutating func asked(_ id: UInt64, _ now: Instant, _ limits: MeshLimits) {
        if isAlive { direct?.life.ask(id, now, limits) } else { direct?.life.askWhileDead(id, now, limits) }
    }

    // MARK: Worth

    /// Of a thousand questions, how many get no answer. Nil where there is no path.
    var lossPermille: Int? { direct?.life.lossPermille }

    /// Weighs what it loses. True when it counts as something else now.
    mutating func weigh(_ now: Instant) -> Bool {
        guard let lossPermille else { return false }
        return cost.note(missedPermille: lossPermille, now)
    }

    /// One that data goes around is asked often enough to notice soon that it is good again.
    mutating func watchIfBad(_ now: Instant) {
        if cost.cost > 1 { direct?.life.ask(by: now + Self.badLinkInterval) }
    }

    /// Whether data goes around it.
    mutating func setAvoided(_ isAvoided: Bool) { self.isAvoided = isAvoided }

    // MARK: Time

    enum ProofStep {
        case none
        case challenge(UInt64, Path)
        /// The endpoint never answered and there is none to go back to.
        case lost
    }

    /// What is due about its proof.
    mutating func serveProof(_ now: Instant) -> ProofStep {
        switch direct?.tick(now) {
        case .send:
            guard let direct else { return .none }
            return .challenge(direct.challenge, direct.path)
        case .returned:
            restartSize(now)
            return .none
        case .lost:
            if isAlive { return .lost }
            direct = nil
            return .none
        case .wait, nil:
            return .none
        }
    }

    /// When a challenge is due; nil where nothing is to be proven.
    var proofDeadline: Instant? { isProven ? nil : direct?.challengeAt }

    /// The size that is to be probed now, in bytes of an IP packet, and where; nil where none is due. `large`: datagrams that went
    /// out and were no probes.
    mutating func serveSize(_ now: Instant, large: UInt64) -> (size: Int, path: Path)? {
        guard let direct else { return nil }
        let life = direct.life
        let due = size.tick(
            now, large: large, answeredTo: life.answeredTo, roundTrip: life.roundTrip ?? .zero,
            missedPermille: life.mostMissedPermille)
        // A small datagram behind each: if that is answered and the probe is not, it was its size.
        if size.wantsEvidence { self.direct?.life.askSoon(now) }
        return due.map { ($0, direct.path) }
    }

    /// Looks for the size anew, or knows it where the port says it.
    private mutating func restartSize(_ now: Instant) {
        guard let path = direct?.path, case .fixed(let bytes) = ports[path].sizes else { return size.restart(now) }
        size.restart(fixedAt: bytes + ports.overhead(of: path))
    }

    /// Whether the size that is in use has not been told above.
    mutating func isNewlySized() -> Bool {
        guard size.isSettled, size.confirmed != sizeTold else { return false }
        sizeTold = size.confirmed
        return true
    }
}
