internal import Wire

/// One thing that happens in a run of boxes. Any list of them is a run: what does not apply does nothing, so events can be left out.
package enum RunEvent: Equatable, Sendable {
    case wait(milliseconds: Int64)
    case cut(Int, Int)
    case heal(Int, Int)
    /// The cable between two boxes becomes another line.
    case line(Int, Int, Line)
    /// As a power cut does, and as SIGTERM does.
    case kill(Int)
    case stop(Int)
    /// A box that is down starts, with its clock so many seconds off.
    case start(Int, clockOff: Int64)
    /// A box gets another endpoint.
    case move(Int)
    case send(from: Int, to: Int, bytes: Int)

    package enum Line: String, CaseIterable, Sendable {
        case clean, poor, bad

        package var quality: CableQuality {
            switch self {
            case .clean: .clean
            case .poor: .poor
            case .bad: .bad
            }
        }
    }

    /// As Swift has it.
    package var source: String {
        switch self {
        case .wait(let milliseconds): ".wait(milliseconds: \(milliseconds))"
        case .cut(let a, let b): ".cut(\(a), \(b))"
        case .heal(let a, let b): ".heal(\(a), \(b))"
        case .line(let a, let b, let line): ".line(\(a), \(b), .\(line.rawValue))"
        case .kill(let node): ".kill(\(node))"
        case .stop(let node): ".stop(\(node))"
        case .start(let node, let seconds): ".start(\(node), clockOff: \(seconds))"
        case .move(let node): ".move(\(node))"
        case .send(let from, let to, let bytes): ".send(from: \(from), to: \(to), bytes: \(bytes))"
        }
    }

    /// Events that say less, the simplest first.
    package var simpler: [RunEvent] {
        switch self {
        case .wait(let milliseconds):
            [1, 10, 100, 1000].filter { $0 < milliseconds }.map { .wait(milliseconds: $0) }
        case .send(let from, let to, let bytes): bytes > 4 ? [.send(from: from, to: to, bytes: 4)] : []
        case .start(let node, let seconds): seconds == 0 ? [] : [.start(node, clockOff: 0)]
        case .line(let a, let b, let line): line == .poor ? [.line(a, b, .bad)] : []
        case .cut, .heal, .kill, .stop, .move: []
        }
    }
}

extension Simulation {
    /// Has it happen. A message is for the caller to make, who knows what it says.
    package func perform(_ event: RunEvent) {
        switch event {
        case .wait(let milliseconds): run(for: .milliseconds(milliseconds))
        case .cut(let a, let b): setCable(a, b, up: false)
        case .heal(let a, let b): setCable(a, b, up: true)
        case .line(let a, let b, let line): setQuality(a, b, line.quality)
        case .kill(let node): killNode(node)
        case .stop(let node): stopNode(node)
        case .start(let node, let seconds):
            guard box(node) == nil else { return }
            startNode(node, clock: UInt64(max(0, Int64(wallClock) + seconds * 1000)))
        case .move(let node): move(node)
        case .send: break
        }
    }
}

extension RunEvent {
    /// One of those that can happen in a shape, the usual ones more often.
    package static func random(in shape: Topology, _ random: SeededRandom) -> RunEvent {
        let node = random.below(shape.nodes)
        let (a, b) = shape.cables[random.below(shape.cables.count)]
        switch random.below(32) {
        case 0..<10: return .wait(milliseconds: Int64(1 + random.below([50, 500, 5000][random.below(3)])))
        case 10..<19:
            return .send(
                from: node, to: random.below(shape.nodes), bytes: [4, 100, 1500, 20_000][random.below(4)])
        case 19..<22: return .cut(a, b)
        case 22..<24: return .heal(a, b)
        case 24..<26: return .line(a, b, Line.allCases[random.below(Line.allCases.count)])
        case 26: return .kill(node)
        case 27: return .stop(node)
        case 28..<31: return .start(node, clockOff: [0, 0, -10, 10, -3600, 3600][random.below(6)])
        default: return .move(node)
        }
    }
}
