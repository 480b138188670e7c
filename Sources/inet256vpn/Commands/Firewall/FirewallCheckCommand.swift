internal import ArgumentParser
internal import Firewall
internal import Glibc

struct FirewallCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check the firewall's part of a configuration, and ask the kernel about it.",
        discussion: """
            Reads the file, compiles the rules, runs `firewall.tests`, reads the files of
            `firewall.include`, and with the privilege to do so (CAP_NET_ADMIN) has the kernel
            try the table in a transaction that it throws away again. Nothing is changed.

            EXAMPLES
              sudo inet256vpn firewall check
              inet256vpn firewall check ./config.yaml --json | jq .kernel

            \(ExitStatus.help)
            """)

    @Flag(help: "Print JSON.")
    var json = false
    @Argument(help: "The configuration file. Default: \(Configuration.standardPath).")
    var file: FileArgument?

    /// What the kernel said.
    private enum KernelAnswer: String, Encodable {
        case accepts
        case notAsked = "not_asked"
    }

    private struct Report: Encodable {
        let file: String
        let enabled: Bool
        let rules: Int
        let groups: Int
        let testsPassed: Int
        let kernel: KernelAnswer
        let warnings: [String]

        enum CodingKeys: String, CodingKey {
            case file, enabled, rules, groups, kernel, warnings
            case testsPassed = "tests_passed"
        }
    }

    func run() throws {
        let path = file?.path ?? Configuration.standardPath
        let configuration = try Configuration.load(path)
        let warnings = configuration.firewallWarnings(own: [])
        for warning in warnings { Program.complain("warning: \(warning)") }
        guard let prepared = try FirewallKeeper.prepare(configuration) else {
            if json {
                return try printJSON(
                    Report(
                        file: path, enabled: false, rules: 0, groups: 0, testsPassed: 0, kernel: .notAsked,
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
                    file: path, enabled: true, rules: rules, groups: policy.groups.count, testsPassed: tests,
                    kernel: answer, warnings: warnings))
        }
        let parts = [Units.count(rules, "rule"), Units.count(policy.groups.count, "group"), Units.count(tests, "test")]
        print("\(path) is in order: \(parts.joined(separator: ", ")) passed")
        switch answer {
        case .accepts: print("the kernel accepts the table (tried and thrown away)")
        case .notAsked: print("the kernel was not asked: that takes CAP_NET_ADMIN (run with sudo)")
        }
    }

    private func ask(_ ruleset: Ruleset) throws -> KernelAnswer {
        do throws(FirewallError) {
            try FirewallTable().trial(ruleset)
            return .accepts
        } catch {
            if error.code == EPERM { return .notAsked }
            throw CommandFailure(.failure, "the kernel refuses the table: \(error)")
        }
    }
}
