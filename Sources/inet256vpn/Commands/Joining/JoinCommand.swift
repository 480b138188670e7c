internal import API
internal import AdminProtocol
internal import ArgumentParser
internal import Foundation
internal import INET256
internal import Joining
internal import Settings
internal import Wire

struct JoinCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join",
        abstract: "Join somebody's mesh by an invitation.",
        discussion: """
            LINE is what `inet256vpn invite` has printed on the other machine; "-" reads it
            from standard input, where it is not in the list of processes. Where there is
            no configuration yet, a key and a configuration are made, and where systemd
            runs and the service is installed, it is enabled and started; elsewhere start
            the daemon first: sudo inet256vpn up.

            The daemon calls the inviter and proves that it has the secret, without sending
            it. Both boxes then have each other under `peers:`. Whatever interrupts it, the
            same line on the same machine goes on where it stopped.

            Where the inviter tells of its other peers (`invite --introduce`), they are
            shown and asked about, never added by themselves; --introduce answers yes.

            EXAMPLES
              sudo inet256vpn join inet256:-F0k... --name office
              sudo inet256vpn join - <invitation

            \(ExitStatus.help)
            """)

    @Argument(help: "The invitation.")
    var line: String
    @Option(help: "What the inviter is to be called here.")
    var name: String?
    @Flag(help: "Add those whom the inviter introduces, without asking.")
    var introduce = false
    @Flag(help: "Print what came of it as JSON.")
    var json = false
    @Option(
        name: .long,
        help: ArgumentHelp("The configuration file. Default: \(Configuration.standardPath).", valueName: "file"))
    var config: FileArgument?

    func run() async throws {
        if let name, let fault = PeerName.fault(in: name) { throw CommandFailure(.usage, "\"\(name)\": \(fault)") }
        let invitation: InvitationLine
        do throws(InvitationLineError) {
            invitation = try InvitationLine(parsing: line == "-" ? readLine(strippingNewline: true) ?? "" : line)
        } catch { throw CommandFailure(.usage, "\(error)") }
        var joining = Joining(
            invitation: invitation, name: name, path: config?.path ?? Configuration.standardPath,
            isStandard: config == nil, say: json ? { _ in } : { Output.note($0) })
        try await joining.prepare()
        let outcome = try await joining.ask()
        let introduced = try await joining.write(outcome, accepting: accepted(outcome.introductions))
        let isUp = try await joining.waitForLink()
        let report = JoinReport(
            peer: invitation.address.description, name: joining.label, ipv6: joining.ipv6, link: isUp ? "up" : "down",
            calledHere: outcome.name, introduced: introduced)
        if json { return try printJSON(report) }
        printLines(report.lines)
    }

    /// Those whom the user wants to know too.
    private func accepted(_ offered: [JoinOutcome.Introduction]) -> [JoinOutcome.Introduction] {
        guard !offered.isEmpty, !introduce else { return offered }
        guard !json, isatty(STDIN_FILENO) == 1, line != "-" else {
            Output.note("not added, as nobody can be asked (--introduce adds them): \(Self.names(offered))")
            return []
        }
        for one in offered {
            Output.note(
                "  \(TerminalText.clean(one.name.isEmpty ? "(no name)" : one.name))  \(one.address)  "
                    + TerminalText.clean(one.endpoints.joined(separator: " ")))
        }
        Output.notice("The inviter knows these boxes. Add them as peers of this one? [y/N] ")
        return ["y", "yes"].contains((readLine() ?? "").lowercased()) ? offered : []
    }

    private static func names(_ offered: [JoinOutcome.Introduction]) -> String {
        offered.map { TerminalText.clean($0.name.isEmpty ? $0.address : $0.name) }.joined(separator: ", ")
    }
}

/// What came of a join.
struct JoinReport: Encodable {
    let peer: String
    let name: String
    let ipv6: String
    /// "up" or "down".
    let link: String
    /// What the inviter calls this box.
    let calledHere: String?
    let introduced: [String]

    enum CodingKeys: String, CodingKey {
        case peer, name, ipv6, link, introduced
        case calledHere = "called"
    }

    var lines: [String] {
        var lines = ["joined \(name)\(calledHere.map { ", where this box is called \(TerminalText.clean($0))" } ?? "")"]
        lines.append("\(name)  \(peer)  \(ipv6)  link \(link)")
        if !introduced.isEmpty { lines.append("also peers now: \(introduced.joined(separator: ", "))") }
        if link != "up" { lines.append("the link is not up yet: inet256vpn peers says why") }
        return lines
    }
}

/// The steps of a join, each of which may be done again.
struct Joining {
    let invitation: InvitationLine
    let name: String?
    let path: String
    /// The machine's own configuration, and so the service's.
    let isStandard: Bool
    let say: (String) -> Void
    private(set) var label = ""
    private(set) var ipv6 = ""

    private static let startPatience = 30
    private static let linkPatience = 20

    init(
        invitation: InvitationLine, name: String?, path: String, isStandard: Bool, say: @escaping (String) -> Void
    ) {
        self.invitation = invitation
        self.name = name
        self.path = path
        self.isStandard = isStandard
        self.say = say
    }

    private var daemon: DaemonAccess {
        var daemon = DaemonAccess()
        daemon.config = FileArgument(argument: path)
        return daemon
    }

    /// Key, configuration and daemon are there, and of the inviter's mesh.
    mutating func prepare() async throws {
        for line in try FirstRun.prepare(path, random: SystemRandom(), fitting: invitation) { say(line) }
        let configuration = try Configuration.load(path)
        let usual = Configuration(directory: FilePath.directory(of: path))
        let prefix = invitation.prefix ?? "\(usual.portal.prefix)"
        guard "\(configuration.portal.prefix)" == prefix else {
            throw CommandFailure(
                .usage,
                "the inviter's mesh has the prefix \(prefix), this box \(configuration.portal.prefix): write `portal: {prefix: \(prefix)}` "
                    + "into \(path), restart, and join again")
        }
        let network = invitation.network ?? usual.network.rawValue
        guard configuration.network.rawValue == network else {
            throw CommandFailure(
                .usage,
                "the inviter's mesh is a \(network), this box is in a \(configuration.network.rawValue): write `network: \(network)` into "
                    + "\(path), restart, and join again")
        }
        if let peer = configuration.peers.first(where: { $0.id == invitation.address }) { label = peer.label }
        if label.isEmpty { label = name ?? invitation.address.description }
        ipv6 = (try? IPv6Map(prefix: configuration.portal.prefix))?.address(of: invitation.address).description ?? ""
        if let name, let other = configuration.peers.first(where: { $0.name == name && $0.id != invitation.address }) {
            throw CommandFailure(.usage, "\(name) is what \(other.id) is called already: choose another --name")
        }
        try await startDaemon()
    }

    private func startDaemon() async throws {
        let client = try daemon.client()
        var isStarted = false
        for second in 0..<Self.startPatience {
            do {
                let status = try await client.status()
                guard status.mainAddr != invitation.address.description else {
                    throw CommandFailure(.usage, "this box made that invitation: it is for another machine")
                }
                return
            } catch APIClientError.notRunning {
                if !isStarted {
                    guard isStandard, SystemUnit.isThere else {
                        throw CommandFailure(
                            .unreachable,
                            "no daemon runs with \(path): start it (sudo inet256vpn up"
                                + (isStandard ? "" : " --config \(path)") + "), and join again with the same line")
                    }
                    say("starting the service")
                    try SystemUnit.start()
                    isStarted = true
                }
            }
            if second == Self.startPatience - 1 { break }
            try await Task.sleep(for: .seconds(1))
        }
        throw CommandFailure(
            .unreachable, "the service was started and does not answer: journalctl -u \(Program.name) says why")
    }

    /// The inviter's answer, which is a welcome.
    func ask() async throws -> JoinOutcome {
        let own = try await daemon.client().status().mainAddr
        guard let address = Address(own) else {
            throw CommandFailure(.failure, "the daemon says that its address is \(own)")
        }
        say("calling \(label)")
        let request = JoinRequest(invitation.secret, from: address, to: invitation.address)
        let outcome = try await daemon.client().join(
            JoinOrder(
                address: invitation.address.description, endpoints: invitation.endpoints,
                request: Data(request.bytes).base64EncodedString()))
        guard outcome.verdict == "welcome" else {
            throw CommandFailure(outcome.verdict == "silent" ? .unreachable : .failure, outcome.text)
        }
        return outcome
    }

    /// The inviter, and whom else the user wants, into the configuration.
    /// - Returns: what the others are called.
    func write(_ outcome: JoinOutcome, accepting others: [JoinOutcome.Introduction]) async throws -> [String] {
        let configuration = try Configuration.load(path)
        var taken = Set(configuration.peers.compactMap(\.name) + configuration.groups.map(\.name))
        var steps: [ConfigurationStep] = []
        var introduced: [String] = []
        func add(_ address: Address, _ name: String?, _ endpoints: [String]) {
            guard !configuration.peers.contains(where: { $0.id == address }) else { return }
            var peer = PeerConfiguration(id: address)
            // Nobody chooses a name here that somebody has, or that is none.
            if let name, PeerName.fault(in: name) == nil, taken.insert(name).inserted { peer.name = name }
            peer.endpoints = endpoints.compactMap { PeerEndpoint($0) }
            steps.append(.addPeer(peer))
            introduced.append(peer.label)
        }
        add(invitation.address, name, invitation.endpoints)
        introduced = []
        for other in others {
            guard let address = Address(other.address), address.description != (try? await own()) else { continue }
            add(address, other.name, other.endpoints)
        }
        guard !steps.isEmpty else { return [] }
        _ = try await ConfigurationEdit(path: path, daemon: daemon).apply(steps)
        return introduced
    }

    private func own() async throws -> String { try await daemon.client().status().mainAddr }

    func waitForLink() async throws -> Bool {
        for _ in 0..<Self.linkPatience * 4 {
            let peers = try await daemon.client().status().peers
            if peers.contains(where: { $0.id == invitation.address.description && $0.state == .up }) { return true }
            try await Task.sleep(for: .milliseconds(250))
        }
        return false
    }
}

/// The machine's service, where systemd runs and has one.
enum SystemUnit {
    private static var unit: String { Program.name }

    static var isThere: Bool {
        access("/run/systemd/system", F_OK) == 0 && (try? run(["cat", unit])) == true
    }

    static func start() throws {
        guard try run(["enable", "--now", unit]) else {
            throw CommandFailure(
                .failure,
                "the service could not be started: sudo systemctl start \(unit); journalctl -u \(unit) says why")
        }
    }

    /// Whether it is what runs.
    static var isRunning: Bool {
        access("/run/systemd/system", F_OK) == 0 && (try? run(["is-active", unit])) == true
    }

    static func restart() throws {
        guard try run(["restart", unit]) else {
            throw CommandFailure(.failure, "sudo systemctl restart \(unit); journalctl -u \(unit) says why it failed")
        }
    }

    private static func run(_ arguments: [String]) throws -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["systemctl", "--quiet"] + arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
