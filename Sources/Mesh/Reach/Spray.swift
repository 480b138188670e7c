internal import INET256
package import Wire

/// The numbers of a spray: how two ends meet of which one's router gives each destination another port, and the other's lets nobody in
/// but whom it has sent to.
///
/// So many ports are opened there, and so many tried here, that by chance one of them is the same: with 256 of 64,512 ports open,
/// 512 tries miss all of them in 13 of 100 cases.
package enum SprayLimits {
    /// Ports that the end opens whose router is symmetric: sockets, for `patience` at most.
    package static let ports = 256
    /// Ports that the other end tries, each once.
    package static let probes = 512
    /// Which ports those are: what a router gives that keeps low ports for low ports (RFC 4787 section 4.2.2).
    package static let range: ClosedRange<UInt16> = 1024...65535
    /// Between two datagrams that open a port: 250 a second.
    static let openPause: Interval = .milliseconds(4)
    /// Between two tries: 125 a second, which no link and no table of a router minds.
    static let probePause: Interval = .milliseconds(8)
    /// How long ports stay open, and how long an echo is waited for.
    package static let patience: Interval = .seconds(10)
    /// When the other end is told that they are, from when they are.
    static let calls: [Interval] = [.zero, .milliseconds(500), .milliseconds(1500)]
    /// Answers to what came by a port that is open: who asks more has had its chance.
    static let answers = 16
    /// Before the same other end, or the same address whoever names it, is sprayed again.
    package static let rest: Interval = .seconds(600)
    /// Sprays of a box in that time.
    package static let mostInRest = 16
    /// How long a search may be over that it follows.
    static let afterSearch: Interval = .seconds(20)
}

/// One spray, of one session: what is to be sent and when, and what of what comes proves a path. Pure, like the search that it follows.
struct Spray {
    enum Role: Equatable {
        /// This end's router is symmetric: ports are opened towards the one endpoint that the other end has outside.
        case opens(to: Endpoint)
        /// The other end's is: ports of its address are tried.
        case tries(at: IPv6Address)
    }

    enum Step: Equatable {
        /// A challenge with this number goes to an endpoint, by the next port or by the usual one.
        case challenge(UInt64, Path)
        /// The other end is told that ports are open.
        case call
    }

    let remote: Address
    let role: Role
    let began: Instant
    /// When there is something to do.
    private(set) var next: Instant
    /// Datagrams that went out.
    private(set) var sent = 0
    private var calls = 0
    private var answers = 0
    /// What challenges of an end that opens have in them: whatever port they leave by, they go to one endpoint.
    private let number: UInt64
    /// What went to each port that was tried, so that an echo proves the endpoint that it comes from.
    private var numbers: [UInt16: UInt64] = [:]

    init(_ remote: Address, _ role: Role, number: UInt64, _ now: Instant) {
        self.remote = remote
        self.role = role
        self.number = number
        began = now
        // The driver opens sockets after the turn in which it hears that they are wanted.
        next = now + SprayLimits.openPause
    }

    /// Nothing is sent, and no echo believed, from then on.
    var end: Instant { began + SprayLimits.patience }

    /// What is due now: one datagram each time, since those of one instant would leave together. `draw` gives random numbers.
    mutating func takeStep(_ now: Instant, draw: () -> UInt64) -> Step? {
        guard now >= next, now < end else { return nil }
        switch role {
        case .opens(let endpoint):
            guard sent < SprayLimits.ports else { return takeCall(now) }
            sent += 1
            next = now + SprayLimits.openPause
            return .challenge(number, Path(remote: endpoint, socket: Path.spraySocket))
        case .tries(let address):
            sent += 1
            next = sent < SprayLimits.probes ? now + SprayLimits.probePause : end
            let port = drawPort(draw)
            let number = draw()
            numbers[port] = number
            return .challenge(number, Path(remote: Endpoint(address: address, port: port), socket: Path.anySocket))
        }
    }

    private mutating func takeCall(_ now: Instant) -> Step {
        calls += 1
        next =
            calls < SprayLimits.calls.count
            ? now + (SprayLimits.calls[calls] - SprayLimits.calls[calls - 1]) : end
        return .call
    }

    /// One that was not tried yet. Fewer than one draw in a hundred is in vain.
    private func drawPort(_ draw: () -> UInt64) -> UInt16 {
        let range = SprayLimits.range
        while true {
            let port = range.lowerBound + UInt16(truncatingIfNeeded: draw() % UInt64(range.count))
            if numbers[port] == nil { return port }
        }
    }

    /// A challenge of the other end came from an endpoint: what to ask back by the very port, where ports were opened for it.
    mutating func answer(to endpoint: Endpoint, _ now: Instant) -> UInt64? {
        guard case .opens(endpoint) = role, now < end, answers < SprayLimits.answers else { return nil }
        answers += 1
        return number
    }

    /// Whether an echo proves the endpoint that it comes from.
    func isProven(by echo: UInt64, from endpoint: Endpoint, _ now: Instant) -> Bool {
        guard now < end else { return false }
        return switch role {
        case .opens(let place): sent > 0 && place == endpoint && echo == number
        case .tries(let address): address == endpoint.address && numbers[endpoint.port] == echo
        }
    }
}

/// The sprays of a box: one at a time, few in ten minutes, and none twice to one place in that time, whoever names it.
struct Sprays {
    /// The configuration says so.
    var isWanted = false
    private(set) var current: Spray?
    /// Whom and what not to spray again, and until when. At most `SprayLimits.mostInRest`.
    private var rests: [(remote: Address, address: IPv6Address, until: Instant)] = []

    func current(with remote: Address) -> Spray? { current?.remote == remote ? current : nil }

    /// Whether one may begin.
    func mayBegin(with remote: Address, at address: IPv6Address, _ now: Instant) -> Bool {
        if let current, now < current.end { return false }
        let held = rests.filter { now < $0.until }
        return held.count < SprayLimits.mostInRest && !held.contains { $0.remote == remote || $0.address == address }
    }

    mutating func begin(_ spray: Spray, at address: IPv6Address, _ now: Instant) {
        rests.removeAll { now >= $0.until }
        rests.append((spray.remote, address, now + SprayLimits.rest))
        current = spray
    }

    mutating func takeStep(_ now: Instant, draw: () -> UInt64) -> Spray.Step? { current?.takeStep(now, draw: draw) }

    mutating func answer(to endpoint: Endpoint, _ now: Instant) -> UInt64? { current?.answer(to: endpoint, now) }

    mutating func end() { current = nil }
}
