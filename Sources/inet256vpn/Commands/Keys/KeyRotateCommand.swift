internal import API
internal import AdminProtocol
internal import ArgumentParser
internal import Foundation
internal import Glibc
internal import INET256
internal import Settings
internal import Wire

struct KeyRotateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Give this box a new key, and let it answer under the old one for a time.",
        discussion: """
            Puts the present key into FILE.former beside it, writes `former_key` into the
            configuration, puts a new key in the place of the present one, and restarts the
            daemon: the service where systemd runs it, else the daemon that answers, in its
            own place. Open connections to the old IPv6 address go on; new ones begin from
            the new one. Whatever interrupts it, running it again goes on from there.

            Every peer that runs is told within seconds, the others when they come
            back; who has not taken the new address when the time is over has to be told
            by hand. Invitations that are open are void, as they name the old address.

            A key that somebody has stolen can be used against you until it is forgotten
            everywhere, also to tell your peers of a key that is not yours: then give
            them the new address yourself, and use --keep 0s here.

            EXAMPLES
              sudo inet256vpn key rotate
              sudo inet256vpn key rotate --keep 7d
              sudo inet256vpn key rotate --key mined.inet256

            \(ExitStatus.help)
            """)

    @Option(
        help: ArgumentHelp(
            "For how long the box answers under its former address: 1h, 30d. 0s: not at all.", valueName: "time"))
    var keep = KeepArgument(seconds: 30 * 86_400)
    @Option(
        help: ArgumentHelp(
            "Take the key in this file, such as one of `keygen --leading-zeros`, instead of making one.",
            valueName: "file"))
    var key: FileArgument?
    @Flag(name: .customLong("no-restart"), help: "Leave the daemon as it is; its next start has the new key.")
    var leavesDaemon = false
    @OptionGroup var options: EditOptions

    private var path: String { options.config?.path ?? Configuration.standardPath }

    func run() async throws {
        let configuration = try Configuration.load(path)
        let present = try PrivateKeyFile.load(configuration.privateKeyPath).key
        let now = Int64(Date().timeIntervalSince1970)
        let former = FormerKeyFile(besides: configuration.privateKeyPath)
        if let before = configuration.formerKey, before.until > now,
            let other = try? PrivateKeyFile.load(before.path, tolerant: true), other.key.address != present.address
        {
            throw CommandFailure(
                .failure,
                "this box still answers under \(other.key.address), its former address, until \(KeyWords.time(before.until)): "
                    + "end that first with `inet256vpn key forget`")
        }
        let next = try key.map { try PrivateKeyFile.load($0.path).key } ?? PrivateKey(generatedFrom: SystemRandom())
        guard next.address != present.address else {
            throw CommandFailure(.usage, "\(key?.path ?? "") holds the key that this box has")
        }
        let until = now.addingReportingOverflow(keep.seconds)
        let steps: [ConfigurationStep] =
            keep.seconds > 0
            ? [.setFormerKey(path: former.written(in: path), until: until.overflow ? .max : until.partialValue)]
            : [.removeFormerKey]
        if options.dryRun {
            try await options.run(steps)
            return Output.note(
                "and \(configuration.privateKeyPath) would have a new key, the present one \(former.path)")
        }
        try former.keep(present, from: configuration.privateKeyPath)
        _ = try await edit(steps)
        try FormerKeyFile.replace(configuration.privateKeyPath, by: next)
        if keep.seconds == 0 { try former.putAway() }
        let map = try IPv6Map(prefix: configuration.portal.prefix)
        var report = KeyRotation(present.address, next.address, map, until: keep.seconds > 0 ? until.partialValue : nil)
        (report.daemon, report.advice) =
            await leavesDaemon ? ("left", "its next start has the new key") : restart(next.address)
        if options.json { return try printJSON(report) }
        printLines(report.lines)
    }

    /// The configuration alone: the daemon is restarted for it anyway.
    private func edit(_ steps: [ConfigurationStep]) async throws -> EditReport {
        var daemon = DaemonAccess()
        daemon.config = options.config
        return try await ConfigurationEdit(path: path, daemon: daemon, force: options.force).apply(steps)
    }

    /// Has the daemon begin again, and waits for the new address.
    private func restart(_ address: Address) async -> (daemon: String, advice: String?) {
        do {
            var daemon = DaemonAccess()
            daemon.config = options.config
            let client = try daemon.client()
            if options.config == nil, SystemUnit.isRunning {
                try SystemUnit.restart()
            } else {
                do { _ = try await client.restart() } catch APIClientError.notRunning {
                    return ("not_running", "no daemon is running: its next start has the new key")
                }
            }
            for _ in 0..<120 {
                try await Task.sleep(for: .milliseconds(250))
                if let status = try? await client.status(), status.mainAddr == address.description {
                    return ("restarted", nil)
                }
            }
            return ("no_answer", "the daemon does not answer under the new address yet: its log says why")
        } catch {
            return ("not_restarted", "the daemon has to be restarted for it: \(error)")
        }
    }
}

/// How long a former key is kept, which may be not at all.
struct KeepArgument: ExpressibleByArgument, CustomStringConvertible {
    let seconds: Int64

    init(seconds: Int64) { self.seconds = seconds }

    init?(argument: String) {
        if ["0", "0s", "0m", "0h", "0d"].contains(argument) {
            seconds = 0
        } else {
            guard let time = LifetimeArgument(argument: argument) else { return nil }
            seconds = time.seconds
        }
    }

    var defaultValueDescription: String { description }
    var description: String { seconds == 0 ? "0s" : LifetimeArgument(seconds: seconds).description }
}

/// What came of it.
struct KeyRotation: Encodable {
    let address: String
    let ip6Addr: String
    let formerAddress: String
    let formerIP6Addr: String
    /// Until when the box answers under that, in seconds since 1970; nil where it does not.
    let until: Int64?
    /// "restarted", "left", "not_running", "not_restarted", "no_answer".
    var daemon = ""
    var advice: String?

    enum CodingKeys: String, CodingKey {
        case address, until, daemon, advice
        case ip6Addr = "ip6_addr"
        case formerAddress = "former_address"
        case formerIP6Addr = "former_ip6_addr"
    }

    init(_ former: Address, _ new: Address, _ map: IPv6Map, until: Int64?) {
        address = "\(new)"
        ip6Addr = "\(map.address(of: new))"
        formerAddress = "\(former)"
        formerIP6Addr = "\(map.address(of: former))"
        self.until = until
    }

    var lines: [String] {
        var lines = ["address    \(address)", "ipv6       \(ip6Addr)"]
        lines.append("former     \(formerAddress)")
        lines.append("           \(formerIP6Addr)")
        if let until { lines.append("until      \(KeyWords.time(until))") }
        switch daemon {
        case "restarted": lines.append("peers are being told: inet256vpn key show")
        default: if let advice { lines.append(advice) }
        }
        return lines
    }
}
