import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// A spray alone, on time that is handed in.
@Suite struct SprayPlanTests {
    let start = Instant(nanoseconds: 1_000_000_000_000)
    let remote = Address(raw: Bytes32(words: (1, 2, 3, 4)))
    let place = IPv6Address(mappedIPv4: 0xC633_6407)

    private func run(_ spray: inout Spray, seed: UInt64) -> [(at: Instant, step: Spray.Step)] {
        let random = SeededRandom(seed: seed)
        var steps: [(at: Instant, step: Spray.Step)] = []
        var now = start
        while now < start + .seconds(30) {
            // One at a time, however late it is asked.
            if let step = spray.takeStep(now, draw: { random.next64() }) { steps.append((now, step)) }
            #expect(spray.takeStep(now, draw: { random.next64() }) == nil)
            now = now + .milliseconds(1)
        }
        return steps
    }

    @Test func ports() throws {
        let target = Endpoint(address: place, port: 4000)
        var spray = Spray(remote, .opens(to: target), number: 77, start)
        let steps = run(&spray, seed: 1)
        let challenges = steps.filter { $0.step != .call }
        #expect(challenges.count == SprayLimits.ports)
        #expect(challenges.allSatisfy { $0.step == .challenge(77, Path(remote: target, socket: Path.spraySocket)) })
        #expect(steps.count - challenges.count == 3)
        let called = try #require(steps.first { $0.step == .call })
        let opened = try #require(challenges.last)
        #expect(called.at > opened.at && called.at < start + .seconds(2), "when all are open")
    }

    @Test func tries() throws {
        var spray = Spray(remote, .tries(at: place), number: 0, start)
        let steps = run(&spray, seed: 2)
        var ports: Set<UInt16> = []
        var numbers: Set<UInt64> = []
        for case .challenge(let number, let path) in steps.map(\.step) {
            #expect(path.remote.address == place && path.socket == Path.anySocket)
            ports.insert(path.remote.port)
            numbers.insert(number)
        }
        #expect(ports.count == SprayLimits.probes && numbers.count == SprayLimits.probes, "none twice")
        #expect(ports.allSatisfy(SprayLimits.range.contains))
        // All over the range.
        for eighth in 0..<8 as Range<UInt16> { #expect(ports.contains { $0 >> 13 == eighth }) }
        let last = try #require(steps.last)
        #expect(last.at <= start + .seconds(5))
        for second in 0..<5 as Range<Int64> {
            let (from, to) = (start + .seconds(second), start + .seconds(second + 1))
            #expect(steps.count { $0.at >= from && $0.at < to } <= 150)
        }
    }

    /// An echo counts from the very endpoint that was asked, with what it was asked, in time.
    @Test func whatProves() throws {
        let random = SeededRandom(seed: 3)
        var spray = Spray(remote, .tries(at: place), number: 0, start)
        let now = start + .seconds(1)
        guard case .challenge(let number, let path)? = spray.takeStep(now, draw: { random.next64() }) else {
            Issue.record("nothing goes out")
            return
        }
        var other = path.remote
        other.port ^= 1
        #expect(spray.isProven(by: number, from: path.remote, now))
        #expect(
            !spray.isProven(by: number, from: other, now) && !spray.isProven(by: number &+ 1, from: path.remote, now))
        #expect(!spray.isProven(by: number, from: path.remote, start + SprayLimits.patience))
        #expect(spray.answer(to: path.remote, now) == nil, "it has no ports open")

        let target = Endpoint(address: place, port: 4000)
        var opener = Spray(remote, .opens(to: target), number: 77, start)
        #expect(!opener.isProven(by: 77, from: target, now), "nothing went out yet")
        _ = opener.takeStep(now, draw: { 0 })
        #expect(opener.isProven(by: 77, from: target, now) && !opener.isProven(by: 78, from: target, now))
        #expect(!opener.isProven(by: 77, from: other, now) && opener.answer(to: other, now) == nil)
        let answers = (0..<100).count { _ in opener.answer(to: target, now) != nil }
        #expect(answers == SprayLimits.answers)
    }

    /// One at a time, few in ten minutes, and no place twice, whoever names it.
    @Test func theBudgetOfABox() {
        var sprays = Sprays()
        func address(_ number: Int) -> Address { Address(raw: Bytes32(words: (UInt64(number), 2, 3, 4))) }
        func spot(_ number: Int) -> IPv6Address { IPv6Address(mappedIPv4: 0xC633_6400 + UInt32(number)) }
        var now = start
        var begun = 0
        for number in 0..<1000 {
            let (one, at) = (address(number % 40), spot(number % 50))
            if sprays.mayBegin(with: one, at: at, now) {
                sprays.begin(Spray(one, .tries(at: at), number: 0, now), at: at, now)
                begun += 1
                #expect(!sprays.mayBegin(with: address(100), at: spot(100), now + .seconds(9)), "one at a time")
                #expect(!sprays.mayBegin(with: one, at: spot(100), now + .seconds(599)), "the same other end")
                #expect(!sprays.mayBegin(with: address(100), at: at, now + .seconds(599)), "the same address")
            }
            now = now + .milliseconds(500)
        }
        #expect(begun == SprayLimits.mostInRest)
        #expect(sprays.mayBegin(with: address(0), at: spot(0), now + SprayLimits.rest))
    }
}
