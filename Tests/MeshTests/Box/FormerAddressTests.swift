import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// A box that has changed its key: it is there under both addresses, and whoever knows it by either has one link with it.
@Suite struct FormerAddressTests {
    private static let accepting: [(first: Bool, second: Bool)] = [
        (false, false), (true, false), (false, true), (true, true),
    ]

    /// As whom `place` has its link with `remote`; nil where it has none. One link, whatever there is of sessions.
    private func linked(_ bench: Bench, _ place: Int, with remote: Address) throws -> Address? {
        let links = bench.boxes[place].allSessions.filter { $0.remote == remote && $0.link.neighbour != nil }
        try #require(links.count <= 1, "two links with one neighbour, \(bench.comment)")
        return links.first?.local.address
    }

    private func send(_ bench: Bench, _ message: [UInt8], from a: Int, _ node: NodeID, to remote: Address) {
        _ = message.withUnsafeBytes { bench.boxes[a].send($0, from: node, to: remote, now: bench.now) }
        bench.run(for: .seconds(3))
    }

    private func know(_ bench: Bench, _ place: Int, _ address: Address, at other: Int?) {
        let endpoints = other.map { [bench.endpoint($0)] } ?? []
        bench.boxes[place].setPeer(PeerSettings(address: address, endpoints: endpoints), now: bench.now)
    }

    /// Whoever calls, and whoever is let in: the link comes back under the address that the neighbour knows, and moves to the new one
    /// with its configuration.
    @Test(arguments: accepting, [(true, true), (true, false), (false, true)])
    func theLinkIsOfTheAddressThatIsKnown(accepts: (first: Bool, second: Bool), calls: (first: Bool, second: Bool))
        throws
    {
        let bench = Bench(0)
        for accepts in [accepts.first, accepts.second] {
            var settings = Simulation.smallBoxes()
            settings.acceptsAnybody = accepts
            bench.add(settings)
        }
        know(bench, 0, bench.address(1), at: calls.first ? 1 : nil)
        know(bench, 1, bench.address(0), at: calls.second ? 0 : nil)
        bench.run(for: .seconds(3))
        try #require(bench.isLinked(0, 1), bench.comment)
        let (former, old) = try bench.rotate(0) { $0.acceptsAnybody = accepts.first }
        know(bench, 0, bench.address(1), at: calls.first ? 1 : nil)
        // Where anybody is let in, either address would do.
        bench.boxes[0].setKnown(to: bench.address(1), asFormer: true, now: bench.now)
        bench.run(for: .seconds(40))
        #expect(try linked(bench, 0, with: bench.address(1)) == old, bench.comment)
        #expect(try linked(bench, 1, with: old) == bench.address(1), bench.comment)
        bench.delivered.removeAll()
        send(bench, [1], from: 1, .main, to: old)
        send(bench, [2], from: 0, former, to: bench.address(1))
        send(bench, [3], from: 1, .main, to: bench.address(0))
        send(bench, [4], from: 0, .main, to: bench.address(1))
        let expected = [
            Bench.Delivered(box: 0, node: former, source: bench.address(1), message: [1]),
            Bench.Delivered(box: 1, node: .main, source: old, message: [2]),
            Bench.Delivered(box: 0, node: .main, source: bench.address(1), message: [3]),
            Bench.Delivered(box: 1, node: .main, source: bench.address(0), message: [4]),
        ]
        #expect(bench.delivered == expected, bench.comment)
        // The other end takes the new address for the old one.
        bench.boxes[1].removePeer(old, now: bench.now)
        know(bench, 1, bench.address(0), at: calls.second ? 0 : nil)
        bench.boxes[0].setKnown(to: bench.address(1), asFormer: false, now: bench.now)
        bench.run(for: .seconds(40))
        #expect(try linked(bench, 0, with: bench.address(1)) == bench.address(0), bench.comment)
        #expect(try linked(bench, 1, with: bench.address(0)) == bench.address(1), bench.comment)
        if !accepts.second { #expect(try linked(bench, 1, with: old) == nil, bench.comment) }
        // Who has not heard of it still reaches the former one, until that is over.
        bench.delivered.removeAll()
        send(bench, [5], from: 1, .main, to: old)
        #expect(bench.delivered.map(\.message) == [[5]] && bench.delivered.first?.node == former, bench.comment)
        bench.boxes[0].close(former, now: bench.now)
        bench.run(for: .seconds(40))
        #expect(bench.boxes[0].formerAddress == nil)
        #expect(try linked(bench, 0, with: bench.address(1)) == bench.address(0), bench.comment)
        bench.delivered.removeAll()
        send(bench, [6], from: 1, .main, to: old)
        #expect(bench.delivered.isEmpty, bench.comment)
        send(bench, [7], from: 0, .main, to: bench.address(1))
        #expect(bench.delivered.map(\.message) == [[7]], bench.comment)
    }

    /// A neighbour that was told of the new address, and one that says so by calling it: nobody has to say it here.
    @Test func theNewAddressIsNoticedByTheCall() throws {
        let bench = Bench()
        try bench.join(0, 1)
        let (_, old) = try bench.rotate(0)
        bench.introduce(0, to: 1)
        bench.boxes[0].setKnown(to: bench.address(1), asFormer: true, now: bench.now)
        bench.run(for: .seconds(5))
        #expect(try linked(bench, 0, with: bench.address(1)) == old, bench.comment)
        bench.boxes[1].removePeer(old, now: bench.now)
        bench.introduce(1, to: 0)
        bench.run(for: .seconds(5))
        #expect(try linked(bench, 0, with: bench.address(1)) == bench.address(0), bench.comment)
        #expect(bench.isLinked(0, 1), bench.comment)
        #expect(bench.boxes[0].status(now: bench.now).links.map(\.address) == [bench.address(1)])
    }

    /// Others find both addresses, and are found from both, through a neighbour that knows the one or the other.
    @Test(arguments: [false, true]) func bothAreFoundThroughRelays(isKnown: Bool) throws {
        let bench = Bench(3)
        try bench.join(0, 1)
        try bench.join(1, 2)
        let (former, old) = try bench.rotate(0)
        bench.introduce(0, to: 1)
        if isKnown {
            bench.boxes[1].removePeer(old, now: bench.now)
            bench.introduce(1, to: 0)
        }
        bench.run(for: .seconds(40))
        bench.delivered.removeAll()
        send(bench, [1], from: 2, .main, to: old)
        send(bench, [2], from: 2, .main, to: bench.address(0))
        send(bench, [3], from: 0, former, to: bench.address(2))
        send(bench, [4], from: 0, .main, to: bench.address(2))
        #expect(bench.delivered.map(\.message) == [[1], [2], [3], [4]], bench.comment)
        #expect(bench.delivered.map(\.node) == [former, .main, .main, .main], bench.comment)
        #expect(bench.delivered.suffix(2).map(\.source) == [old, bench.address(0)], bench.comment)
    }

    /// What daemons say goes out under the address that the other one knows.
    @Test func daemonsAreToldByTheAddressTheyKnow() throws {
        let bench = Bench()
        try bench.join(0, 1)
        let (_, old) = try bench.rotate(0)
        bench.introduce(0, to: 1)
        bench.run(for: .seconds(30))
        _ = bench.boxes[1].takeEvents()
        #expect(bench.boxes[0].sendService(3, [9], to: bench.address(1), now: bench.now) == .sent)
        bench.exchange()
        let heard = bench.boxes[1].takeEvents().compactMap { event -> Address? in
            if case .service(let from, 3, [9]) = event { from } else { nil }
        }
        #expect(heard == [old], bench.comment)
    }

    @Test func thereIsOneAtMost() throws {
        let bench = Bench(1)
        let (former, old) = try bench.rotate(0)
        #expect(bench.boxes[0].isLocal(old) && bench.boxes[0].address(of: former) == old)
        #expect(throws: MeshBox.NodeError.alreadyOpen) {
            try bench.boxes[0].openFormer(PrivateKey(generatedFrom: bench.random), now: bench.now)
        }
        bench.boxes[0].close(former, now: bench.now)
        #expect(!bench.boxes[0].isLocal(old))
        // An application's node that takes its place is none of the box's.
        let node = try bench.boxes[0].open(PrivateKey(generatedFrom: bench.random), now: bench.now)
        #expect(bench.boxes[0].node(node)?.isBox == false)
    }
}
