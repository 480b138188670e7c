internal import DNS
internal import DataPlane
internal import INET256
internal import Settings
internal import System
internal import Wire

/// What peers call themselves, as they have said, and what they are told that this box does. Only configured peers are heard, and what they
/// say stands below the names that they have here (`OwnNames`).
actor PeerNames {
    /// What daemons say to each other (`Mesh`, frame 19) is about this for that purpose.
    static let purpose: UInt8 = 5

    private let engine: Mailbox<EngineCommand>
    private var heard: [Address: (names: OwnNames, at: Instant)] = [:]
    private var own: [String] = []
    /// How often each peer was told what is so now, and when.
    private var told: [Address: (count: Int, at: Instant)] = [:]

    /// It may be lost: so often in a row, and then now and then, since peers are restarted.
    private static let times = 3
    private static let again: Interval = .seconds(600)
    /// Three times not heard.
    private static let memory: Interval = .seconds(1900)

    init(engine: Mailbox<EngineCommand>) { self.engine = engine }

    // MARK: Theirs

    /// True where it is news.
    func heard(_ from: Address, _ body: [UInt8], _ configuration: Configuration) -> Bool {
        guard configuration.peers.contains(where: { $0.id == from }), let names = body.withUnsafeBytes({ OwnNames($0) })
        else { return false }
        heard = heard.filter { entry in configuration.peers.contains { $0.id == entry.key } }
        let before = heard[from]?.names.names ?? []
        heard[from] = names.names.isEmpty ? nil : (names, BootClock.now())
        return before != names.names
    }

    /// True where something was forgotten.
    func forget() -> Bool {
        let now = BootClock.now()
        let old = heard.count
        heard = heard.filter { now - $0.value.at < Self.memory }
        return heard.count != old
    }

    func of(_ configuration: Configuration) -> [Address: OwnNames] {
        heard.mapValues(\.names).filter { entry in configuration.peers.contains { $0.id == entry.key } }
    }

    // MARK: Ours

    /// Whether somebody may have to be told, when the box calls itself that.
    func hasNews(_ names: [String]) -> Bool {
        if own != names {
            own = names
            told = told.mapValues { (0, $0.at) }
        }
        // Also that there is none any more.
        return !own.isEmpty || told.contains { $0.value.count < Self.times }
    }

    /// - Parameter linked: those who can be told now.
    func tell(_ linked: [Address]) {
        guard let names = OwnNames(own) else { return }
        let now = BootClock.now()
        told = told.filter { linked.contains($0.key) }
        for address in linked {
            let before = told[address] ?? (0, .distantPast)
            guard before.count < Self.times || now - before.at >= Self.again else { continue }
            try? engine.post(.service(Self.purpose, names.bytes, to: address))
            told[address] = (before.count + 1, now)
        }
    }
}
