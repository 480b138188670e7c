import Firewall
import Glibc
import Netlink
import TestSupport
import Testing
import Wire

/// The table in the kernel, seen through nft(8).
@Suite struct FirewallTableTests {
    @Test func nftPrintsEveryStatementAsItWasMeant() async throws {
        try await isolated {
            let table = try FirewallTable(name: "t")
            try table.load(Samples.everything(table: "t"), owned: false)
            #expect(!table.isOwned)
            let listed = run("nft list table inet t")
            #expect(listed.output == recorded("everything.nft", listed.output), "\(listed.output)")
            #expect(try table.isIntact())
        }
    }

    /// Bound to the interface, the table is the same by its number: nft shows whatever the name is at the moment, and counts stay.
    @Test func aTableFollowsTheInterfaceAndNotItsName() async throws {
        try await isolated {
            let made = run(
                "ip link set lo up; ip -6 address add fd01::1/128 dev lo; "
                    + "ip link add portal type veth peer name far; ip link set far up; ip link set portal up")
            #expect(made.code == 0, "\(made.output)")
            let index = try #require(try Links(try NetlinkSocket()).find("portal")).index
            var ruleset = Ruleset(table: "t")
            ruleset.counters = ["c_out"]
            ruleset.chains = [
                RulesetChain(
                    name: "output", hook: .init(.filter, .output, priority: 0),
                    rules: [
                        RulesetRule([.outputInterface("portal"), .icmpv6Type(128), .counter(named: "c_out"), .drop])
                    ])
            ]
            let table = try FirewallTable(name: "t")
            try table.load(ruleset)
            // One echo: it is counted where it leaves by the portal.
            func counted(by name: String) throws -> UInt64? {
                run("ip -6 route replace fd00::/8 dev \(name); ping -6 -I fd01::1 -c 1 -W 1 fd00::1")
                return try table.counters()["c_out"]?.packets
            }
            #expect(try counted(by: "portal") == 1)
            try table.swap(to: ruleset.bound(to: index))
            #expect(try table.counters()["c_out"]?.packets == 1, "a count is lost")
            #expect(run("nft list table inet t").output.contains("oif \"portal\" icmpv6 type echo-request"))
            #expect(run("ip link set portal name fled").code == 0)
            #expect(try counted(by: "fled") == 2)
            #expect(run("nft list table inet t").output.contains("oif \"fled\""))
            // Whoever takes the name is not taken for the portal.
            let taken = run("ip link add portal type veth peer name off; ip link set off up; ip link set portal up")
            #expect(taken.code == 0, "\(taken.output)")
            #expect(try counted(by: "portal") == 2)
        }
    }

    @Test func anOwnedTableIsOurs() async throws {
        try await isolated {
            let table = try FirewallTable(name: "t")
            try table.load(Samples.small())
            #expect(table.isOwned)
            #expect(try table.isIntact())
            #expect(try NftTables(try NetlinkSocket(.netfilter)).list().first?.owner == table.port)
            for edit in ["add rule inet t input drop", "flush chain inet t input", "delete table inet t"] {
                let answer = run("nft \(edit)")
                #expect(answer.code != 0, "\(edit)")
                #expect(answer.output.contains("Operation not permitted"), "\(answer.output)")
            }
            #expect(run("nft flush ruleset").code == 0)
            #expect(try table.isIntact())

            let second = try FirewallTable(name: "t")
            let error = try #require(throws: FirewallError.self) { try second.load(Samples.small()) }
            #expect(error.code == EPERM)
            #expect(error.owner?.hasSuffix("(process \(getpid()))") == true, "\(error)")
            #expect(error.description.contains("the table belongs to "), "\(error)")
        }
    }

    @Test func theTableGoesWithItsSocket() async throws {
        try await isolated {
            var table: FirewallTable? = try FirewallTable(name: "t")
            try table?.load(Samples.small())
            #expect(run("nft list tables").output == "table inet t\n")
            table = nil
            #expect(run("nft list tables").output.isEmpty)
        }
    }

    @Test func removalTakesTheTableAndMayBeRepeated() async throws {
        try await isolated {
            let table = try FirewallTable(name: "t")
            try table.load(Samples.everything(table: "t"))
            try table.remove()
            #expect(run("nft list tables").output.isEmpty)
            #expect(table.loaded == nil && !table.isOwned)
            try table.remove()
            try table.load(Samples.small())
            #expect(try table.isIntact())
        }
    }

    @Test func leftoversAreReplacedAndOthersStay() async throws {
        try await isolated {
            #expect(run("nft 'add table inet t; add chain inet t old; add table ip t; add table inet other'").code == 0)
            let table = try FirewallTable(name: "t")
            try table.load(Samples.small())
            #expect(table.isOwned)
            #expect(run("nft list tables").output == "table ip t\ntable inet other\ntable inet t\n")
            #expect(!run("nft list table inet t").output.contains("chain old"))
        }
    }

    @Test func aChangeKeepsCountersAndRulesThatStand() async throws {
        try await isolated {
            #expect(run("ip link set lo up").code == 0)
            let table = try FirewallTable(name: "t")
            try table.load(Samples.small())
            #expect(run("ping -q -c 3 -i 0.01 ::1").code == 0)
            #expect(try table.counters()["c_echo"]?.packets == 3)
            #expect(try table.counters()["c_echo"]?.bytes == 3 * 104)

            var other = Samples.small()
            other.counters.append("c_new")
            other.chains[0].rules.append(RulesetRule([.transport(17), .counter(named: "c_new"), .accept]))
            other.chains.append(RulesetChain(name: "more", rules: [RulesetRule([.drop])]))
            try table.swap(to: other)
            #expect(table.loaded?.counters == other.counters)
            #expect(try table.counters()["c_echo"]?.packets == 3)
            #expect(run("ping -q -c 2 -i 0.01 ::1").code == 0)
            #expect(try table.counters()["c_echo"] == FirewallCount(packets: 5, bytes: 5 * 104))
            #expect(try table.counters().keys.sorted() == ["c_echo", "c_new", "c_rest"])

            try table.swap(to: Samples.small())
            #expect(try table.counters()["c_echo"]?.packets == 5)
            #expect(!run("nft list table inet t").output.contains("more"))
        }
    }

    @Test func aChangeOfElementsTouchesNoRule() async throws {
        try await isolated {
            let table = try FirewallTable(name: "t")
            try table.load(Samples.everything(table: "t"))
            let rules = run("nft -a list chain inet t input").output
            var other = Samples.everything(table: "t")
            other.sets[0].elements = .hosts([Samples.address(2), Samples.address(77)])
            // One that grows, one that goes, one that stays, one that comes, and one that lies to the end.
            other.sets[1].elements = .prefixes(
                ["fd00::/15", "fd03::1/128", "fd04::/128", "fe80::/10"].map(Samples.prefix))
            other.sets[2].elements = .prefixes([Samples.prefix("8000::/1")])
            other.sets[3].elements = .services([
                PortRange(protocol: 17, ports: 5000...5005), PortRange(protocol: 132, ports: 0...65535),
            ])
            try table.swap(to: other)
            #expect(run("nft -a list chain inet t input").output == rules)
            #expect(elements("g_admins") == "fd00::2, fd00::4d")
            #expect(elements("g_wide") == "fd00::/15, fd03::1, fd04::, fe80::/10")
            #expect(elements("g_none") == "8000::/1")
            // Printed in no order that could be relied on.
            let services = elements("s_web")
            #expect(services.contains("sctp . 0-65535") && services.contains("udp . 5000-5005"), "\(services)")
            #expect(services.split(separator: ",").count == 2)
            try table.swap(to: Samples.everything(table: "t"))
            #expect(elements("g_wide") == "fd00::/16, fd01::/16, fd03::1, ff00::/8")
            #expect(elements("g_none") == "")
        }
    }

    /// Whatever it was before: what stands after a change is what a fresh load would have made.
    @Test func aChangeEndsWhereAFreshLoadDoes() async throws {
        try await isolated {
            let table = try FirewallTable(name: "t")
            var replaced = Samples.everything(table: "t")
            // Under their old names: a set of another kind, a limit of another rate, another map, a chain at another hook.
            replaced.sets[0].elements = .prefixes([Samples.prefix("fd00::/9")])
            replaced.limits = [NamedLimit(name: "l_ssh", limit: RateLimit(3, per: .hour))]
            replaced.maps[0] = RulesetMap(
                name: "m_ports", elements: .services([ServiceJump(PortRange(protocol: 17, ports: 1...9), chain: "end")])
            )
            replaced.chains[3].hook = .init(.filter, .postrouting, priority: -140)
            let rulesets = [Samples.small(), Samples.everything(table: "t"), replaced, Ruleset(table: "t")]
            var fresh: [[Substring]] = []
            for ruleset in rulesets {
                try table.load(ruleset)
                fresh.append(lines())
            }
            for from in rulesets.indices {
                for to in rulesets.indices {
                    try table.load(rulesets[from])
                    try table.swap(to: rulesets[to])
                    #expect(lines() == fresh[to], "from \(from) to \(to)")
                }
            }
        }
    }

    @Test func tenThousandHostsAndAThousandRulesAreOneBatch() async throws {
        try await isolated {
            let table = try FirewallTable(name: "t")
            let clock = ContinuousClock()
            let ruleset = Samples.large(rules: 1000, hosts: 10000)
            let loading = try clock.measure { try table.load(ruleset) }
            let listed = run("nft list table inet t").output
            #expect(listed.matches(of: /counter name "c_\d+" accept/).count == 1000)
            #expect(elements("g_many").split(separator: ",").count == 10000)
            var other = ruleset
            other.chains[0].rules.reverse()
            other.sets[0].elements = .hosts((5000..<15000).map { Samples.address($0 * 7 + 1) })
            let changing = try clock.measure { try table.swap(to: other) }
            #expect(elements("g_many").split(separator: ",").count == 10000)
            var counters = 0
            let reading = try clock.measure { counters = try table.counters().count }
            #expect(counters == 1000)
            print("1,000 rules and 10,000 hosts: load \(loading), change \(changing), counters \(reading)")
        }
    }

    private func elements(_ set: String) -> String {
        let text = run("nft list set inet t \(set)").output
        guard let start = text.firstRange(of: "elements = {"), let end = text.lastIndex(of: "}") else { return "" }
        let inside = text[start.upperBound..<end].prefix { $0 != "}" }
        return inside.split { " \n\t".contains($0) }.joined(separator: " ")
    }

    /// New things stand behind old ones, so the order of chains and sets is no matter.
    private func lines() -> [Substring] { run("nft list table inet t").output.split(separator: "\n").sorted() }
}
