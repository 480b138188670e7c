import Foundation

/// A namespace with an identity, a configuration and, once started, a daemon.
final class Box {
    let name: String
    let namespace: String
    let directory: String
    /// The address derived from its key: 43 characters, and the IPv6 address of that.
    let address: String
    let ip6: String
    var configuration: Configuration
    private(set) var daemon: RunningCommand?
    private let binary: String
    private unowned let bed: Testbed
    /// What daemons said that are gone.
    private var earlierLog = ""

    static let interface = "inet256"
    /// What a daemon with a portal leaves on purpose, however it ends (`portal.guard: always`), as `ip -6 route` shows it.
    static let guardLine = "+ unreachable fd00::/8 dev lo proto 156 metric 4294967294 pref medium"

    init(_ name: String, namespace: String, in bed: Testbed) async throws {
        self.name = name
        self.namespace = namespace
        self.bed = bed
        binary = try Requirements.binary()
        directory = bed.directory + "/" + name
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let key = directory + "/private_key.inet256"
        let made = try await bed.run(["sh", "-c", "umask 077; exec \"$0\" keygen > \"$1\"", binary, key])
        guard made.succeeded else { throw CommandError.failed(made) }
        func told(_ command: String) async throws -> String {
            let outcome = try await bed.run([Requirements.binary(), command, "--private-key", key])
            guard outcome.succeeded else { throw CommandError.failed(outcome) }
            return outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        address = try await told("addr")
        ip6 = try await told("ip6-addr")
        configuration = Configuration(api: "unix://\(directory)/api.sock", interface: Self.interface)
    }

    /// The name of this box's end of the veth pair to another box.
    func link(to other: Box) -> String { "to-" + other.name }

    var log: String { earlierLog + (daemon?.said ?? "") }
    var configPath: String { directory + "/config.yaml" }

    // MARK: - The daemon

    func writeConfiguration() throws {
        try configuration.text.write(toFile: configPath, atomically: true, encoding: .utf8)
    }

    /// Starts the daemon, through `wrapper` if one is given, and returns at once.
    @discardableResult
    func launch(through wrapper: [String] = [], withItsFile: Bool = false) throws -> RunningCommand {
        if !withItsFile { try writeConfiguration() }
        earlierLog = log
        let started = try bed.start(wrapper + [binary, "up", "--config", configPath], in: namespace)
        daemon = started
        return started
    }

    /// Starts the daemon and waits until it answers and, where it has a portal, that has its address.
    /// - Parameter withItsFile: its configuration is what a program made of it, and is not written anew.
    func start(through wrapper: [String] = [], withItsFile: Bool = false) async throws {
        let started = try launch(through: wrapper, withItsFile: withItsFile)
        try await eventually("\(name)'s daemon is up") {
            guard started.isRunning else { throw NotThere(what: "\(self.name)'s daemon, which said: \(started.said)") }
            if self.configuration.portal {
                let shown = try await self.run("ip", "-6", "-o", "address", "show", "dev", Self.interface)
                guard shown.output.contains(self.ip6) else { return false }
            }
            return try await self.command("status").succeeded
        }
    }

    /// Starts a daemon that is expected to refuse, and gives how it ended.
    func startInVain(through wrapper: [String] = []) async throws -> Outcome {
        try await launch(through: wrapper).finish(within: .seconds(15))
    }

    /// Asks the daemon to stop and waits for that.
    @discardableResult
    func stop() async -> Outcome? {
        daemon?.signal(SIGTERM)
        return await end()
    }

    func kill() async {
        daemon?.signal(SIGKILL)
        await end()
    }

    /// Waits for a daemon that was told to end.
    func ended() async -> Outcome? { await end() }

    func reload() throws {
        try writeConfiguration()
        daemon?.signal(SIGHUP)
    }

    @discardableResult
    private func end() async -> Outcome? {
        let outcome = await daemon?.finish(within: .seconds(10))
        earlierLog = log
        daemon = nil
        return outcome
    }

    // MARK: - Inside the box

    /// Runs a program in the box.
    func run(_ words: String..., within limit: Duration = .seconds(60)) async throws -> Outcome {
        try await bed.run(words, in: namespace, within: limit)
    }

    func run(words: [String], within limit: Duration = .seconds(60)) async throws -> Outcome {
        try await bed.run(words, in: namespace, within: limit)
    }

    /// Starts a program in the box that is ended with the testbed.
    func start(_ words: String...) throws -> RunningCommand {
        try bed.start(words, in: namespace)
    }

    func start(words: [String]) throws -> RunningCommand {
        try bed.start(words, in: namespace)
    }

    /// Runs one of the program's own commands against this box's daemon.
    func command(_ words: String..., within limit: Duration = .seconds(60)) async throws -> Outcome {
        try await bed.run(
            [binary] + words, in: namespace, environment: ["INET256_API": configuration.api], within: limit)
    }

    /// One echo, answered within a second?
    func reaches(_ target: String) async throws -> Bool {
        try await run("ping", "-6", "-n", "-c", "1", "-W", "1", target).succeeded
    }

    /// What the kernel has in this box now.
    func kernelState() async throws -> KernelState {
        var lines: [String] = []
        for words in [["-o", "link"], ["-o", "address"], ["-6", "route", "show", "table", "all"]] {
            let shown = try await bed.run(["ip"] + words, in: namespace)
            guard shown.succeeded else { throw CommandError.failed(shown) }
            lines += shown.output.split(separator: "\n").map(String.init)
        }
        return KernelState(lines)
    }

    /// What has changed since: nothing, if the daemon tidied up after itself.
    func kernelChanges(since before: KernelState) async throws -> [String] {
        try await kernelState().changes(since: before)
    }
}

/// Everything that the kernel has of links, addresses and IPv6 routes, less what changes by itself.
struct KernelState {
    let lines: Set<String>

    init(_ shown: [String]) {
        // The numbers of links: one made anew has another. Neighbour discovery on the wires has a life of its own.
        let numberless = shown.map { $0.replacing(#/^[0-9]+: /#, with: "") }
        lines = Set(numberless.filter { !$0.contains(" expires ") && !$0.contains("fe80") })
    }

    /// Lines that are gone, with a "-", and new ones, with a "+".
    func changes(since before: KernelState) -> [String] {
        before.lines.subtracting(lines).sorted().map { "- " + $0 }
            + lines.subtracting(before.lines).sorted().map { "+ " + $0 }
    }
}

/// What a test says of a box's configuration.
struct Configuration {
    struct Peer {
        let name: String
        let id: String
        var endpoints: [String] = []
    }

    let api: String
    let interface: String
    var port = 25632
    /// What the one transport is bound to.
    var transport = "[::]"
    /// Further settings of the transport, such as "fwmark: 7", and of each peer.
    var transportSettings: [String] = []
    var peerLines: [String] = []
    var peers: [Peer] = []
    /// Addresses that may reach the portal.
    var allowed: [String] = []
    var portal = true
    /// Further settings of the portal, such as "offload: off".
    var portalSettings: [String] = []
    /// Further keys of the file, such as `firewall:`, as YAML. What is not about the firewall is not kept from passing.
    var more = "firewall: {rules: [{allow: any}]}\n"

    var text: String {
        var lines = [
            "private_key_path: ./private_key.inet256",
            "api_endpoint: \"\(api)\"",
            "network: {beaconnet: {}}",
            "transports:",
            "  - udp: \"\(transport):\(port)\"",
        ]
        lines += transportSettings.map { "    " + $0 }
        lines.append(peers.isEmpty ? "peers: []" : "peers:")
        for peer in peers {
            lines.append("  - id: \"\(peer.id)\"")
            lines.append("    name: \(peer.name)")
            lines += peerLines.map { "    " + $0 }
            if !peer.endpoints.isEmpty {
                lines.append("    addrs: [\(peer.endpoints.map { "\"udp://\($0)\"" }.joined(separator: ", "))]")
            }
        }
        lines.append("portal:")
        if portal {
            lines.append("  interface: \(interface)")
            lines.append("  allow: [\(allowed.map { "\"\($0)\"" }.joined(separator: ", "))]")
            lines += portalSettings.map { "  " + $0 }
        } else {
            lines.append("  enabled: false")
        }
        return lines.joined(separator: "\n") + "\n" + more
    }
}
