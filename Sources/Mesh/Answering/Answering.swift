internal import INET256
internal import Wire

/// What a box has to do with those it does not know yet: calls that it answered and that were never finished, data that overtook
/// the end of its handshake, cookies, and budgets of work and of answers. All of it is a stranger's: few, small, and
/// forgotten first. It says what its owner is to do, and sends nothing itself.
struct Answering {
    private let limits: MeshLimits
    /// Calls that were answered and not finished, oldest first.
    private(set) var responses: [Response] = []
    let overtaken = Overtaken()
    private var jar: CookieJar
    private var budget: StrangerBudget
    /// Addresses at which somebody proved an identity in this run, or may be whom the configuration names.
    private var acquainted = AddressMemory()

    init(limits: MeshLimits, random: any RandomSource, now: Instant) {
        self.limits = limits
        jar = CookieJar(random: random, now: now)
        budget = StrangerBudget(limits: limits, random: random, now: now)
    }

    /// A new turn of the driver's loop: work is budgeted per turn.
    mutating func beginTurn() { budget.beginTurn() }

    /// A handshake message came in, whatever it is worth.
    mutating func noteArrival(_ now: Instant) { budget.noteArrival(now) }

    /// Whether what a stranger's daemon says is listened to now.
    mutating func takesService(_ now: Instant) -> Bool { budget.takeService(now) }

    /// Whether a handshake message may be worked on now.
    mutating func takeWork(isExpected: Bool) -> Bool { budget.takeWork(isExpected: isExpected) }

    // MARK: Calls

    /// What a call is worth.
    enum Verdict {
        /// It was answered before: this again.
        case repeated([UInt8])
        /// Who called has to prove first that it receives: this is how it can.
        case demand([UInt8])
        /// It may cost work.
        case answer
        case overBudget
    }

    /// Judges a call to `local` whose mac1 is right. `isExpected`: it comes from where a configured peer is said to be.
    mutating func judge(
        _ call: InitiationMessage, to local: BoxNode, from arrival: Arrival, isExpected: Bool, now: Instant
    ) -> Verdict {
        // By mac1, which covers all that was answered: one that was altered on the way does not take the place of the
        // genuine one.
        let mac1 = call.mac1
        if let known = responses.first(where: { $0.local === local && $0.mac1 == mac1 }) {
            if known.path?.remote != arrival.path?.remote { known.wentElsewhere = true }
            return .repeated(known.message)
        }
        let source = arrival.sourceKey
        let mustShow = budget.mustShow(source, now)
        if mustShow, !jar.admits(call, from: arrival.ingress, now: now) {
            return .demand(jar.reply(to: call, from: arrival.ingress, keys: local.keys, now: now))
        }
        if mustShow, !isExpected, !budget.takeProven(source, now) { return .overBudget }
        return takeWork(isExpected: isExpected) ? .answer : .overBudget
    }

    /// Keeps an answered call until it is finished. Gives back the one that had to make room: the oldest of strangers, a
    /// peer's only for want of one.
    mutating func keep(_ response: Response) -> Response? {
        var victim: Response?
        if responses.count >= limits.maximumResponses {
            victim = responses.remove(at: responses.firstIndex { !$0.isExpected } ?? 0)
        }
        responses.append(response)
        return victim
    }

    /// It was finished.
    mutating func remove(_ response: Response) { responses.removeAll { $0 === response } }

    /// Gives back those that were answered in the name of a node that is no more.
    mutating func removeAll(of local: BoxNode) -> [Response] { removeAll { $0.local === local } }

    /// Gives back those that nobody finished in time.
    mutating func expire(_ now: Instant) -> [Response] {
        let lifetime = limits.responseLifetime
        return removeAll { now - $0.created >= lifetime }
    }

    private mutating func removeAll(where isGone: (Response) -> Bool) -> [Response] {
        let gone = responses.filter(isGone)
        if !gone.isEmpty { responses.removeAll(where: isGone) }
        return gone
    }

    // MARK: Hints

    /// Somebody there proved an identity, or may be whom the configuration names.
    mutating func acquaint(_ address: IPv6Address) { acquainted.note(address) }

    /// Whether who sent to an index that is nobody's is told so: rate-limited, and for those alone who may be meant. To whoever
    /// looks for boxes, none shows.
    mutating func mayHint(_ arrival: Arrival, isExpected: Bool, now: Instant) -> Bool {
        if let path = arrival.path, !isExpected, !acquainted.contains(path.remote.address) { return false }
        return budget.takeHint(arrival.sourceKey, now)
    }
}
