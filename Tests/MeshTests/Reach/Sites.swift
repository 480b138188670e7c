import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// What stands between a box and the outside.
enum SiteKind: String, CaseIterable, Sendable {
    case open, fullCone, restricted, symmetric, doubled

    /// Whether plain probing brings two such boxes together.
    func meets(_ other: SiteKind) -> Bool {
        let hard: Set<SiteKind> = [.restricted, .symmetric, .doubled]
        return !(self == .symmetric && hard.contains(other)) && !(other == .symmetric && hard.contains(self))
    }
}

/// Two boxes that know two relays and not each other, each behind what its site has.
final class TwoSites {
    let simulation: Simulation
    var nats: [[Int]] = [[], []]
    private(set) var lost = 0
    private var counter: UInt8 = 0

    init(
        _ a: SiteKind, _ b: SiteKind, seed: UInt64, policies: [DirectPolicy] = [.any, .any],
        delay: Interval = .milliseconds(10), wired: Bool = true
    ) {
        var settings = Simulation.smallBoxes()
        settings.direct = .any
        simulation = Simulation(seed: seed, settings: settings)
        for _ in 0..<4 { simulation.addNode() }
        for (place, kind) in [a, b].enumerated() {
            switch kind {
            case .open: break
            case .fullCone:
                nats[place] = [simulation.addNAT(.endpointIndependent, .endpointIndependent, timeout: .seconds(30))]
            case .restricted: nats[place] = [simulation.addNAT(.endpointIndependent, timeout: .seconds(30))]
            case .symmetric:
                nats[place] = [
                    simulation.addNAT(.endpointDependent, timeout: .seconds(30), drawingBy: seed &+ UInt64(place))
                ]
            case .doubled:
                nats[place] = (0..<2).map { _ in simulation.addNAT(.endpointIndependent, timeout: .seconds(30)) }
            }
        }
        let quality = CableQuality(.size(mtu: 1500), .delay(delay))
        for place in 0..<2 {
            for relay in 2..<4 { simulation.connect(place, relay, behind(quality, place)) }
        }
        if wired { simulation.wire(0, 1, behind(behind(quality, 0), 1)) }
        for place in 0..<2 {
            simulation.touch(place) { box in
                box.setDirect(policies[place], now: simulation.now)
                box.setOwnCandidates([Candidate(simulation.endpoint(place), .host)], now: simulation.now)
            }
        }
    }

    private func behind(_ quality: CableQuality, _ place: Int) -> CableQuality {
        nats[place].reduce(quality) { $0.with(.nat($1, inside: place)) }
    }

    /// Whether a box has a straight path to the other.
    func isDirect(_ place: Int) -> Bool { simulation.session(place, 1 - place)?.usesDirectPath == true }

    /// Runs until both boxes see the relays and each other.
    func settle() -> Bool { simulation.run(until: { simulation.allFound([0, 1, 2, 3]) }, within: .seconds(30)) }

    /// Sends a message to and fro; false, and counted, where no answer comes.
    @discardableResult
    func talk(_ patience: Interval = .milliseconds(900)) -> Bool {
        counter &+= 1
        simulation.clearReceived()
        simulation.send([counter], from: 0, to: simulation.address(1))
        let arrived = simulation.run(until: { !simulation.received(1).isEmpty }, within: patience)
        if arrived { simulation.send([counter], from: 1, to: simulation.address(0)) }
        if arrived, simulation.run(until: { !simulation.received(0).isEmpty }, within: patience) { return true }
        lost += 1
        return false
    }

    /// Talks each 50 ms until both have a straight path; how long that took.
    func talkUntilDirect(within: Interval) -> Interval? {
        let start = simulation.now
        while simulation.now - start < within {
            talk(.seconds(2))
            if isDirect(0), isDirect(1) { return simulation.now - start }
            simulation.run(for: .milliseconds(50))
        }
        return nil
    }

    /// Talks each 50 ms for so long.
    func talk(for span: Interval) {
        let end = simulation.now + span
        while simulation.now < end {
            talk()
            simulation.run(for: .milliseconds(50))
        }
    }
}
