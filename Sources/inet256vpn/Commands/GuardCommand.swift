internal import API
internal import AdminProtocol
internal import ArgumentParser
internal import Netlink
internal import Portal
internal import Settings

struct GuardCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "guard",
        abstract: "Show or release what keeps the mesh's prefix from the default route.",
        discussion: """
            While no portal serves it, packets for the prefix would follow the default
            route to strangers, in clear, and whoever answers there would be taken for the
            node. So routes of ours hold it, and the networks behind other boxes,
            unreachable. `portal.guard` in the configuration says for how long:

              always   whatever ends the daemon: a stop, a restart, a crash, SIGKILL, a
                       start that fails. Ends with `guard release`, with uninstalling, or
                       with a restart of the machine (the default)
              running  from before the portal exists until the daemon has stopped; after
                       SIGKILL or a crash the systemd unit releases it
              off      never

            The next start takes over what a former one left. Nameservers, gateways and
            `portal.except` inside the prefix keep their way beside the guard, by routes
            that stay as they were when the daemon stopped: on another network, start it
            again or release the guard.

            Routes are known as ours by protocol 156. To see them without this program:
              ip -6 route show table all proto 156

            EXAMPLES
              inet256vpn guard show
              sudo inet256vpn guard release

            \(ExitStatus.help)
            """,
        subcommands: [GuardShowCommand.self, GuardReleaseCommand.self],
        defaultSubcommand: GuardShowCommand.self)
}

struct GuardShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "List the routes that hold prefixes, and the exceptions beside them.",
        discussion: """
            As they are in the kernel now, whether a daemon runs or not; takes no
            privilege. WHAT is hold (unreachable where no portal serves it) or except (goes
            beside the portal). SERVED BY is the interface of the running portal behind it.

            \(ExitStatus.help)
            """)

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let entries = try GuardText.asking { () throws(NetlinkError) in
            try GuardRoutes(try NetlinkSocket()).list()
        }
        if json { return try printJSON(entries.map(GuardEntry.init)) }
        printLines(GuardText.lines(entries))
    }
}

struct GuardReleaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Remove the routes that a daemon left behind.",
        discussion: """
            From then on packets for the prefix follow whatever route the machine has, the
            default route as a rule. Removes routes of ours alone, known by protocol 156
            and their metric, and none while a daemon serves them: stop it first. Where
            nothing is left behind there is nothing to do, and that is no error.

            With --unless-always nothing is done where the configuration says
            `portal.guard: always`, or cannot be read, nor while the service is restarted
            or its interface is kept for the next start: so the systemd unit calls it when
            the daemon has ended.

            EXAMPLES
              sudo systemctl stop inet256vpn && sudo inet256vpn guard release

            \(ExitStatus.help)
            """)

    @Flag(help: "Only where portal.guard is running or off.")
    var unlessAlways = false
    @Flag(help: "Print what was removed as JSON.")
    var json = false
    @OptionGroup var daemon: DaemonAccess

    func run() async throws {
        if unlessAlways {
            // What cannot be read may well say always: then the prefix stays shut.
            let configuration = try Configuration.load(daemon.config?.path ?? Configuration.standardPath)
            if configuration.portal.guarding == .always {
                return json ? try printJSON([GuardEntry]()) : print("portal.guard is always: it stays")
            }
            if ServiceJob.isRestart() {
                return json ? try printJSON([GuardEntry]()) : print("the service is restarted: it stays")
            }
        }
        try await refuseWhileServed()
        let (removed, kept) = try GuardText.asking { () throws(NetlinkError) in
            try GuardRoutes(try NetlinkSocket()).release()
        }
        if json {
            try printJSON(removed.map(GuardEntry.init))
        } else {
            for entry in removed { print("removed \(entry.text)") }
            if removed.isEmpty, kept.isEmpty { print("nothing is held") }
        }
        // Whoever keeps the interface for the next start has it up, and that start takes the guard over.
        if unlessAlways { return }
        guard kept.isEmpty else {
            let portals = Set(kept.compactMap(\.servedBy)).sorted().joined(separator: ", ")
            throw CommandFailure(
                .failure,
                "a daemon serves \(kept.map(\.text).joined(separator: "; ")) by \(portals): stop it first "
                    + "(sudo systemctl stop inet256vpn)")
        }
    }

    /// A daemon that starts has its guard before it has an interface that tells of it.
    private func refuseWhileServed() async throws {
        guard let status = try? await daemon.client().status(), status.portal.enabled else { return }
        throw CommandFailure(
            .failure,
            "the daemon with pid \(status.pid) runs and needs its guard: stop it first (sudo systemctl stop inet256vpn)"
        )
    }
}

/// One route of the guard, for programs.
private struct GuardEntry: Encodable {
    let what: String
    let prefix: String
    let table: UInt32
    let route: String
    let servedBy: String?

    init(_ entry: GuardRoutes.Entry) {
        what = GuardText.what(entry)
        prefix = "\(entry.route.destination)"
        table = entry.route.table
        route = entry.text
        servedBy = entry.servedBy
    }

    enum CodingKeys: String, CodingKey {
        case what, prefix, table, route
        case servedBy = "served_by"
    }
}

private enum GuardText {
    static func what(_ entry: GuardRoutes.Entry) -> String { entry.isException ? "except" : "hold" }

    static func lines(_ entries: [GuardRoutes.Entry]) -> [String] {
        guard !entries.isEmpty else { return ["nothing is held"] }
        var table = TextTable(header: ["WHAT", "PREFIX", "SERVED BY", "ROUTE"])
        for entry in entries {
            table.add([what(entry), "\(entry.route.destination)", entry.servedBy ?? "nobody", entry.text])
        }
        return table.lines
    }

    /// The kernel's refusal with the exit status that it means.
    static func asking<R>(_ body: () throws(NetlinkError) -> R) throws -> R {
        do throws(NetlinkError) { return try body() } catch {
            throw CommandFailure(
                error.isPermission ? .permission : .failure, error.advice.map { "\(error); \($0)" } ?? "\(error)")
        }
    }
}
