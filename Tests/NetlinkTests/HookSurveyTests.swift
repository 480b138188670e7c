import Firewall
import Netlink
import TestSupport
import Testing

@Suite struct HookSurveyTests {
    @Test func anEmptyNamespaceFiltersNothing() async throws {
        try await isolated {
            #expect(try NftTables(try NetlinkSocket(.netfilter)).list().isEmpty)
            let filters = try HookSurvey.inputFilters()
            #expect(filters.isEmpty)
            #expect(HookSurvey.summary(filters) == "nothing filters inbound traffic")
        }
    }

    @Test func whatFiltersIsNamedInTheOrderOfPassing() async throws {
        try await isolated {
            let made = run(
                """
                nft -f - <<'END'
                table inet filter {
                    chain input { type filter hook input priority 0; policy drop; }
                    chain forward { type filter hook forward priority 0; policy drop; }
                    chain plain { accept; }
                }
                table ip6 early {
                    chain pre {
                        type filter hook prerouting priority -300;
                        ip6 saddr ::1 drop;
                    }
                }
                table inet open {
                    chain input { type filter hook input priority -5; policy accept; }
                }
                table ip only4 {
                    chain input { type filter hook input priority 0; policy drop; }
                }
                table ip6 nat {
                    chain pre {
                        type nat hook prerouting priority -100; policy accept;
                        tcp dport 1 accept;
                    }
                }
                table inet asleep {
                    flags dormant;
                    chain input { type filter hook input priority 7; policy drop; }
                }
                END
                """)
            try #require(made.code == 0, "\(made.output)")
            let socket = try NetlinkSocket(.netfilter)
            let tables = try NftTables(socket).list()
            #expect(
                tables.map(\.description).sorted() == [
                    "inet asleep", "inet filter", "inet open", "ip only4", "ip6 early", "ip6 nat",
                ])
            #expect(tables.filter(\.isDormant).map(\.name) == ["asleep"])
            #expect(tables.allSatisfy { $0.owner == nil })
            #expect(tables.first { $0.name == "filter" }?.uses == 3)

            let chains = try BaseChains(socket).list()
            #expect(chains.count == 7, "\(chains)")
            let early = try #require(chains.first)
            #expect(early.hook == .prerouting && early.priority == -300 && early.type == "filter" && early.rules == 1)

            let filters = try HookSurvey.inputFilters()
            #expect(
                HookSurvey.summary(filters)
                    == "inbound is filtered by ip6 early/pre policy accept, inet filter/input policy drop")
        }
    }

    @Test func chainsOfDevicesAndOfTheWayOut() async throws {
        try await isolated {
            let made = run(
                """
                nft -f - <<'END'
                table netdev early {
                    chain in { type filter hook ingress device "lo" priority 0; policy drop; }
                    chain late { type filter hook egress device "lo" priority 0; policy drop; }
                }
                table inet filter {
                    chain in { type filter hook ingress device "lo" priority 0; policy drop; }
                    chain out { type filter hook output priority 0; policy drop; }
                    chain post { type filter hook postrouting priority 0; ip6 saddr ::1 drop; }
                }
                table bridge b {
                    chain in { type filter hook input priority 0; policy drop; }
                }
                table arp a {
                    chain in { type filter hook input priority 0; policy drop; }
                }
                END
                """)
            try #require(made.code == 0, "\(made.output)")
            let found = try HookSurvey.filters(at: Set(NftHook.allCases))
            #expect(
                Set(found.map { "\($0) at \($0.hook)" }) == [
                    "netdev early/in policy drop at ingress", "netdev early/late policy drop at egress",
                    "inet filter/in policy drop at ingress", "inet filter/out policy drop at output",
                    "inet filter/post policy accept at postrouting",
                ])
            #expect(found.allSatisfy { $0.isAt("lo") })
            // Those of another device are none of this one's business.
            #expect(Set(found.filter { $0.isAt("inet256") }.map(\.hook)) == [.output, .postrouting])
            #expect(try HookSurvey.inputFilters().isEmpty)
        }
    }

    @Test func withoutThePrivilegeTheErrorSaysSo() async throws {
        try await isolated {
            #expect(Syscalls.dropEffective(12))
            let error = try #require(throws: NetlinkError.self) { _ = try HookSurvey.inputFilters() }
            #expect(error.isPermission && error.operation == "list nftables tables")
        }
    }
}
