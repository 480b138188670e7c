import MeshSim
import Wire

/// Something that happens in a run of boxes with portals. Any list of them is a run.
enum PortalEvent: Equatable {
    typealias Host = SimulatedPortals.Host

    case mesh(RunEvent)
    /// The machine of one sends to another.
    case packet(Int, Host, to: Int, Host, bytes: Int)
    /// The machine of one sends to another as if it were a third.
    case spoofed(Int, as: Int, Host, to: Int)
    /// The hostile box puts into the mesh what says that it comes from another.
    case forged(as: Int, Host, to: Int, Host)

    /// As Swift has it.
    var source: String {
        switch self {
        case .mesh(let event): ".mesh(\(event.source))"
        case .packet(let from, let a, let to, let b, let bytes):
            ".packet(\(from), .\(a), to: \(to), .\(b), bytes: \(bytes))"
        case .spoofed(let from, let other, let host, let to): ".spoofed(\(from), as: \(other), .\(host), to: \(to))"
        case .forged(let other, let a, let to, let b): ".forged(as: \(other), .\(a), to: \(to), .\(b))"
        }
    }

    var simpler: [PortalEvent] {
        switch self {
        case .mesh(let event): event.simpler.map { .mesh($0) }
        case .packet(let from, let a, let to, let b, let bytes):
            (bytes > 64 ? [.packet(from, a, to: to, b, bytes: 64)] : [])
                + (a != .own ? [.packet(from, .own, to: to, b, bytes: bytes)] : [])
                + (b != .own ? [.packet(from, a, to: to, .own, bytes: bytes)] : [])
        case .forged(let other, let a, let to, let b):
            (a != .own ? [.forged(as: other, .own, to: to, b)] : [])
                + (b != .own ? [.forged(as: other, a, to: to, .own)] : [])
        case .spoofed(let from, let other, let host, let to):
            host != .own ? [.spoofed(from, as: other, .own, to: to)] : []
        }
    }

    static func random(_ random: SeededRandom) -> PortalEvent {
        func place() -> Int { random.below(PortalRun.shape.nodes) }
        func host() -> Host { Host.allCases[random.below(Host.allCases.count)] }
        switch random.below(20) {
        case 0..<8: return .packet(place(), host(), to: place(), host(), bytes: [64, 600, 1400, 9000][random.below(4)])
        case 8..<11: return .forged(as: place(), host(), to: place(), host())
        case 11: return .spoofed(place(), as: place(), host(), to: place())
        case 12: return .mesh(.wait(milliseconds: 3000))
        default:
            let event = RunEvent.random(in: PortalRun.shape, random)
            // Messages would be no packets.
            if case .send = event { return .mesh(.wait(milliseconds: 200)) }
            return .mesh(event)
        }
    }
}

/// A run of boxes with portals as a value: the same seed and events are the same run, so one that fails can be shortened and kept.
struct PortalRun: Equatable {
    var seed: UInt64
    var events: [PortalEvent]

    /// Two boxes behind a NAT each, a relay between, one with networks behind it, and one that follows no rules.
    static let shape = Topology(name: "portals", nodes: 5, cables: [(0, 1), (0, 2), (0, 3), (3, 4), (2, 4)])
    static let networks: [Int: [String]] = [3: ["fdbb:2::/32", "2001:db8:2::/48"], 1: ["2001:db8:1::/48"]]
    static let hostile = 4

    static func random(seed: UInt64, count: Int) -> PortalRun {
        let random = SeededRandom(seed: ~seed)
        return PortalRun(seed: seed, events: (0..<count).map { _ in PortalEvent.random(random) })
    }

    /// What does not hold in it of what must, if anything.
    func fault() -> String? { PortalRunPlayer(self).play() }

    func shortened() -> PortalRun {
        PortalRun(
            seed: seed,
            events: MeshSim.shortened(events, simpler: \.simpler) { PortalRun(seed: seed, events: $0).fault() != nil })
    }

    var source: String {
        "PortalRun(\n    seed: \(seed),\n    events: [\n"
            + events.map { "        \($0.source),\n" }.joined() + "    ])"
    }
}

/// Plays a run. The portals look at each packet that comes out of one; when all is mended, everybody's packets come through again.
final class PortalRunPlayer {
    let simulation: Simulation
    let portals: SimulatedPortals
    private let events: [PortalEvent]
    private var stopped: String?

    init(_ run: PortalRun) {
        events = run.events
        simulation = Simulation(seed: run.seed)
        for _ in 0..<PortalRun.shape.nodes { simulation.addNode() }
        for _ in 0..<2 { _ = simulation.addNAT(.endpointDependent) }
        for (a, b) in PortalRun.shape.cables { simulation.connect(a, b, Self.behindNATs(a, b, .clean)) }
        let networks = PortalRun.networks.mapValues { $0.compactMap { IPv6Prefix($0) } }
        portals = SimulatedPortals(simulation, networks: networks, lawless: PortalRun.hostile)
    }

    /// The cables of boxes 1 and 2 have their NATs.
    private static func behindNATs(_ a: Int, _ b: Int, _ quality: CableQuality) -> CableQuality {
        [1, 2].reduce(quality) { quality, box in
            [a, b].contains(box) ? quality.with(.nat(box - 1, inside: box)) : quality
        }
    }

    private var fault: String? { stopped ?? portals.fault }

    func play() -> String? {
        simulation.onFault = { [unowned self] fault, _ in stopped = stopped ?? "\(fault)" }
        defer { simulation.onFault = RunFault.stop }
        for (number, event) in events.enumerated() {
            perform(event)
            if let fault { return "\(fault), in event \(number): \(event.source)" }
        }
        mend()
        return fault.map { "\($0), when all is mended" }
    }

    private func perform(_ event: PortalEvent) {
        switch event {
        case .mesh(.line(let a, let b, let line)):
            simulation.setQuality(a, b, Self.behindNATs(a, b, line.quality))
        case .mesh(let event):
            simulation.perform(event)
        case .packet(let from, let a, let to, let b, let bytes):
            guard from != to else { return }
            portals.send(portals.address(from, a), to: portals.address(to, b), from: from, bytes: bytes)
        case .spoofed(let from, let other, let host, let to):
            portals.send(portals.address(other, host), to: portals.address(to), from: from)
        case .forged(let other, let a, let to, let b):
            guard to != PortalRun.hostile else { return }
            portals.force(
                portals.address(other, a), to: portals.address(to, b), from: PortalRun.hostile, into: to)
        }
    }

    /// All is well again.
    private func mend() {
        for node in 0..<simulation.count where simulation.box(node) == nil { simulation.startNode(node) }
        for (a, b) in PortalRun.shape.cables { simulation.connect(a, b, Self.behindNATs(a, b, .clean)) }
        simulation.run(for: .seconds(20))
        for from in 0..<simulation.count {
            for to in 0..<simulation.count where to != from && fault == nil {
                // By turns from the boxes themselves and from behind them.
                let (a, b): (PortalEvent.Host, PortalEvent.Host) =
                    (from + to) % 2 == 0 ? (.own, .behind) : (.deep, .own)
                if !comesThrough(portals.address(from, a), portals.address(to, b), from) {
                    stopped = stopped ?? "nothing comes from \(from) to \(to)"
                }
            }
        }
    }

    func comesThrough(_ source: IPv6Address, _ destination: IPv6Address, _ from: Int) -> Bool {
        let end = simulation.now + .seconds(60)
        while simulation.now < end, fault == nil {
            let number = portals.send(source, to: destination, from: from)
            if simulation.run(until: { portals.arrived.contains(number) }, within: .milliseconds(500)) { return true }
        }
        return false
    }
}
