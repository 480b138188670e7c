import INET256
import TestSupport
import Testing

@testable import Settings

/// What a new key changes of the files: that of its box, and those of its peers.
@Suite struct KeyStepTests {
    private static let file = "/etc/box/config.yaml"

    private static func applying(_ steps: [ConfigurationStep], _ text: String) throws -> EditedConfiguration {
        try EditedConfiguration(Array(text.utf8), file: file).applying(steps)
    }

    // MARK: A peer's

    private static let old = Sample.plain
    private static let new = Sample.doubleDashed

    private static func replaced(_ text: String) throws -> EditedConfiguration {
        try applying([.replacePeer(try Sample.address(old), with: try Sample.address(new))], text)
    }

    /// In every place that may have an address, and in no comment and no other text.
    @Test func theNewAddressStandsWhereverTheOldOneDid() throws {
        func text(_ id: String, plain: String) -> String {
            """
            # \(Self.old) is in the cellar
            peers:
              - id: \(plain)   # \(Self.old)
                name: office
                addrs: ["udp://vpn.example.org:25632", "dns://boxes.example.org"]
              - {id: "\(Sample.dashed)", name: barn}
            groups: {admins: ["\(id)", barn], all: [admins, "fd12::/16"]}
            networks: {yard: {via: '\(id)', prefixes: ["fdaa:2::/64"]}}
            portal: {allow: [barn, "\(id)"]}
            api: {allow: "\(id)"}
            dns: {allow: ["\(id)"]}
            firewall:
              rules:
                - allow: ssh
                  from: ["\(id)", barn]
                  comment: "\(Self.old)"
              outbound:
                rules: [{reject: tcp/25, to: "\(id)"}]
              tests:
                - {from: "\(id)", to: ssh, expect: allow}
                - {way: out, to: ["\(id)"], service: tcp/25, expect: reject}
            """
        }
        let edited = try Self.replaced(text(Self.old, plain: Self.old))
        // Without quotes a text begins with a letter here.
        #expect(edited.text.text == text(Self.new, plain: "\"\(Self.new)\""))
        #expect(
            edited.done == [
                "gave the peer office, \(Self.old), its new address \(Self.new), also in groups.admins[0], "
                    + "networks.yard.via, firewall.rules[0].from[0], firewall.outbound.rules[0].to, "
                    + "firewall.tests[0].from, firewall.tests[1].to[0], portal.allow[1], api.allow, dns.allow[0]"
            ])
        let configuration = edited.configuration
        let address = try Sample.address(Self.new)
        #expect(configuration.peers[0].id == address && configuration.peers[0].name == "office")
        #expect(configuration.peers[0].endpoints.count == 2)
        #expect(configuration.firewall.inbound.rules[0].comment == Self.old)
    }

    /// What names the peer follows without a word of it being touched.
    @Test func namesStay() throws {
        let text = "peers: [{name: office, id: \(Self.old)}]\ngroups: {g: office}\nportal: {allow: office}\n"
        let edited = try Self.replaced(text)
        #expect(edited.text.text == text.replacing(Self.old, with: "\"\(Self.new)\""))
        #expect(edited.configuration.groups[0].members == [.node(try Sample.address(Self.new))])
    }

    static let styles: [(String, String)] = [
        ("peers: [{id: 'OLD'}]", "peers: [{id: 'NEW'}]"),
        ("peers: [{id: &a OLD}]\r\ngroups: {g: *a }\r\n", "peers: [{id: &a \"NEW\"}]\r\ngroups: {g: *a }\r\n"),
        ("peers:\r\n- id: \"OLD\" # x\r\n  # y\r\n", "peers:\r\n- id: \"NEW\" # x\r\n  # y\r\n"),
        ("groups: {g: &a OLD}\npeers:\n  - id: *a\n", "groups: {g: &a \"NEW\"}\npeers:\n  - id: *a\n"),
        ("peers: [{id: !!str OLD}]\n", "peers: [{id: !!str \"NEW\"}]\n"),
        ("\u{feff}peers:\n  - name: a\n    ? id\n    : OLD", "\u{feff}peers:\n  - name: a\n    ? id\n    : \"NEW\""),
    ]

    @Test(arguments: styles) func itIsWrittenAsItWas(_ before: String, _ after: String) throws {
        let text = before.replacing("OLD", with: Self.old)
        #expect(try Self.replaced(text).text.text == after.replacing("NEW", with: Self.new))
    }

    /// A text that an alias puts into a comment of a rule as well cannot be another there.
    @Test func whatElseAnAliasMeansIsNotTouched() {
        let text = "peers: [{id: &a \(Self.old)}]\nfirewall: {rules: [{allow: ssh, comment: *a }]}\n"
        #expect {
            _ = try Self.replaced(text)
        } throws: { error in
            "\(error)".contains("an alias elsewhere") && "\(error)".contains("Write \"\(Self.new)\" by hand")
        }
    }

    /// Somebody has written the new address beside the old one: each member stands once.
    @Test func whereBothStandAPersonHasToChoose() {
        let text = "peers: [{id: \(Self.old)}]\ngroups: {g: [\(Self.old), \"\(Self.new)\"]}\n"
        #expect {
            _ = try Self.replaced(text)
        } throws: { error in
            "\(error)".contains("groups.g[1]") && "\(error)".contains("each member once")
        }
    }

    // MARK: This box's

    private static let time: Int64 = 1_798_538_400
    private static let set = ConfigurationStep.setFormerKey(path: "./former.inet256", until: time)
    private static let lines = "former_key:\n  path: \"./former.inet256\"\n  until: \"2026-12-29T10:00:00Z\"\n"

    static let added: [(String, String)] = [
        ("", lines), ("threads: 1\n", "threads: 1\n" + lines),
        ("threads: 1 # x", "threads: 1 # x\n" + lines.dropLast()),
        (
            "threads: 1\r\n\r\nlog: info\r\n",
            "threads: 1\r\n\r\nlog: info\r\n\r\n" + lines.replacing("\n", with: "\r\n")
        ),
        ("former_key:  # none\nthreads: 1", lines.replacing("key:", with: "key:  # none") + "threads: 1"),
        ("former_key: ~\n", lines), ("log: 'info'\n", "log: 'info'\n" + lines.replacing("\"", with: "'")),
        (
            "{threads: 1}\n",
            "{threads: 1, former_key: {path: \"./former.inet256\", until: \"2026-12-29T10:00:00Z\"}}\n"
        ),
        (
            "former_key: {until: 2026-01-01, path: 'x'} # y\n",
            "former_key: {until: \"2026-12-29T10:00:00Z\", path: './former.inet256'} # y\n"
        ),
        (
            "former_key:\r\n    # where\r\n    path: x\r\n    until: 2026-01-01T00:00:00Z # when",
            "former_key:\r\n    # where\r\n    path: \"./former.inet256\"\r\n    until: \"2026-12-29T10:00:00Z\" # when"
        ),
        (
            "former_key: &k\n  path: &p x\n  until: 2026-01-01\n",
            "former_key: &k\n  path: &p \"./former.inet256\"\n  until: \"2026-12-29T10:00:00Z\"\n"
        ),
        (
            "former_key:\n  path: >-\n    x\n  until: 2026-01-01\n",
            "former_key:\n  path: \"./former.inet256\"\n  until: \"2026-12-29T10:00:00Z\"\n"
        ),
    ]

    @Test(arguments: added) func itIsWritten(_ before: String, _ after: String) throws {
        let edited = try Self.applying([Self.set], before)
        #expect(edited.text.text == after)
        #expect(
            edited.configuration.formerKey == FormerKeyConfiguration(path: "/etc/box/former.inet256", until: Self.time))
        #expect(edited.done == ["the former key ./former.inet256 answers until 2026-12-29T10:00:00Z"])
        // The same once more is nothing else.
        #expect(try Self.applying([Self.set], after).text.text == after)
    }

    /// Below what the default file says of it.
    @Test func theDefaultFileIsFilledIn() throws {
        let text = Configuration.commentedDefault
        let edited = try Self.applying([Self.set], text)
        let lines = edited.text.text.split(separator: "\n", omittingEmptySubsequences: false)
        let place = try #require(lines.firstIndex(of: "former_key:"))
        #expect(lines[place - 1].hasPrefix("#  until:") && lines[place + 3].isEmpty)
        #expect(try Self.applying([.removeFormerKey], edited.text.text).text.text == text)
    }

    static let removed: [(String, String)] = [
        (
            "threads: 1\nformer_key:\n  # where\n  path: x\n  until: 2026-01-01\n\n# next\nlog: info\n",
            "threads: 1\n\n# next\nlog: info\n"
        ),
        ("# a\nformer_key: {path: x, until: 2026-01-01} # b\r\nlog: info\r\n", "# a\nlog: info\r\n"),
        ("log: info\nformer_key:\n  path: x\n  until: 2026-01-01", "log: info"),
        ("{threads: 1, former_key: {path: x, until: 2026-01-01}, log: info}\n", "{threads: 1, log: info}\n"),
        ("former_key: {path: x, until: 2026-01-01}\n", "{}\n"), ("log: info\nformer_key: ~\n", "log: info\n"),
        ("# nothing\n", "# nothing\n"), ("", ""), ("threads: 1", "threads: 1"),
    ]

    @Test(arguments: removed) func itIsTakenAway(_ before: String, _ after: String) throws {
        let edited = try Self.applying([.removeFormerKey], before)
        #expect(edited.text.text == after)
        #expect(edited.configuration.formerKey == nil)
        #expect(edited.done == (before.contains("path: x") ? ["took away the former key /etc/box/x"] : []))
    }

    /// What an alias elsewhere means too stays, and there are words for it.
    @Test func whatIsSharedIsRefused() {
        for (text, step) in [
            ("former_key: {path: &x y, until: 2026-01-01}\nstate_file: *x\n", Self.set),
            ("former_key: {path: &x y, until: 2026-01-01}\nstate_file: *x\n", ConfigurationStep.removeFormerKey),
        ] {
            #expect {
                _ = try Self.applying([step], text)
            } throws: { error in
                "\(error)".contains("former_key") && "\(error)".contains("alias")
            }
        }
    }
}
