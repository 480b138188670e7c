import Firewall
import INET256
import TestSupport
import Testing

@testable import Settings

/// What commands change of a configuration, and what they refuse.
@Suite struct ConfigurationStepTests {
    private static let file = """
        # ours
        peers:
          - id: \(Sample.plain)
            name: office
          - id: "\(Sample.dashed)"
            name: barn   # cows
        groups:
          admins: [office, barn]
          all: [admins, "fd12::/16"]
        networks: {yard: {via: barn, prefixes: ["fdaa:2::/64"]}}
        portal: {allow: [office, any]}
        firewall:
          rules:
            - allow: ssh
              from: [office, barn]
            - deny: any
              from: all
          outbound:
            rules: [{reject: tcp/25, to: barn}]
          tests:
            - {from: barn, to: ssh, expect: allow}
            - {way: out, to: barn, service: tcp/25, expect: reject}

        """

    private static func read(_ text: String = file) throws -> EditedConfiguration {
        try EditedConfiguration(Array(text.utf8), file: "/etc/box/config.yaml")
    }

    private static func address(_ text: String) -> Address {
        guard let address = Address(text) else { preconditionFailure("\(text) is an address") }
        return address
    }

    private static func peer(_ name: String?, _ id: String = Sample.doubleDashed) throws -> PeerConfiguration {
        PeerConfiguration(id: try Sample.address(id), name: name)
    }

    /// The lines that are different.
    private static func changes(_ steps: [ConfigurationStep], _ text: String = file) throws -> [String] {
        let new = try read(text).applying(steps)
        return UnifiedDiff.lines(text, new.text.text, name: "").dropFirst(2).filter {
            $0.hasPrefix("+") || $0.hasPrefix("-")
        }
    }

    @Test func severalStepsAreOne() throws {
        let peer = try Self.peer("tower")
        let lines = try Self.changes([
            .addPeer(peer), .addGroupMember(group: "admins", member: "tower"),
            .addGroupMember(group: "new", member: "tower"), .addGroupMember(group: "new", member: Sample.plain),
        ])
        #expect(
            lines == [
                "+  - id: \"\(Sample.doubleDashed)\"", "+    name: tower", "-  admins: [office, barn]",
                "+  admins: [office, barn, tower]", "+  new: [tower, \(Sample.plain)]",
            ])
        #expect(throws: EditRefusal.self) {
            _ = try Self.read().applying([.addPeer(peer), .addGroupMember(group: "admins", member: "barn")])
        }
    }

    @Test func aRenameIsFollowedEverywhere() throws {
        let new = try Self.read().applying([.renamePeer("barn", to: "stable")])
        #expect(!new.text.text.contains("barn"))
        #expect(new.text.text.filter(\.isNewline).count == Self.file.filter(\.isNewline).count)
        #expect(
            new.done == [
                "renamed the peer barn to stable, also in groups.admins[1], networks.yard.via, firewall.rules[0].from[1], "
                    + "firewall.outbound.rules[0].to, firewall.tests[0].from, firewall.tests[1].to"
            ])
        let unnamed = "peers: [{id: \(Sample.plain)}]\n"
        #expect(
            try Self.changes([.renamePeer(Sample.plain, to: "box-1")], unnamed).last
                == "+peers: [{id: \(Sample.plain), name: box-1}]")
    }

    /// Who is answered about names, and whose services are told.
    @Test func namesInDNSAreFollowedToo() throws {
        let text = """
            peers: [{id: \(Sample.plain), name: office}, {id: "\(Sample.dashed)", name: this}]
            dns:
              allow: [office]
              services:
                - {name: _ssh._tcp, port: 22, host: office}
                - {name: _http._tcp, port: 80, host: this}

            """
        let new = try Self.read(text).applying([.renamePeer("office", to: "tower"), .renamePeer("this", to: "that")])
        #expect(
            new.text.text
                == text.replacing("office", with: "tower").replacing("name: this", with: "name: that"))
        #expect {
            _ = try Self.read(text).applying([.removePeer("office")])
        } throws: { error in
            "\(error)".contains("office is still named in dns.allow[0] (line 3), dns.services[0].host (line 5)")
        }
        let answered = "peers: [{id: \(Sample.plain), name: office}]\ndns: {allow: [office]}\n"
        #expect(
            try Self.read(answered).applying([.removePeer("office", everywhere: true)]).text.text
                == "peers: []\ndns: {allow: []}\n")
    }

    @Test func aPeerLeavesWithAllThatNamesIt() throws {
        let text = """
            peers:
              - {id: \(Sample.plain), name: office}
              - {id: "\(Sample.dashed)", name: barn}
            groups: {admins: [office, barn]}
            portal: {allow: [barn]}
            firewall:
              rules:
                - allow: ssh
                  from: [office, barn]
                # cows
                - allow: http
                  from: barn
              tests: [{from: barn, to: ssh, expect: allow}]
            """
        let new = try Self.read(text).applying([.removePeer("barn", everywhere: true)])
        #expect(
            new.text.text == """
                peers:
                  - {id: \(Sample.plain), name: office}
                groups: {admins: [office]}
                portal: {allow: []}
                firewall:
                  rules:
                    - allow: ssh
                      from: [office]
                    # cows
                  tests: []
                """)
    }

    @Test func aRuleGoesWhereItHasAnEffect() throws {
        let text = """
            peers: [{id: \(Sample.plain), name: office}, {id: "\(Sample.dashed)", name: barn}]
            firewall:
              rules:
                - allow: ssh
                  from: office
                - deny: any
                  from: peers

            """
        func done(_ draft: RuleDraft) throws -> String { try Self.read(text).applying([.addRule(draft)]).done.joined() }
        #expect(
            try done(RuleDraft(.allow, services: ["http"], subjects: ["barn"])) == "rule 1: allow http from barn")
        #expect(
            try done(RuleDraft(.allow, services: ["http", "https"], subjects: ["fd12::/16"]))
                == "rule 2: allow http, https from fd12::/16")
        var first = RuleDraft(.reject, services: ["ssh"], subjects: ["any"])
        first.before = 0
        #expect(try done(first) == "rule 0: reject ssh from any")
        var out = RuleDraft(.deny, services: ["tcp/25"], subjects: ["any"])
        out.way = .outbound
        out.limit = "10/minute"
        out.comment = "no mail"
        #expect(try done(out) == "outbound rule 0: deny tcp/25 to any limit 10/minute burst 5")
    }

    static let refused: [(step: ConfigurationStep, word: String)] = [
        (.renamePeer("office", to: "barn"), "a peer is called barn already"),
        (.renamePeer("office", to: "admins"), "a group is called admins already"),
        (.renamePeer("office", to: "yard"), "a network is called yard already"),
        (.renamePeer("office", to: "any"), "has a meaning of its own"),
        (.renamePeer("offcie", to: "x"), "Did you mean office?"),
        (.replacePeer(address(Sample.doubleDashed), with: address(Sample.plain)), "no peer has the address --Lz5Z"),
        (.replacePeer(address(Sample.plain), with: address(Sample.dashed)), "is a peer already: peers[1], called barn"),
        (
            .replacePeer(address(Sample.plain), with: address(Sample.plain)),
            "is a peer already: peers[0], called office"
        ),
        (.setFormerKey(path: "./x", until: .max), "years have four digits"),
        (.setFormerKey(path: "./x", until: -1), "years have four digits"),
        (.setFormerKey(path: "./x/", until: 0), "the path of a file"),
        (.setFormerKey(path: "./private_key.inet256", until: 0), "a key file of its own"),
        (.removePeer("office"), "office is still named in groups.admins[0] (line 8)"),
        (.removePeer("office", everywhere: true), "which denies something to office"),
        (.addGroupMember(group: "admins", member: "office"), "in the group admins already"),
        (.addGroupMember(group: "admins", member: Sample.plain), "in the group admins already"),
        (.addGroupMember(group: "admins", member: "nobody"), "the command line"),
        (.addGroupMember(group: "admins", member: "all"), "circle"),
        (.addGroupMember(group: "barn", member: "office"), "a peer is called barn already"),
        (.removeGroup("admins"), "still named in groups.all[0]"),
        (.removeGroup("nobody"), "there is no group nobody"),
        (.removeGroupMember(group: "admins", member: "fd13::/16"), "is not in the group"),
        (.addRule(RuleDraft(.allow, services: ["ssh"], subjects: ["office", "barn"])), "rule 0 says that already"),
        (.addRule(RuleDraft(.allow, services: ["tcp/22"], subjects: ["office"])), "rule 0 covers that already"),
        (.addRule(RuleDraft(.allow, services: ["shh"], subjects: ["office"])), "did you mean \"ssh\""),
        (.addRule(RuleDraft(.allow, services: ["ssh"], subjects: ["nobody"])), "the command line"),
    ]

    @Test(arguments: refused.indices)
    func itIsRefusedInWords(_ place: Int) throws {
        let (step, word) = Self.refused[place]
        #expect {
            _ = try Self.read().applying([step])
        } throws: { error in
            "\(error)".contains(word)
        }
    }

    @Test func onePeerIsAddedOnce() throws {
        for (peer, word) in [
            (try Self.peer("other", Sample.plain), "is a peer already: peers[0], called office"),
            (try Self.peer("barn"), "a peer is called barn already"), (try Self.peer("-x"), "commands would take it"),
        ] {
            #expect {
                _ = try Self.read().applying([.addPeer(peer)])
            } throws: { error in
                "\(error)".contains(word)
            }
        }
    }

    /// Each key lands below what the default file says of it.
    @Test func theDefaultFileIsFilledIn() throws {
        let text = Configuration.commentedDefault
        let new = try Self.read(text).applying([
            .addPeer(try Self.peer("tower")), .addGroupMember(group: "admins", member: "tower"),
            .addRule(RuleDraft(.allow, services: ["ssh"], subjects: ["admins"])),
        ])
        let lines = new.text.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        func line(before key: String) throws -> String { lines[try #require(lines.firstIndex(of: key)) - 1] }
        #expect(try line(before: "peers:").hasPrefix("#    addrs:"))
        #expect(try line(before: "groups:").hasPrefix("#  known:"))
        #expect(try line(before: "firewall:").hasPrefix("#"))
        #expect(new.text.comments == (try Self.read(text)).text.comments)
    }
}
