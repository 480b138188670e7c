import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// The parts of a box, each alone: its nodes, its sessions, its news.
@Suite struct BoxPartsTests {
    private let random = MeshSim.SeededRandom(seed: 21)
    private let start = Instant(nanoseconds: 1_000_000_000)

    private func remote(_ number: UInt64) -> Address { Address(raw: Bytes32(words: (number, 1, 2, 3))) }

    // MARK: Nodes

    @Test func nodesHaveTheLowestFreeNumber() {
        var nodes = LocalNodes()
        let made = (0..<4).map { _ in nodes.add(PrivateKey(generatedFrom: random)) }
        #expect(made.map(\.id.rawValue) == [0, 1, 2, 3] && made[0].isMain && !made[1].isMain)
        #expect(made.allSatisfy { nodes[$0.address] === $0 && nodes[$0.id] === $0 })
        #expect(made.allSatisfy { node in nodes.called(by: node.keys.hint).contains { $0 === node } })
        nodes.remove(made[1])
        nodes.remove(made[2])
        #expect(nodes.count == 2 && nodes.hints == 2 && nodes.all.map(\.id.rawValue) == [0, 3])
        #expect(nodes[made[1].address] == nil && nodes[made[1].id] == nil)
        #expect(nodes.called(by: made[1].keys.hint).isEmpty)
        let next = nodes.add(PrivateKey(generatedFrom: random))
        #expect(next.id.rawValue == 1 && nodes.places.count == 4)
        #expect(nodes[NodeID(rawValue: 99)] == nil && nodes[remote(1)] == nil)
    }

    // MARK: Sessions

    /// Against a list: what was made is found until it is forgotten, and the last one takes the place of what goes.
    @Test(arguments: Seeds.several(4)) func sessionsAsAListWouldHaveThem(seed: UInt64) {
        let random = MeshSim.SeededRandom(seed: seed)
        var nodes = LocalNodes()
        let locals = (0..<2).map { _ in nodes.add(PrivateKey(generatedFrom: random)) }
        var table = SessionTable()
        var expected: [Session] = []
        for _ in 0..<1000 {
            let local = locals[Int(random.next(below: 2))]
            let remote = remote(UInt64(random.next(below: 40)))
            let known = expected.first { $0.local === local && $0.remote == remote }
            #expect(table.find(local, remote) === known, "seed \(seed)")
            if let known {
                guard random.next(below: 2) == 0 else { continue }
                #expect(table.remove(known) && known.entry.isOver && !table.remove(known), "seed \(seed)")
                guard let place = expected.firstIndex(where: { $0 === known }) else { continue }
                expected.swapAt(place, expected.count - 1)
                expected.removeLast()
            } else {
                expected.append(table.make(local, remote, start))
            }
            #expect(table.all.elementsEqual(expected, by: ===), "seed \(seed)")
            #expect(table.all.enumerated().allSatisfy { $0.element.entry.place == $0.offset }, "seed \(seed)")
            #expect(table.count == expected.count, "seed \(seed)")
        }
    }

    /// Whom a flood of strangers displaces: never a peer or a link, and who was sent to after all others.
    @Test func theLeastUsedStrangerGoes() {
        let local = BoxNode(id: .main, key: PrivateKey(generatedFrom: random))
        var table = SessionTable()
        #expect(table.leastUsedStranger == nil)
        let sessions = (0..<5).map { table.make(local, remote($0), start) }
        sessions[0].configure(as: Peer(PeerSettings(address: remote(0), endpoints: [])))
        sessions[1].link.up(as: NeighbourID(rawValue: 0))
        sessions[2].traffic.sentData(start)
        sessions[3].traffic.received(1, start + .seconds(9))
        sessions[4].traffic.received(1, start + .seconds(8))
        var gone: [UInt32] = []
        while let victim = table.leastUsedStranger {
            gone.append(victim.number)
            _ = table.remove(victim)
        }
        #expect(gone == [4, 3, 2].map { sessions[$0].number } && table.count == 2)
    }

    @Test func whatWaitsIsBounded() {
        let local = BoxNode(id: .main, key: PrivateKey(generatedFrom: random))
        var table = SessionTable()
        var limits = MeshLimits()
        limits.pendingBytesInAll = 1000
        limits.pendingFrames = 4
        let sessions = (0..<4).map { table.make(local, remote($0), start) }
        let body = [UInt8](repeating: 7, count: 99)
        func park(_ session: Session) -> Bool {
            body.withUnsafeBytes { table.park(.message, $0, session, limits, start) }
        }
        #expect(sessions.flatMap { session in (0..<6).map { _ in park(session) } }.count { $0 } == 10)
        #expect(table.pendingBytes == 1000 && sessions.map(\.pending.count) == [4, 4, 2, 0])
        #expect(table.unpark(sessions[2]) == [FrameKind.message.rawValue] + body && table.pendingBytes == 900)
        for session in sessions { while table.unpark(session) != nil {} }
        #expect(table.pendingBytes == 0 && table.unpark(sessions[3]) == nil)
    }

    // MARK: News

    @Test func newsAreKeptInOrderAndBounded() {
        var news = BoxNews(isShared: true)
        for number in 0..<BoxNews.maximumEvents + 10 { news.note(.linkDown(remote(UInt64(number)))) }
        let events = news.takeEvents()
        #expect(events.count == BoxNews.maximumEvents && news.takeEvents().isEmpty)
        guard case .linkDown(let first)? = events.first else {
            Issue.record("the oldest are kept")
            return
        }
        #expect(first == remote(0))
        news.note(ShareChange.forget(7))
        #expect(news.keys.count == 1 && news.takeKeys().count == 1 && news.keys.isEmpty)
    }
}
