import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// What daemons say to each other beside the mesh's own business.
@Suite struct ServiceTests {
    private func heard(_ bench: Bench, _ box: Int) -> [(from: Address, purpose: UInt8, body: [UInt8])] {
        bench.boxes[box].takeEvents().compactMap {
            if case .service(let from, let purpose, let body) = $0 { (from, purpose, body) } else { nil }
        }
    }

    /// From whoever has a session: a link is not needed, but a proven address is.
    @Test func aStrangerIsHeardAndAnswered() throws {
        let bench = Bench()
        bench.introduce(0, to: 1)
        let body = [UInt8](0..<100)
        // Before there are keys: it waits for them.
        #expect(bench.boxes[0].sendService(1, body, to: bench.address(1), now: bench.now) == .queued)
        bench.run(for: .seconds(2))
        #expect(!bench.isLinked(0, 1), bench.comment)
        let first = heard(bench, 1)
        #expect(first.count == 1 && first[0].from == bench.address(0), bench.comment)
        #expect(first.first?.purpose == 1 && first.first?.body == body, bench.comment)
        #expect(bench.boxes[1].sendService(2, [], to: bench.address(0), now: bench.now) == .sent)
        bench.exchange()
        let second = heard(bench, 0)
        #expect(second.count == 1 && second[0].purpose == 2 && second[0].body == [], bench.comment)
        #expect(bench.delivered.isEmpty, "no application and no portal sees it, \(bench.comment)")
    }

    @Test func itsSizeAndItsPaceAreBounded() throws {
        let bench = Bench()
        bench.introduce(0, to: 1)
        bench.run(for: .seconds(2))
        let longest = [UInt8](repeating: 7, count: MeshBox.serviceLimit)
        #expect(bench.boxes[0].sendService(1, longest, to: bench.address(1), now: bench.now) == .sent)
        #expect(
            bench.boxes[0].sendService(1, longest + [7], to: bench.address(1), now: bench.now)
                == .dropped(.messageTooLarge))
        bench.exchange()
        #expect(heard(bench, 1).map(\.body) == [longest], bench.comment)
        // Whoever says more than there is to say is not listened to, and it is counted.
        for _ in 0..<100 {
            _ = bench.boxes[0].sendService(1, [1], to: bench.address(1), now: bench.now)
            bench.exchange()
        }
        let count = heard(bench, 1).count
        #expect((1...8).contains(count), "\(count), \(bench.comment)")
        #expect(bench.boxes[1].drops[.serviceTooOften] == UInt64(100 - count), bench.comment)
        bench.run(for: .seconds(2))
        _ = bench.boxes[0].sendService(1, [2], to: bench.address(1), now: bench.now)
        bench.exchange()
        #expect(heard(bench, 1).map(\.body) == [[2]], "later again, \(bench.comment)")
    }
}
