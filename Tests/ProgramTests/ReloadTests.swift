import API
import AdminProtocol
import DataPlane
import Firewall
import Glibc
import INET256
import Logging
import Mesh
import Settings
import System
import TestSupport
import Testing
import Transport
import Wire

@testable import inet256vpn

/// A daemon's reload, without data plane and kernel: what it keeps, what it tells the data plane, and that it does all or nothing.
@Suite struct ReloadTests {
    /// A box without a portal. What it tells its data plane lies in the mailbox.
    private final class Place: Sendable {
        let directory: TemporaryDirectory
        let setup: DaemonSetup
        let mailbox: Mailbox<EngineCommand>
        let daemon: RunningDaemon

        init(_ yaml: String = "", capacity: Int = 64) throws {
            directory = try TemporaryDirectory()
            let key = PrivateKey(generatedFrom: SystemRandom())
            try PrivateKeyFile.create(directory.file("private_key.inet256"), key: key, asText: true)
            try directory.write("config.yaml", Self.shut + yaml, mode: 0o644)
            setup = try DaemonSetup.load(directory.file("config.yaml"))
            mailbox = try Mailbox(capacity: capacity)
            let plan = try DataPlanePlan(
                setup, mailbox: mailbox, inbox: NodeInbox(), logger: silent, startMilliseconds: 1)
            let peers = PeerDirectory(
                mailbox: mailbox, logger: silent, own: [setup.key.address], portal: nil,
                transports: setup.configuration.transports)
            daemon = RunningDaemon(
                setup: setup, plan: plan, directory: peers, keeper: FirewallKeeper(logger: silent), prefix: nil,
                logger: silent)
        }

        private static let shut = "portal: {enabled: false}\n"

        func reload(_ yaml: String) async throws -> ReloadSummary {
            try directory.write("next.yaml", Self.shut + yaml, mode: 0o644)
            // At once: others may be reading it.
            guard rename(directory.file("next.yaml"), directory.file("config.yaml")) == 0 else {
                throw FileError("rename", directory.file("next.yaml"))
            }
            return try await daemon.reload(cut: false)
        }

        /// What the data plane was told since the last time, in words.
        func told() -> [String] {
            mailbox.drain().map { command in
                switch command {
                case .setPeer(let peer, let name): "peer \(name) at \(peer.endpoints.map { "\($0)" })"
                case .removePeer(let address): "no peer \(address)"
                case .setAcceptsAnybody(let flag): "accepts anybody: \(flag)"
                case .setAccess: "access"
                case .setNodeAccess(_, let limit): "nodes: \(limit)"
                default: "something else"
                }
            }
        }
    }

    private static let office = "peers: [{id: \(Sample.plain), name: office, addrs: [\"udp://192.0.2.1:7\"]}]\n"

    @Test func eachChangeIsToldOnce() async throws {
        let place = try Place()
        let yaml = Self.office + "accept: any\napi: {limits: {nodes: 7}}\nlog: debug\n"
        let summary = try await place.reload(yaml)
        #expect(summary.peersAdded == ["office"])
        #expect(summary.applied == ["accept", "api.limits.nodes", "log.level"] && summary.needsRestart.isEmpty)
        #expect(place.told() == ["accepts anybody: true", "nodes: 7", "peer office at [\"192.0.2.1:7\"]"])
        #expect(place.setup.log.level == .debug)
        let now = await place.daemon.configuration
        #expect(now.accept == .any && now.api.limits.nodes == 7 && now.peers.count == 1)

        let again = try await place.reload(yaml)
        #expect(again.applied.isEmpty && again.peersAdded.isEmpty)
        #expect(place.told() == [], "nothing has changed")

        _ = try await place.reload("log: debug\n")
        #expect(place.told() == ["accepts anybody: false", "nodes: 4096", "no peer \(Sample.plain)"])
    }

    /// Whom a list lets in depends on the peers, where it names them.
    @Test func aNewPeerIsLetInWhereListsNamePeers() async throws {
        let lists = "api: {allow: peers}\n"
        let place = try Place(lists)
        _ = try await place.reload(lists + Self.office)
        #expect(place.told().first == "nodes: 4096")
    }

    @Test func whatNeedsARestartStaysAndIsToldAgain() async throws {
        let place = try Place()
        let yaml = "threads: 4\nfirewall: {table: other, default: reject}\n"
        for _ in 0..<2 {
            let summary = try await place.reload(yaml)
            #expect(summary.needsRestart == ["threads", "firewall.table"])
            let now = await place.daemon.configuration
            #expect(now.threads == 1 && now.firewall.table == "inet256vpn")
            #expect(now.firewall.inbound.fallback == .reject)
        }
        #expect(try await place.reload("").needsRestart.isEmpty)
    }

    @Test func aFileThatIsRefusedChangesNothing() async throws {
        let place = try Place(Self.office)
        let before = await place.daemon.configuration
        await #expect(throws: ConfigurationError.self) { _ = try await place.reload("accept: all\nlog: debug\n") }
        #expect(await place.daemon.configuration == before)
        #expect(place.told() == [] && place.setup.log.level == .notice)
    }

    /// SIGHUP and `reload` may come at once: whatever order they are served in, the data plane is told of what is in force.
    @Test func severalAtOnceAreServedOneByOne() async throws {
        let place = try Place(capacity: 1024)
        let daemon = place.daemon
        var accepts = false
        for round in 0..<8 {
            async let first = daemon.reload(cut: false)
            async let second = place.reload(round % 2 == 0 ? "accept: any\napi: {allow: peers}\n" : "")
            async let third = daemon.reload(cut: false)
            _ = try await (first, second, third)
            for line in place.told() {
                if line.hasPrefix("accepts anybody: ") { accepts = line.hasSuffix("true") }
            }
            let now = await daemon.configuration
            #expect(accepts == (now.accept == .any))
            #expect(now.accept == (round % 2 == 0 ? .any : .peers))
        }
    }

    /// The data plane takes no more commands: all stays as it was, and the next reload does it.
    @Test func whatTheDataPlaneDoesNotTakeIsUndone() async throws {
        let place = try Place(capacity: 2)
        try place.mailbox.post(.setAcceptsAnybody(true))
        let before = await place.daemon.configuration
        let yaml = "accept: any\napi: {limits: {nodes: 7}}\nlog: debug\n"
        await #expect(throws: MailboxError.full) { _ = try await place.reload(yaml) }
        #expect(place.told() == ["accepts anybody: true"], "not even a part of it")
        #expect(await place.daemon.configuration == before)
        #expect(place.setup.log.level == .notice)
        #expect(try await place.reload(yaml).applied == ["accept", "api.limits.nodes", "log.level"])
        #expect(place.told() == ["accepts anybody: true", "nodes: 7"])
        #expect(await place.daemon.configuration.accept == .any && place.setup.log.level == .debug)
    }
}
