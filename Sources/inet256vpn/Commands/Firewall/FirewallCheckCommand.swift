internal import ArgumentParser
internal import Firewall
internal import Glibc
internal import INET256
internal import Settings

struct FirewallCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check the firewall's part of a configuration, and ask the kernel about it.",
        discussion: """
            Refuses what a start would refuse, as `check` does: reads the file and the
            keys, compiles the rules, runs `firewall.tests`, reads the files of
            `firewall.include`. With the privilege to do so (CAP_NET_ADMIN) it also has the
            kernel try the table in a transaction that it throws away again. Nothing is
            changed.

            EXAMPLES
              sudo inet256vpn firewall check
              inet256vpn firewall check ./config.yaml --json | jq .kernel

            \(ExitStatus.help)
            """)

    @Flag(help: "Print JSON.")
    var json = false
    @Flag(help: "Let pass the prefixes that `up --force` takes.")
    var force = false
    @OptionGroup var file: CheckedFile

    /// What the kernel said.
    private enum KernelAnswer: String, Encodable {
        case accepts
        case notAsked = "not_asked"
    }

    private struct Report: Encodable {
        let file: String
        let enabled: Bool
        let rules: Int
        /// Those that rules speak of, the configured peers among them.
        let groups: Int
        let groupsConfigured: Int
        let testsPassed: Int
        let kernel: KernelAnswer
        let warnings: [String]

        enum CodingKeys: String, CodingKey {
            case file, enabled, rules, groups, kernel, warnings
            case groupsConfigured = "groups_configured"
            case testsPassed = "tests_passed"
        }
    }

    func run() throws {
        let path = file.path
        let (configuration, own, prepared) = try rehearsed(path)
        var warnings = configuration.firewallWarnings(own: own)
        if own.isEmpty { warnings.append(Self.keyNotRead) }
        for warning in warnings { Program.complain("warning: \(warning)") }
        guard let prepared else {
            if json {
                return try printJSON(
                    Report(
                        file: path, enabled: false, rules: 0, groups: 0,
                        groupsConfigured: configuration.groups.count, testsPassed: 0, kernel: .notAsked,
                        warnings: warnings))
            }
            return print("\(path): NOT ENFORCED: \(configuration.firewallIdleReason ?? "")")
        }
        let answer = try ask(prepared.ruleset)
        let policy = prepared.policy
        let rules = policy.inbound.rules.count + policy.outbound.rules.count
        let tests = configuration.firewall.tests.count
        if json {
            return try printJSON(
                Report(
                    file: path, enabled: true, rules: rules, groups: policy.groups.count,
                    groupsConfigured: configuration.groups.count, testsPassed: tests,
                    kernel: answer, warnings: warnings))
        }
        let declared = configuration.groups.count
        let used = policy.groups.count { $0.name != ConfiguredSubject.peersName }
        let groups = Units.count(declared, "group") + (used < declared ? " (\(used) in use)" : "")
        print("\(path) is in order: \(Units.count(rules, "rule")), \(groups), \(Units.count(tests, "test")) passed")
        switch answer {
        case .accepts: print("the kernel accepts the table (tried and thrown away)")
        case .notAsked: print("the kernel was not asked: that takes CAP_NET_ADMIN (run with sudo)")
        }
    }

    private static let keyNotRead = "the private key was not looked at, as this user may not read it (run with sudo)"

    /// What a start would make of the file. Whoever may read the file but not its key is told about all else.
    private func rehearsed(_ path: String) throws -> (Configuration, own: Set<Address>, FirewallKeeper.Prepared?) {
        var setup: DaemonSetup
        do {
            setup = try DaemonSetup.load(path)
        } catch KeyFileError.unreadable(let error) where error.code == EACCES {
            let configuration = try Configuration.load(path)
            return (configuration, [], try FirewallKeeper.prepare(configuration))
        }
        setup.force = force
        let prepared = try setup.rehearse()
        return (setup.configuration, Set([setup.key.address] + setup.nodeKeys.map(\.address)), prepared)
    }

    private func ask(_ ruleset: Ruleset) throws -> KernelAnswer {
        do throws(FirewallError) {
            try FirewallTable(name: ruleset.table).trial(ruleset)
            return .accepts
        } catch {
            if error.code == EPERM { return .notAsked }
            throw CommandFailure(.failure, "the kernel refuses the table: \(error)")
        }
    }
}
