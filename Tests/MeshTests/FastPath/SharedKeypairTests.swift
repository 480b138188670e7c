import Dispatch
import INET256
import MeshSim
import Synchronization
import Testing
import Wire

@testable import Mesh

/// Keys that several threads use at once.
@Suite struct SharedKeypairTests {
    static func pair(
        _ limits: CipherLimits = .chaCha, seed: UInt64 = 5
    ) -> (sender: Keypair, receiver: Keypair, addresses: (Address, Address)) {
        let random = MeshSim.SeededRandom(seed: seed)
        let secrets = TransportSecrets(
            initiatorToResponder: SecretBytes(count: 32, from: random),
            responderToInitiator: SecretBytes(count: 32, from: random), hash: [])
        let a = PrivateKey(generatedFrom: random).address
        let b = PrivateKey(generatedFrom: random).address
        func make(_ initiator: Bool) -> Keypair {
            let agreement = Agreement(
                suite: SuiteChoice(cipher: .chaCha20Poly1305, backend: .libsodium), secrets: secrets,
                initiator: initiator, localIndex: initiator ? 1 : 2, remoteIndex: initiator ? 2 : 1)
            return Keypair(agreement, limits: limits, sharedWith: initiator ? b : a, now: .distantPast)
        }
        return (make(true), make(false), (a, b))
    }

    @Test func noCounterIsTakenTwice() throws {
        let shared = Self.pair().sender.shared
        let threads = 4
        let each = 50_000
        let taken = Mutex<[[UInt64]]>([])
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
            let mine = (0..<each).map { _ in thread % 2 == 0 ? shared.takeCounter() : shared.takeCounterInLimit() ?? 0 }
            taken.withLock { $0.append(mine) }
        }
        let all = taken.withLock { $0 }
        #expect(all.allSatisfy { zip($0, $0.dropFirst()).allSatisfy { $0 < $1 } })
        #expect(Set(all.joined()) == Set(0..<UInt64(threads * each)))
        #expect(shared.nextCounter == UInt64(threads * each))
    }

    @Test func theLimitHoldsWhoeverAsks() throws {
        let limits = CipherLimits(rekeyAfterMessages: 3000, rejectAfterMessages: 8192)
        let (sender, _, _) = Self.pair(limits)
        let shared = sender.shared
        let last = Atomic<UInt64>(0)
        let count = Atomic<UInt64>(0)
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            while let counter = shared.takeCounterInLimit() {
                last.max(counter, ordering: .relaxed)
                count.wrappingAdd(1, ordering: .relaxed)
            }
        }
        // Threads that saw the last but one at once may take one more each.
        #expect((4096...4100).contains(count.load(ordering: .relaxed)))
        #expect(last.load(ordering: .relaxed) < limits.rejectAfterMessages)
        #expect(!sender.maySend(.distantPast, MeshLimits()))
        #expect(sender.isWornOut)
        #expect(shared.takeCounterInLimit() == nil)
    }

    @Test func theWindowTakesACounterFromOneThreadOnly() throws {
        let shared = Self.pair().receiver.shared
        let accepted = Atomic<Int>(0)
        let counters = 4000
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            // Each in an order of its own, all within the window.
            for step in 0..<counters {
                let counter = UInt64((step * (2 * thread + 1) + thread) % counters)
                if shared.accept(counter) != nil { accepted.wrappingAdd(1, ordering: .relaxed) }
            }
        }
        // The first thread alone offers each of them.
        #expect(accepted.load(ordering: .relaxed) == counters)
        #expect(shared.accept(UInt64(counters) + 5) == true)
        #expect(shared.accept(UInt64(counters) + 4) == false)
        #expect(shared.accept(UInt64(counters) + 4) == nil)
    }

    /// Three engines seal with one key, three open with the other, and each datagram is offered to two of them.
    @Test func messagesOfManyThreadsArriveOnceAndUnaltered() throws {
        let (sender, receiver, (a, b)) = Self.pair()
        let outward = sender.shared
        let inward = receiver.shared
        outward.confirm()
        inward.confirm()
        let remote = Path(remote: Endpoint(address: IPv6Address(high: 1, low: 2), port: 3))
        let each = 2000
        let sealed = Mutex<[[UInt8]]>([])
        DispatchQueue.concurrentPerform(iterations: 3) { thread in
            let side = SideBox()
            side.apply(.keys(outward))
            side.apply(.way(SharedWay(remote: b, keypair: outward, path: remote, capacity: 1200, isSettled: true)))
            for number in 0..<each {
                guard let lane = side.lane(to: b, now: .distantPast), let room = side.sealer.room(lane) else { return }
                room.storeBytes(of: UInt64(thread * each + number), as: UInt64.self)
                _ = side.sealer.dispatch(room, count: 8, isPartial: false, trafficClass: 0, lane)
                if side.outbox.wantsFlush || number == each - 1 {
                    let datagrams = side.outbox.datagrams.map { Array(side.outbox.bytes(of: $0)) }
                    sealed.withLock { $0 += datagrams }
                    side.outbox.removeAll()
                }
            }
            side.report(now: .distantPast)
        }
        let datagrams = sealed.withLock { $0 }
        #expect(datagrams.count == 3 * each)
        let opened = Mutex<[UInt64]>([])
        let replayed = Atomic<UInt64>(0)
        DispatchQueue.concurrentPerform(iterations: 3) { thread in
            let side = SideBox()
            side.apply(.keys(inward))
            side.apply(.way(SharedWay(remote: a, keypair: inward, path: remote, capacity: 1200, isSettled: true)))
            var mine: [UInt64] = []
            for (place, datagram) in datagrams.enumerated() where place % 3 == thread || place % 3 == (thread + 1) % 3 {
                var copy = datagram
                copy.withUnsafeMutableBytes { bytes in
                    let receipt = side.receive(bytes, from: remote, trafficClass: 0, now: .distantPast)
                    if case .message(let delivery) = receipt, delivery.source == a {
                        mine.append(delivery.message.loadUnaligned(as: UInt64.self))
                    }
                }
            }
            side.report(now: .distantPast)
            replayed.wrappingAdd(side.drops[.replayed], ordering: .relaxed)
            opened.withLock { $0 += mine }
        }
        let arrived = opened.withLock { $0 }
        #expect(arrived.count == 3 * each)
        #expect(Set(arrived) == Set(0..<UInt64(3 * each)))
        #expect(replayed.load(ordering: .relaxed) == UInt64(3 * each))
        let sent = try #require(outward.takeActivity())
        let received = try #require(inward.takeActivity())
        #expect(sent.work.sent == UInt64(3 * each) && received.work.received == UInt64(3 * each))
        #expect(sent.work.sentBytes == received.work.receivedBytes && outward.takeActivity() == nil)
    }

    @Test func forgeriesEndTheKeysWhoeverSeesThem() throws {
        var limits = CipherLimits(rekeyAfterMessages: 1 << 20, rejectAfterMessages: 1 << 21)
        limits.failedOpenings = 4
        let (_, receiver, (a, _)) = Self.pair(limits)
        let shared = receiver.shared
        let side = SideBox()
        side.apply(.keys(shared))
        var forged: [UInt8] = [4, 0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 7, count: 32)
        let path = Path(remote: Endpoint(address: IPv6Address(high: 1, low: 2), port: 3))
        for _ in 0..<4 {
            forged.withUnsafeMutableBytes { bytes in
                guard case .dropped = side.receive(bytes, from: path, trafficClass: 0, now: .distantPast) else {
                    Issue.record("a forgery from nowhere near \(a) was taken")
                    return
                }
            }
        }
        #expect(side.drops[.forged] == 4)
        #expect(!receiver.mayReceive(.distantPast, MeshLimits()))
    }
}
