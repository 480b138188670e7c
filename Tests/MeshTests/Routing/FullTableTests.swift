import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// A mesh of more nodes than its boxes have room for: some are not reached, and the rest is as quiet as ever.
@Suite struct FullTableTests {
    struct Outcome {
        var bytes = 0
        var changes: UInt64 = 0
        var requests: UInt64 = 0
        var pairs = 0
        var refused = 0
    }

    static let nodes = 40

    /// What happens in four minutes, after as many in which all find their places.
    static func outcome(places: Int, seed: UInt64) -> Outcome {
        let limits = BeaconNetLimits(origins: places)
        let fabric = Fabric(seed: seed) { BeaconNet(sequence: $0, now: $1, limits: limits) }
        fabric.checksLoops = false
        fabric.build(.random(nodes, extra: 24, seed: seed))
        fabric.run(for: .seconds(240))
        func sum(_ value: (BeaconNet) -> UInt64) -> UInt64 { fabric.nodes.map { value($0.algorithm) }.reduce(0, +) }
        let bytes = fabric.bytesSent
        let (changes, requests) = (sum(\.version), sum(\.counts.requestsSent))
        fabric.run(for: .seconds(240))
        return Outcome(
            bytes: fabric.bytesSent - bytes, changes: sum(\.version) - changes,
            requests: sum(\.counts.requestsSent) - requests,
            pairs: nodes * (nodes - 1) - fabric.unreached().count,
            refused: fabric.nodes.map(\.algorithm.counts.refusedNodes).max() ?? 0)
    }

    /// Seven eighths of the places are anybody's: for 34 and for 23 of 40, besides neighbours.
    @Test(arguments: [(places: 39, share: 0.84), (places: 26, share: 0.56)]) func staysQuiet(places: Int, share: Double)
    {
        let whole = Self.outcome(places: 4096, seed: 2)
        let full = Self.outcome(places: places, seed: 2)
        #expect(whole.pairs == Self.nodes * (Self.nodes - 1) && whole.refused == 0)
        #expect(full.refused > 0)
        #expect(Double(full.pairs) >= share * Double(whole.pairs), "\(full.pairs)")
        #expect(full.bytes <= whole.bytes * 11 / 10, "\(full.bytes) bytes, with room for all \(whole.bytes)")
        // Each of 40 boxes changes its mind about once in a minute, since neighbours that have brought few still may bring more.
        #expect(full.changes <= 200 && full.requests <= 200, "\(full)")
    }

    /// Who has a place keeps it, whatever comes; and a place that is free for some seconds is taken.
    @Test func placesAreKeptAndTaken() {
        let random = SeededRandom(seed: 77)
        let start = Instant(nanoseconds: 1_000_000_000)
        var speaker = Speaker(1, random)
        var listener = BeaconNet(sequence: 1, now: start, limits: BeaconNetLimits(origins: 32))
        listener.neighbourUp(speaker.id, key: speaker.key.publicKey, now: start)
        let nodes = (0..<60).map { _ in FarNode(random) }
        var now = start
        func known() -> Set<Address> { Set(nodes.map(\.address).filter { listener.nextHop(to: $0) != nil }) }
        for (place, node) in nodes.enumerated() {
            speaker.say(.beacon(node.beacon(1), metric: UInt8(3 + place % 3)), to: &listener, now: now)
        }
        let first = known()
        #expect(first.count == 28)
        #expect(listener.counts.refusedNodes == 32)
        let (version, checked) = (listener.version, listener.counts.signaturesChecked)
        for sequence in 2...6 as ClosedRange<UInt64> {
            now = now + .seconds(50)
            for (place, node) in nodes.enumerated() {
                speaker.say(.beacon(node.beacon(sequence), metric: UInt8(3 + place % 3)), to: &listener, now: now)
            }
            listener.tick(now: now)
            let output = listener.takeOutput()
            speaker.acknowledge(output, to: &listener, now: now)
            #expect(output.requests.isEmpty)
            #expect(known() == first, "beacon \(sequence)")
        }
        #expect(listener.version == version)
        // Nothing is checked for those that have no place.
        #expect(listener.counts.signaturesChecked == checked + 28 * 5)
        // What is known to have no room is not looked for either.
        let refused = nodes.first { !first.contains($0.address) }
        if let refused { listener.wanted(refused.address, now: now) }
        #expect(listener.takeOutput().requests.isEmpty)

        let gone = nodes.filter { first.contains($0.address) }.prefix(10)
        for node in gone { speaker.say(.beacon(node.beacon(7, lifetime: 0), metric: 255), to: &listener, now: now) }
        var asked: Set<Address> = []
        for _ in 0..<120 {
            now = now + .milliseconds(100)
            listener.tick(now: now)
            let output = listener.takeOutput()
            speaker.acknowledge(output, to: &listener, now: now)
            for request in output.requests { asked.insert(request.address) }
        }
        #expect(asked.count == 10 && asked.isDisjoint(with: first))
        for node in nodes where asked.contains(node.address) {
            #expect(speaker.say(.beacon(node.beacon(6), metric: 3), to: &listener, now: now) == nil)
        }
        #expect(known().count == 28 && asked.isSubset(of: known()))
        #expect(listener.counts.refusedNodes == 22)
    }
}
