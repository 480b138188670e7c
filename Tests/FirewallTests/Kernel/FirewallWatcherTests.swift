import Firewall
import TestSupport
import Testing
import Wire

@Suite struct FirewallWatcherTests {
    @Test func whoChangesATableThatNobodyOwnsIsNamed() async throws {
        try await isolated {
            #expect(run("ip link set lo up").code == 0)
            let watcher = try FirewallWatcher()
            let table = try FirewallTable(name: "t")
            func heard() throws -> [FirewallIntrusion] { try watcher.drain(table: "t", ownPort: table.port) }
            try table.load(Samples.small(), owned: false)
            try table.swap(to: Samples.small(hosts: [1, 2]))
            #expect(run("ping -q -c 2 -i 0.01 ::1").code == 0)
            #expect(try heard().isEmpty)
            #expect(run("nft 'add table inet other; add table ip t; add chain ip t c'").code == 0)
            #expect(try heard().isEmpty)
            #expect(try table.isIntact())

            for edit in ["add rule inet t input drop", "add element inet t g_some { fd00::9 }", "delete table inet t"] {
                let answer = run("echo $$; exec nft '\(edit)'")
                let process = try #require(UInt32(answer.output.dropLast()), "\(answer.output)")
                try #require(answer.code == 0)
                #expect(try heard() == [.changed(process: process, name: "nft")], "\(edit)")
            }
            #expect(try !table.isIntact())
            try table.restore()
            #expect(try table.isIntact())
            #expect(try heard().isEmpty)
            #expect(run("nft list set inet t g_some").output.contains("{ fd00::1,\n"))

            // A rule that takes the place of another shows by its handle.
            #expect(
                run("nft flush chain inet t input; nft add rule inet t input accept; nft add rule inet t input drop")
                    .code == 0)
            #expect(try !table.isIntact())
            #expect(try heard().count == 3)

            // A change finds that the table is not what it was, and puts all of it there.
            #expect(run("nft delete table inet t").code == 0)
            try table.swap(to: Samples.small(hosts: [8]))
            #expect(try table.isIntact())
            #expect(run("nft list table inet t").output.contains("fd00::8"))
            #expect(
                FirewallIntrusion.changed(process: 7, name: "nft").description
                    == "nft (process 7) changed the firewall's table")
        }
    }

    @Test func lostEventsAreToldAndLaterOnesHeard() async throws {
        try await isolated {
            let watcher = try FirewallWatcher(receiveBuffer: 1)
            let table = try FirewallTable(name: "t")
            try table.load(Samples.large(rules: 100, hosts: 1000), owned: false)
            #expect(try watcher.drain(table: "t", ownPort: table.port).contains(.lost))
        }
    }
}
