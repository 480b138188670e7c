import MeshSim
import Testing
import Wire

@testable import Mesh

@Suite struct ReplayWindowTests {
    /// What the window promises, said without cleverness: everything seen, and how far back it remembers.
    private struct Model {
        var seen: Set<UInt64> = []
        var next: UInt64 = 0
        /// The block that is being filled is shared with the oldest one.
        static let reach = UInt64(ReplayWindow.bits - 64)

        mutating func accept(_ counter: UInt64) -> Bool {
            guard counter < UInt64.max - UInt64(ReplayWindow.bits), !seen.contains(counter) else { return false }
            if counter >= next, counter - next >= ReplayWindow.farthest { return false }
            if counter >= next {
                next = counter + 1
            } else if next - counter > Self.reach {
                return false
            }
            seen.insert(counter)
            return true
        }
    }

    @Test(arguments: Seeds.several(6))
    func agreesWithANaiveModel(seed: UInt64) {
        let random = MeshSim.SeededRandom(seed: seed)
        var window = ReplayWindow()
        var model = Model()
        var counter: UInt64 = 0
        for step in 0..<100_000 {
            switch random.next(below: 100) {
            case 0..<50: counter = model.next &+ UInt64(random.next(below: 3))
            case 50..<70: counter = model.next &- UInt64(random.next(below: 200))
            case 70..<85: counter = model.next &- UInt64(random.next(below: UInt32(2 * ReplayWindow.bits)))
            case 85..<90: counter = model.next &- Model.reach &+ UInt64(random.next(below: 5)) &- 2
            case 90..<97: counter = model.next &+ UInt64(random.next(below: 300))
            case 97: counter = model.next &+ UInt64(random.next(below: UInt32(3 * ReplayWindow.bits)))
            case 98 where step % 2 == 0:
                counter = UInt64.max &- UInt64(random.next(below: UInt32(2 * ReplayWindow.bits)))
            case 98: counter = model.next &+ ReplayWindow.farthest &- UInt64(random.next(below: 3))
            default: break  // the same again
            }
            let admitted = window.admits(counter)
            let expected = model.accept(counter)
            let accepted = window.accept(counter)
            guard admitted == expected, accepted == expected else {
                Issue.record(
                    "seed \(seed), step \(step): counter \(counter), next \(model.next), expected \(expected)")
                return
            }
        }
        #expect(window.next == model.next)
    }

    /// A window whose verb can be called inside an expectation.
    private final class Window {
        private var window = ReplayWindow()
        func admits(_ counter: UInt64) -> Bool { window.admits(counter) }
        func accept(_ counter: UInt64) -> Bool { window.accept(counter) }
    }

    @Test(arguments: [0, 1, 63, 64, 65, 8127, 8128, 8191, 8192, 8193, 100_000] as [UInt64])
    func jumps(by jump: UInt64) {
        let window = Window()
        for counter in 0..<100 as Range<UInt64> { #expect(window.accept(counter)) }
        #expect(window.accept(100 + jump))
        #expect(!window.accept(100 + jump))
        // What was seen before is never taken again, however far the window moved.
        for counter in 0..<100 as Range<UInt64> { #expect(!window.accept(counter)) }
        // What lies in the gap is taken once, as far back as is remembered.
        let oldest = 101 + jump > 8128 ? 101 + jump - 8128 : 0
        for counter in stride(from: 100, to: 100 + jump, by: 37) {
            #expect(window.accept(counter) == (counter >= oldest))
            #expect(!window.accept(counter))
        }
    }

    @Test func theEndOfTheCountersIsRefused() {
        let window = Window()
        #expect(!window.admits(.max))
        #expect(!window.accept(.max - UInt64(ReplayWindow.bits)))
        // And so is what no sender comes to from where it is.
        #expect(!window.accept(.max - UInt64(ReplayWindow.bits) - 1))
        #expect(window.accept(0))
        #expect(!window.accept(1 + ReplayWindow.farthest))
        #expect(window.accept(ReplayWindow.farthest))
        #expect(!window.accept(0))
    }
}
