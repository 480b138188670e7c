internal import AdminProtocol
internal import ArgumentParser
internal import Foundation
internal import Joining
internal import Settings

struct InviteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invite",
        abstract: "Invite somebody: one line that lets another machine join.",
        discussion: """
            Prints one line, which is passed on to whoever is to join, over a way that
            others do not read: it holds this box's address, where it may be reached, and a
            secret. On the other machine `inet256vpn join LINE` does the rest: both boxes
            write each other under `peers:`, this one with the name and the groups that are
            given here.

            This box keeps a hash of the secret and not the secret: the line cannot be
            shown again. When it expires is by this box's clock.

            EXAMPLES
              sudo inet256vpn invite --name bob
              sudo inet256vpn invite --name bob --groups admins --expires 10m --qr
              sudo inet256vpn invite --uses 5 --groups guests --introduce
              sudo inet256vpn invite list
              sudo inet256vpn invite revoke 1f0c5c3a9b27d4e6

            \(ExitStatus.help)
            """,
        subcommands: [
            InviteMakeCommand.self, InviteListCommand.self, InviteRevokeCommand.self, InviteApplyCommand.self,
        ],
        defaultSubcommand: InviteMakeCommand.self)
}

struct InviteMakeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Make an invitation (what `invite` alone does).",
        discussion: "See `inet256vpn invite --help`.")

    @Option(help: "What the other machine is to be called here; a second one by this invitation gets \"-2\" behind it.")
    var name: String?
    @Option(
        parsing: .upToNextOption,
        help: "Groups that it is to be in, divided by commas or blanks; made where they are not there yet.")
    var groups: [String] = []
    @Option(help: ArgumentHelp("For how long it is good: 90s, 10m, 1h, 7d.", valueName: "time"))
    var expires = LifetimeArgument(seconds: 3600)
    @Option(help: "How many machines it lets in, 1 to 1000.")
    var uses = 1
    @Flag(
        help:
            "Tell the invited of the peers of this box: their names, addresses and endpoints, which it is asked about.")
    var introduce = false
    @Flag(help: "Print it as a QR code too (needs the package libqrencode4).")
    var qr = false
    @Flag(help: "Print it as JSON.")
    var json = false
    @OptionGroup var daemon: DaemonAccess

    func run() async throws {
        let groups = groups.flatMap { $0.split(separator: ",").map(String.init) }
        for word in (name.map { [$0] } ?? []) + groups {
            if let fault = PeerName.fault(in: word) { throw CommandFailure(.usage, "\"\(word)\": \(fault)") }
        }
        guard (1...1000).contains(uses) else { throw CommandFailure(.usage, "--uses \(uses): expected 1 to 1000") }
        let request = InviteRequest(
            name: name, groups: groups, expires: expires.seconds, uses: uses, introduce: introduce)
        let answer = try await daemon.client().invite(request)
        if json { return try printJSON(answer) }
        for warning in answer.warnings { Program.complain("warning: \(warning)") }
        printLines([answer.invitation])
        if qr { try printCode(of: answer.invitation) }
        let who = name ?? "whoever has it"
        Output.note(
            "On the other machine: sudo inet256vpn join LINE\nIt lets in \(who)"
                + (groups.isEmpty ? "" : ", into \(groups.joined(separator: ", "))")
                + "\(uses == 1 ? ", once" : ", \(uses) times"), for \(expires). To take it back: sudo inet256vpn invite revoke \(answer.id)"
        )
    }

    private func printCode(of text: String) throws {
        guard let code = QRCode(text) else {
            throw CommandFailure(.failure, "no QR code without libqrencode: sudo apt install libqrencode4")
        }
        printLines(code.lines(TerminalText.standardOutput))
    }
}

/// A time on the command line.
struct LifetimeArgument: ExpressibleByArgument, CustomStringConvertible {
    let seconds: Int64
    private static let units: [(String, Int64)] = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)]
    /// Ten years.
    private static let longest: Int64 = 3650 * 86_400

    init(seconds: Int64) { self.seconds = seconds }

    init?(argument: String) {
        guard let unit = Self.units.first(where: { argument.hasSuffix($0.0) }), let count = Int64(argument.dropLast()),
            count > 0, count <= Self.longest / unit.1
        else { return nil }
        seconds = count * unit.1
    }

    var defaultValueDescription: String { description }

    var description: String {
        let unit = Self.units.first { seconds % $0.1 == 0 } ?? ("s", 1)
        return "\(seconds / unit.1)\(unit.0)"
    }
}

struct InviteListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the invitations that are open, and those that were.",
        discussion: """
            STATE is open, used, expired or revoked. What is over is forgotten after 90
            days. `wrong_guesses` of --json, and the line below the table, count those who
            came with a secret or an invitation that this box does not know.

            \(ExitStatus.help)
            """)

    @Flag(help: "Print the list as JSON.")
    var json = false
    @OptionGroup var daemon: DaemonAccess

    func run() async throws {
        let list = try await daemon.client().invitations()
        if json { return try printJSON(list) }
        printLines(Self.lines(list, now: Int64(Date().timeIntervalSince1970)))
    }

    static func lines(_ list: InvitationList, now: Int64) -> [String] {
        var lines = ["nobody is invited"]
        if !list.invitations.isEmpty {
            var table = TextTable(header: ["ID", "STATE", "NAME", "GROUPS", "USED", "EXPIRES"])
            for entry in list.invitations {
                table.add([
                    entry.id, entry.state, entry.name.map(TerminalText.clean) ?? "-",
                    entry.groups.isEmpty ? "-" : entry.groups.map(TerminalText.clean).joined(separator: ","),
                    "\(entry.joined.count) of \(entry.uses)",
                    entry.state == "open" ? "in \(span(entry.expires - now))" : "-",
                ])
            }
            lines = table.lines
        }
        if list.wrongGuesses > 0 { lines.append("wrong guesses: \(list.wrongGuesses)") }
        return lines
    }

    private static func span(_ seconds: Int64) -> String {
        switch max(0, seconds) {
        case let few where few < 120: "\(few)s"
        case let some where some < 7200: "\(some / 60)m"
        case let many where many < 172_800: "\(many / 3600)h"
        case let most: "\(most / 86_400)d"
        }
    }
}

struct InviteRevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Take an invitation back.",
        discussion: """
            Whoever comes by it from then on is refused. Who has joined by it stays a peer:
            `inet256vpn peer remove` ends that.

            \(ExitStatus.help)
            """)

    @Argument(help: "The invitation's ID, as `invite list` shows it.")
    var id: String
    @Flag(help: "Print what was done as JSON.")
    var json = false
    @OptionGroup var daemon: DaemonAccess

    func run() async throws {
        let answer = try await daemon.client().revoke(id)
        if json { try printJSON(answer) }
        guard answer.revoked else {
            throw CommandFailure(.failure, "no open invitation has the id \(id): inet256vpn invite list")
        }
        if !json { print("taken back: \(id)") }
    }
}

struct InviteApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Write who has joined into the configuration, where the daemon may not.",
        discussion: """
            The service runs as a user that cannot write its configuration. Whoever is let
            in by an invitation is left in a folder of the service, and this command, which
            the unit inet256vpn-joined.service runs as root, writes it into the
            configuration and has the daemon reload. Where there is nothing to do it does
            nothing.

            \(ExitStatus.help)
            """)

    @Option(
        name: .long,
        help: ArgumentHelp("The configuration file. Default: \(Configuration.standardPath).", valueName: "file"))
    var config: FileArgument?
    @Option(help: ArgumentHelp("Where they are left.", valueName: "folder"))
    var from = "\(StateFolder.usual)/joined"

    func run() async throws {
        let path = config?.path ?? Configuration.standardPath
        var failures: [String] = []
        for file in try InvitationStore.left(in: from) {
            // Also what cannot be done: it would be tried again and again. The invited asks again, and then it is left here anew.
            defer { unlink(file) }
            do {
                let joined = try InvitationStore.read(file)
                try await JoinedPeer(joined, try Configuration.load(path)).write(into: path)
                print("\(joined.name ?? joined.address) is a peer now")
            } catch {
                failures.append("\(file): \(error)")
            }
        }
        guard failures.isEmpty else { throw CommandFailure(.failure, failures.joined(separator: "\n")) }
    }
}
