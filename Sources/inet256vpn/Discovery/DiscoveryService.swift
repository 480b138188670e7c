internal import DataPlane
internal import Discovery
internal import INET256
internal import Logging
internal import Mesh
internal import ServiceLifecycle
internal import Settings
internal import System
internal import Wire

/// Joins discovery to the rest of the daemon: its thread hears who is missing, the peers' directory where somebody was found.
struct DiscoveryService: ServiceLifecycle.Service {
    let plan: DiscoveryPlan
    let engine: Mailbox<EngineCommand>
    let control: RunningDaemon
    let directory: PeerDirectory
    let logger: Logger

    /// How often it is looked who has a link.
    private static let look: Duration = .seconds(2)
    /// Where that is for the file alone, and the start is a while ago.
    private static let rareLook: Duration = .seconds(20)
    /// Between two writings of the file.
    private static let rest: Interval = .seconds(60)
    /// Server names: while nobody answers about one, and then.
    private static let firstPause: Interval = .seconds(1)
    private static let longestPause: Interval = .seconds(60)
    private static let freshness: Interval = .seconds(300)
    /// What the last run knew stays worth a try.
    private static let lastGoodLasts: Interval = .seconds(3600 * 24 * 30)

    func run() async throws {
        let found: AsyncStream<DiscoveryNews>
        do {
            found = try DiscoveryThread.start(plan, engine: engine, logger: logger)
        } catch {
            logger.error("peers are not looked for", metadata: ["reason": "\(error)"])
            plan.dismiss()
            try await gracefulShutdown()
            return
        }
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { for await news in found { await directory.take(news) } }
                for (place, server) in plan.central.enumerated() {
                    group.addTask { await follow(server, place) }
                }
                group.addTask { await watch() }
                await group.waitForAll()
            }
        }
        try? plan.commands.post(.stop)
    }

    // MARK: Links

    private func watch() async {
        var memory = plan.stateFile?.read() ?? LastGoodPlaces()
        for (address, endpoints) in memory.places {
            await directory.take(DiscoveryNews(address, endpoints, .lastGood, lasts: Self.lastGoodLasts))
        }
        var written = memory
        let began = BootClock.now()
        var writeAt = began
        var isFaulty = false
        var told: Told?
        while !Task.isCancelled {
            if let snapshot = await control.snapshot() {
                let peers = Set(await control.configuration.peers.map(\.id))
                told = tell(snapshot, peers, await directory.introduced, told)
                note(snapshot, peers, &memory)
                await directory.settle(linked: Self.linked(snapshot))
            }
            if memory != written, BootClock.now() >= writeAt, !isFaulty {
                isFaulty = !write(memory)
                written = memory
                writeAt = BootClock.now() + Self.rest
            }
            let isRare = !plan.looks && BootClock.now() - began > Self.rest
            do { try await Task.sleep(for: isRare ? Self.rareLook : Self.look) } catch { break }
        }
        if memory != written, !isFaulty { _ = write(memory) }
    }

    /// What the thread was last told.
    private struct Told: Equatable {
        var peers: Set<Address>
        var missing: Set<Address>
    }

    private static func linked(_ snapshot: EngineSnapshot) -> Set<Address> {
        Set(snapshot.box.links.filter { $0.state == .up }.map(\.address))
    }

    /// Strangers that have lost their link are missing as peers are.
    private func tell(
        _ snapshot: EngineSnapshot, _ peers: Set<Address>, _ strangers: Set<Address>, _ before: Told?
    ) -> Told? {
        let now = Told(peers: peers, missing: peers.union(strangers).subtracting(Self.linked(snapshot)))
        guard now != before else { return now }
        do {
            var commands: [DiscoveryCommand] = []
            if before?.peers != peers { commands.append(.setPeers(peers)) }
            commands.append(.setMissing(now.missing))
            try plan.commands.post(all: commands)
            return now
        } catch {
            // It is told the next time.
            return before
        }
    }

    private func note(_ snapshot: EngineSnapshot, _ peers: Set<Address>, _ memory: inout LastGoodPlaces) {
        guard plan.stateFile != nil else { return }
        for link in snapshot.box.links where link.state == .up && peers.contains(link.address) {
            if let endpoint = link.endpoint { memory.note(link.address, at: endpoint) }
        }
        if !peers.isEmpty { memory.keep(peers) }
    }

    /// False where it cannot be: that is said once, and not tried again.
    private func write(_ memory: LastGoodPlaces) -> Bool {
        do {
            try plan.stateFile?.write(memory)
            return true
        } catch {
            logger.warning("where peers are is not kept for the next start", metadata: ["reason": "\(error)"])
            return false
        }
    }

    // MARK: Servers

    /// Where a server's name leads, now and then anew.
    private func follow(_ server: CentralDiscoveryConfiguration, _ place: Int) async {
        let resolver = Resolver(maximumThreads: 1)
        var pause = Self.firstPause
        var isTold = false
        while !Task.isCancelled {
            do throws(ResolveError) {
                let endpoints = try await resolver.resolve(server.host, port: server.port)
                try? plan.commands.post(.setServers(place, endpoints))
                pause = Self.freshness
                isTold = false
            } catch {
                if !isTold {
                    logger.warning(
                        "a discovery server is not found",
                        metadata: ["server": "\(server.endpoint)", "reason": "\(error)"])
                }
                isTold = true
                pause = min(max(Self.firstPause, pause * 2), Self.longestPause)
            }
            do { try await Task.sleep(for: .nanoseconds(pause.nanoseconds)) } catch { return }
        }
    }
}
