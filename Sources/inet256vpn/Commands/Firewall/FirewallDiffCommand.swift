internal import API
internal import ArgumentParser
internal import Firewall

struct FirewallDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Show what a configuration file would change in the table.",
        discussion: """
            Compares with the table that the daemon has loaded or, with --base, with
            another file. Lines that would go begin with "-", those that would come with "+",
            as in diff(1); a rule that only moves is shown at both places.

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
        let new = FirewallLines(PolicyCompiler.compile(try Configuration.load(file.path).firewallPolicy()).nftText)
        let old: FirewallLines
        if let base {
            old = FirewallLines(PolicyCompiler.compile(try Configuration.load(base.path).firewallPolicy()).nftText)
        } else {
            old = FirewallLines(try await daemon.client().firewallText())
        }
        let changes = new.changes(from: old)
        if json {
            try printJSON(
                Difference(
                    removed: changes.filter { !$0.isAdded }.map(\.text), added: changes.filter(\.isAdded).map(\.text)))
        } else if changes.isEmpty {
            print("nothing would change")
        } else {
            for change in changes { print("\(change.isAdded ? "+" : "-") \(change.text)") }
        }
        if !changes.isEmpty { throw ExitStatus.failure }
    }
}

/// A table's text by lines, each with the object that it stands in, so that a line says by itself what it is.
struct FirewallLines {
    struct Change: Hashable {
        let isAdded: Bool
        let text: String
    }

    private var lines: [String] = []

    init(_ nftText: String) {
        var object = ""
        for line in nftText.split(separator: "\n") {
            let depth = line.prefix { $0 == "\t" }.count
            let text = line.drop { $0 == "\t" }
            if text == "}" || depth == 0 { continue }
            if depth == 1 {
                object = String(text.dropLast(2))
                lines.append(object)
            } else if text != "elements = {" {
                lines.append("\(object): \(text.hasSuffix(",") ? text.dropLast() : text)")
            }
        }
    }

    /// In the order of the new text, removals where they stood.
    func changes(from old: FirewallLines) -> [Change] {
        lines.difference(from: old.lines).sorted { $0.place < $1.place }.map { change in
            switch change {
            case .insert(_, let text, _): Change(isAdded: true, text: text)
            case .remove(_, let text, _): Change(isAdded: false, text: text)
            }
        }
    }
}

extension CollectionDifference.Change {
    fileprivate var place: Int {
        switch self {
        case .insert(let place, _, _), .remove(let place, _, _): place
        }
    }
}
