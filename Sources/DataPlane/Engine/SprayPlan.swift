internal import Mesh
internal import Wire

/// When the ports of a spray are opened, given up for the one that led somewhere, and closed: on time that is handed in, without any
/// port. One spray comes after another (`Sprays`), and what each led to stays for as long as a session goes by it.
struct SprayPlan {
    private enum State: Equatable {
        case closed
        case open(until: Instant)
        /// A session goes by one of the ports. Another one may have been reached in the same moment: both listen a little longer.
        case settling(until: Instant)
        case kept(lookAt: Instant)
    }

    private struct Line {
        /// Among the worker's lines.
        let place: Int
        var state: State
    }

    enum Step: Equatable {
        /// Many ports give way to the one that is in use.
        case settle(Int)
        case close(Int)
    }

    private var lines: [Line] = []

    /// Sprays and what is left of them, at a time.
    static let most = 8
    /// How long a spray's ports are open when it has led to something.
    static let settling: Interval = .seconds(2)
    /// How often a port that is left is looked at.
    static let look: Interval = .seconds(30)
    /// Fewer ports than that are no spray.
    static let fewest = 32

    /// How many ports to open where so many descriptors are free: most are left to others. 0: none.
    static func count(free: Int) -> Int {
        let count = min(SprayLimits.ports, free / 4)
        return count < fewest ? 0 : count
    }

    /// When to call `tick`.
    var deadline: Instant {
        lines.reduce(.distantFuture) { soonest, line in
            switch line.state {
            case .closed: soonest
            case .open(let at), .settling(let at), .kept(let at): min(soonest, at)
            }
        }
    }

    /// The place of a spray that begins: one that is free again, or `next`; nil where there are enough.
    mutating func open(_ next: Int, _ now: Instant) -> Int? {
        let state = State.open(until: now + SprayLimits.patience)
        if let free = lines.firstIndex(where: { $0.state == .closed }) {
            lines[free].state = state
            return lines[free].place
        }
        guard lines.count < Self.most else { return nil }
        lines.append(Line(place: next, state: state))
        return next
    }

    /// No ports were to be had.
    mutating func failed(_ place: Int) {
        guard let index = lines.firstIndex(where: { $0.place == place }) else { return }
        // A place that there is no line at is nobody's.
        lines.remove(at: index)
    }

    /// The place whose ports are open and lead nowhere yet: what opens one leaves there.
    var searching: Int? {
        lines.first { if case .open = $0.state { true } else { false } }?.place
    }

    /// A session goes by one of the ports there.
    mutating func found(_ place: Int, _ now: Instant) {
        guard let index = lines.firstIndex(where: { $0.place == place }), case .open = lines[index].state else {
            return
        }
        lines[index].state = .settling(until: now + Self.settling)
    }

    /// What is due. `isUsed`: whether a session goes by what is at a place.
    mutating func tick(_ now: Instant, isUsed: (Int) -> Bool) -> [Step] {
        var steps: [Step] = []
        for index in lines.indices {
            let place = lines[index].place
            switch lines[index].state {
            case .closed: continue
            case .open(let until), .settling(let until), .kept(let until):
                guard now >= until else { continue }
            }
            guard isUsed(place) else {
                lines[index].state = .closed
                steps.append(.close(place))
                continue
            }
            if case .kept = lines[index].state {} else { steps.append(.settle(place)) }
            lines[index].state = .kept(lookAt: now + Self.look)
        }
        return steps
    }
}
