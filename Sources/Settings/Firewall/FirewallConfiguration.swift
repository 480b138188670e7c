package import Firewall

/// What passes between this box and the mesh, as the file says it: names of groups and networks stay names, so that
/// it can be shown again. `Configuration.firewallPolicy` resolves them.
package struct FirewallConfiguration: Equatable, Sendable {
    /// Whether anything is filtered at all.
    package var enabled = true
    /// From the mesh.
    package var inbound = ConfiguredRules(fallback: .deny)
    /// Into the mesh.
    package var outbound = ConfiguredRules(fallback: .allow)
    package var nat: [Masquerade] = []
    package var clampMSS = ClampMSS.auto
    /// Absolute paths and patterns of files with raw nft text. They are read when the rules are loaded.
    package var include: [String] = []
    /// What has to come out before a policy is loaded.
    package var tests: [FirewallTest] = []
    /// Whether every reload ends what is open and would not be let begin, and what removed peers have open.
    package var cutRemoved = false
    /// The table's name. A second daemon on one machine has another.
    package var table = Ruleset.standardTable
}

extension Configuration {
    package var enforcesFirewall: Bool { firewall.enabled && portal.enabled }

    /// Why nothing is enforced.
    package var firewallIdleReason: String? {
        if !portal.enabled { return "there is no portal to guard" }
        return firewall.enabled ? nil : "firewall.enabled is false"
    }
}

extension FirewallConfiguration {
    static let table = Section(
        "firewall", expected: "a mapping such as {default: deny, rules: []}",
        comment: """
            What may pass between this box and the mesh. Each rule has one action (allow, deny, reject; drop is another
            word for deny), the services that it is about, and who may use them. The first rule that matches
            decides. Answers to what was allowed always pass, and so does the ICMPv6 that IPv6 needs; ping is
            allowed unless a rule denies icmpv6/echo-request.
            """
    ) {
        Setting(
            "firewall.enabled", \.firewall.enabled, .flag, .reload,
            comment: "With false nothing is filtered: everybody on the mesh reaches every service of this box.",
            help: "`false`: nothing is filtered, and `status` says so")
        Setting(
            "firewall.default", \.firewall.inbound.fallback, .action, .together,
            comment: """
                What becomes of traffic from the mesh that no rule matches: deny (in silence), reject (with an answer)
                or allow.
                """,
            help: "what becomes of the rest from the mesh: `deny`, `reject`, `allow`")
        Setting(
            "firewall.rules", \.firewall.inbound.rules, .rules(.inbound), .together,
            comment: ruleComment,
            help: "`{allow\\|deny\\|reject: SERVICE, from:, to:, limit:, log:, comment:}`; the first that matches wins"
        )
        .turn(.rules).inFile(.lines(ruleSample))
        Section(
            "firewall.outbound", expected: "a mapping such as {default: allow, rules: []}",
            comment: """
                The same for traffic into the mesh: there `to` is the mesh's side, and `from` is box, networks behind this
                box, or any (the default).
                """
        ) {
            Setting(
                "firewall.outbound.default", \.firewall.outbound.fallback, .action, .together,
                help: "the same for what goes into the mesh")
            Setting(
                "firewall.outbound.rules", \.firewall.outbound.rules, .rules(.outbound), .together,
                help: "there `to` is the mesh's side"
            )
            .turn(.rules).inFile(.lines("rules:\n  - reject: tcp/25\n    to: any"))
        }
        Setting(
            "firewall.nat", \.firewall.nat, .masquerades, .together,
            comment: """
                Gives forwarded packets this box's own address, where the other side has no route back: what comes
                from lan (into the mesh), or what comes from the mesh (into lan).
                """,
            help: "masquerading for networks behind the box"
        )
        .turn(.rules).inFile(.lines("nat:\n  - masquerade: lan\n  - {masquerade: mesh, to: lan}"))
        Setting(
            "firewall.clamp_mss", \.firewall.clampMSS, .clamp, .together,
            comment: """
                Whether forwarded TCP is told how large its segments may be: true, false, or auto (if there are
                networks behind this box).
                """,
            help: "segment sizes of forwarded TCP: `auto` (where networks are behind the box), `true`, `false`")
        Setting(
            "firewall.include", \.firewall.include, .globs, .together,
            comment:
                "Files with raw nft text for what the rules cannot say; * is possible. They are asked before the rules.",
            help: "files of raw nft rules"
        )
        .inFile(.lines("include:\n  - /etc/inet256vpn/firewall.d/*.nft"))
        Setting(
            "firewall.tests", \.firewall.tests, .tests, .together, comment: testComment,
            help: "what must come out before a policy is loaded"
        )
        .turn(.rules).inFile(.lines(testSample))
        Setting(
            "firewall.cut_removed", \.firewall.cutRemoved, .flag, .together,
            comment: """
                Whether every reload ends open connections that the new rules would not let begin, and those of removed
                peers, as `reload --cut` does once.
                """,
            help: "every reload ends what is open and could not begin any more, as `reload --cut` does once")
        Setting(
            "firewall.table", \.firewall.table, .tableName, .restart,
            comment: "The name of the table in the kernel. A second daemon on one machine needs another.",
            help:
                "the name of the table in the kernel; [a second daemon on one machine](#two-on-one-machine) needs another"
        )
    }
    .asSample().together { old, new in old.hasSameFilters(as: new) }
}
