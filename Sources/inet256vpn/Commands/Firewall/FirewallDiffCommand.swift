internal import API
internal import AdminProtocol
internal import ArgumentParser
internal import Settings

struct FirewallDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Show what a configuration file would change.",
        discussion: """
            Compares with the policy that the daemon has loaded or, with --base, with
            another file: rules in their order, members of groups, networks. Lines that
            would go begin with "-", those that would come with "+", as in diff(1); a rule
            that only moves is shown at both places.

            EXAMPLES
              sudo inet256vpn firewall diff /etc/inet256vpn/config.yaml
              inet256vpn firewall diff --base old.yaml new.yaml

            EXIT STATUS
              0   nothing would change
              1   something would
              2   wrong usage or configuration
              3   the daemon cannot be reached
            """)

    @Flag(help: "Print JSON.")
    var json = false
    @Option(name: .long, help: ArgumentHelp("Compare with this file and not with the daemon.", valueName: "file"))
    var base: FileArgument?
    @OptionGroup var daemon: DaemonAccess
    @Argument(help: "The configuration file.")
    var file: FileArgument

    private struct Difference: Encodable {
        let removed: [String]
        let added: [String]
    }

    func run() async throws {
        let new = try Configuration.load(file.path).firewallLines()
        let old =
            if let base {
                try Configuration.load(base.path).firewallLines()
            } else {
                try await daemon.client().firewallLines()
            }
        let changes = new.changes(from: old)
        if json {
            try printJSON(
                Difference(
                    removed: changes.filter { !$0.isAdded }.map(\.text), added: changes.filter(\.isAdded).map(\.text)))
        } else if changes.isEmpty {
            print("nothing would change")
        } else {
            printLines(changes.map { "\($0.isAdded ? "+" : "-") \($0.text)" })
        }
        if !changes.isEmpty { throw ExitStatus.failure }
    }
}
