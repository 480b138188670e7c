internal import Wire

/// A cable between two nodes, by their places in the simulation.
struct Cable {
    let ends: (Int, Int)
    var quality: CableQuality { didSet { busyUntil.removeAll() } }
    var isUp = true
    /// When each element that has a rate is through with what it was given, one way and the other.
    private var busyUntil: [Stretch: Instant] = [:]

    private struct Stretch: Hashable {
        let element: Int
        let from: Int
    }

    init(ends: (Int, Int), quality: CableQuality) {
        self.ends = ends
        self.quality = quality
    }

    /// A datagram goes in at an end, of so many bytes with its headers. When it comes out at the other: never if it is lost,
    /// and twice if it is doubled.
    mutating func carry(_ bytes: Int, from end: Int, at now: Instant, _ random: SeededRandom) -> [Instant] {
        var arrivals: [Instant] = []
        pass(Passage(bytes: bytes, from: end), 0, now, random, &arrivals)
        return arrivals
    }

    private struct Passage {
        let bytes: Int
        let from: Int
    }

    /// Takes a datagram through the elements from `first` on, where it is at `time`.
    private mutating func pass(
        _ passage: Passage, _ first: Int, _ time: Instant, _ random: SeededRandom, _ arrivals: inout [Instant]
    ) {
        var at = time
        for place in first..<quality.elements.count {
            switch quality.elements[place] {
            // The sender's kernel saw to the one, the simulation sees to the other.
            case .interface, .nat: break
            case .size(let mtu): if passage.bytes > mtu { return }
            case .rate(let bytesPerSecond, let queue):
                let stretch = Stretch(element: place, from: passage.from)
                let begins = max(at, busyUntil[stretch] ?? at)
                guard begins - at <= queue else { return }
                at = begins + Interval.seconds(Int64(passage.bytes)) / Int64(max(1, bytesPerSecond))
                busyUntil[stretch] = at
            case .loss(let permille): if random.chance(permille: permille) { return }
            case .duplication(let permille):
                if random.chance(permille: permille) { pass(passage, place + 1, at, random, &arrivals) }
            case .delay(let span): at = at + span
            case .jitter(let span): at = at + span.part(random)
            case .reordering(let permille, let span): if random.chance(permille: permille) { at = at + span }
            }
        }
        arrivals.append(at)
    }
}

extension CableQuality {
    /// How long something takes that is not lost.
    func travel(_ random: SeededRandom) -> Interval {
        elements.reduce(.zero) { sum, element in
            switch element {
            case .delay(let span): sum + span
            case .jitter(let span): sum + span.part(random)
            default: sum
            }
        }
    }
}

extension Interval {
    /// Some of it, in steps of a thousandth.
    fileprivate func part(_ random: SeededRandom) -> Interval {
        self > .zero ? self * Int64(random.next(below: 1000)) / 1000 : .zero
    }
}

/// An unordered pair of nodes.
package struct CableKey: Hashable, Comparable, Sendable {
    package let low: Int
    package let high: Int

    package init(_ a: Int, _ b: Int) {
        low = min(a, b)
        high = max(a, b)
    }

    func other(than node: Int) -> Int? { node == low ? high : node == high ? low : nil }

    package static func < (a: CableKey, b: CableKey) -> Bool { (a.low, a.high) < (b.low, b.high) }
}
