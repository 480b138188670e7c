import Firewall
import Glibc
import Netlink
import TestSupport
import Testing
import Wire

/// What the kernel does not take: the words of the error, and that nothing has changed.
@Suite struct FirewallRefusalTests {
    @Test func aRefusedChangeLeavesAllAsItWas() async throws {
        try await isolated {
            let table = try FirewallTable(name: "t")
            try table.load(Samples.small())
            let before = run("nft -a list ruleset").output
            var broken = Samples.small(hosts: [5, 6])
            broken.counters.append("c_new")
            broken.chains[0].rules.insert(
                RulesetRule([.addressIn(.source, set: "g_missing"), .accept], comment: "allow ssh from nobody"), at: 1)
            let error = try #require(throws: FirewallError.self) { try table.swap(to: broken) }
            #expect(error.code == ENOENT)
            #expect(error.object == "rule 2 of chain input: allow ssh from nobody")
            #expect(
                error.description.hasPrefix(
                    "cannot change the firewall: cannot add rule 2 of chain input: allow ssh from nobody: "
                        + "No such file or directory (ENOENT)"), "\(error)")
            #expect(run("nft -a list ruleset").output == before)
            #expect(table.loaded?.sets == Samples.small().sets)

            let again = try #require(throws: FirewallError.self) { try table.load(broken) }
            #expect(again.object == error.object)
            #expect(run("nft -a list ruleset").output == before)
            try table.swap(to: Samples.small(hosts: [5, 6]))
        }
    }

    @Test func refusedObjectsAreNamed() async throws {
        try await isolated {
            let table = try FirewallTable(name: "t")
            func refused(_ change: (inout Ruleset) -> Void) throws -> String {
                var ruleset = Samples.small()
                change(&ruleset)
                let error = try #require(throws: FirewallError.self) { try table.load(ruleset) }
                return "\(error.refusal.operation) \(error.object) \(error.refusal.codeName)"
            }
            #expect(
                try refused { $0.sets.append(RulesetSet(name: "g_some", elements: .hosts([]))) }
                    == "create set g_some EEXIST")
            #expect(try refused { $0.counters.append("c_rest") } == "create counter c_rest EEXIST")
            #expect(try refused { $0.chains.append(RulesetChain(name: "input")) } == "create chain input EEXIST")
            #expect(
                try refused {
                    $0.maps = [RulesetMap(name: "m", elements: .hosts([HostJump(Samples.address(1), chain: "x")]))]
                }
                    == "add elements to map m ENOENT")
            #expect(
                try refused {
                    $0.sets.append(
                        RulesetSet(
                            name: "g_p",
                            elements: .prefixes([Samples.prefix("fd00::/16"), Samples.prefix("fd00::/24")])))
                } == "add elements to set g_p EEXIST")
            #expect(
                try refused { $0.chains[0].rules.append(RulesetRule([.transport(6), .clampMSS], comment: "clamp")) }
                    == "add rule 3 of chain input: clamp EOPNOTSUPP")
            #expect(run("nft list ruleset").output.isEmpty)
        }
    }

    /// More answers than the receive buffer holds: the first, which counts, is among those that come.
    @Test func ofManyRefusalsTheFirstIsNamed() async throws {
        try await isolated {
            let table = try FirewallTable(name: "t")
            var ruleset = Samples.large(rules: 3000, hosts: 0)
            ruleset.sets = []
            let error = try #require(throws: FirewallError.self) { try table.load(ruleset) }
            #expect(error.code == ENOENT)
            #expect(error.object == "rule 1 of chain input: rule 0")
            #expect(error.furtherRefusals > 100)
            try table.load(Samples.small())
        }
    }

    @Test func aTrialSeesWhatALoadWouldSeeAndChangesNothing() async throws {
        try await isolated {
            let table = try FirewallTable(name: "t")
            try table.trial(Samples.everything(table: "t"))
            #expect(run("nft list ruleset").output.isEmpty)

            try table.load(Samples.small())
            let before = run("nft -a list ruleset").output
            let watcher = try FirewallWatcher()
            try table.trial(Samples.everything(table: "t"))
            try table.trial(Samples.large(rules: 200, hosts: 3000))

            var circle = Samples.small()
            circle.chains.append(RulesetChain(name: "a", rules: [RulesetRule([.jump("b")], comment: "a to b")]))
            circle.chains.append(RulesetChain(name: "b", rules: [RulesetRule([.jump("a")], comment: "b to a")]))
            circle.chains[0].rules.append(RulesetRule([.jump("a")]))
            let loop = try #require(throws: FirewallError.self) { try table.trial(circle) }
            // EMLINK since the kernel counts the jumps instead of looking for the circle.
            #expect(loop.code == ELOOP || loop.code == EMLINK, "\(loop)")
            #expect(loop.object.hasPrefix("rule "), "\(loop)")

            var wrongHook = Samples.small()
            wrongHook.chains[0].rules.append(RulesetRule([.masquerade]))
            let hook = try #require(throws: FirewallError.self) { try table.trial(wrongHook) }
            #expect(hook.object == "rule 3 of chain input", "\(hook)")

            var missing = Samples.small()
            missing.sets = []
            let set = try #require(throws: FirewallError.self) { try table.trial(missing) }
            #expect(set.code == ENOENT && set.object == "rule 2 of chain input", "\(set)")

            #expect(run("nft -a list ruleset").output == before)
            #expect(try watcher.drain(table: "t", ownPort: 0).isEmpty)
        }
    }

    @Test func withoutThePrivilegeTheErrorSaysWhatToDo() async throws {
        try await isolated {
            let table = try FirewallTable(name: "t")
            #expect(Syscalls.dropEffective(12))
            let error = try #require(throws: FirewallError.self) { try table.load(Samples.small()) }
            #expect(error.code == EPERM && error.owner == nil)
            #expect(error.description.contains("CAP_NET_ADMIN"), "\(error)")
            let trial = try #require(throws: FirewallError.self) { try table.trial(Samples.small()) }
            #expect(trial.code == EPERM)

            // The buffer is as large as the system lets everybody have it, and the batch is not split.
            let large = try #require(throws: FirewallError.self) {
                try table.load(Samples.large(rules: 1, hosts: 330_000))
            }
            #expect(large.code == EMSGSIZE)
            #expect(large.description.contains("larger than the socket's send buffer"), "\(large)")
        }
    }
}
