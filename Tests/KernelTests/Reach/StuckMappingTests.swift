import Foundation
import Testing

extension KernelTests {
    /// A router lost its rule for a while: what alice sent meanwhile left untranslated, and goes on so for as long as she calls from
    /// that port, restarted or not.
    @Suite struct StuckMappings {
        @Test(.timeLimit(.minutes(2)), arguments: [5, 9])
        func anotherSourcePortFindsTheWay(_ seconds: Int) async throws {
            try await Testbed.with { bed in
                let grid = try await NATGrid(in: bed)
                let outside = try await grid.site(.public)
                let home = try await grid.site(.portRestricted)
                let (alice, bob) = (try await bed.box("alice"), try await bed.box("bob"))
                try await outside.plug(bob.namespace, host: 10)
                try await home.plug(alice.namespace, host: 10)
                bob.configuration.peers = [.init(name: "alice", id: alice.address)]
                alice.configuration.peers = [
                    .init(name: "bob", id: bob.address, endpoints: ["\(outside.address(of: 10)):25632"])
                ]
                alice.configuration.allowed = [bob.address]
                bob.configuration.allowed = [alice.address]
                try await bob.start()
                try await alice.start()
                try await eventually("alice reaches bob") { try await alice.reaches(bob.ip6) }
                let pings = try Pings(in: bed, from: alice.namespace, to: bob.ip6, interval: 0.1)
                _ = try await pings.firstAnswer(after: 0)

                try await home.translate(false)
                try await home.forgetFlows()
                try await Task.sleep(for: .seconds(seconds))
                try await home.translate(true)
                let back = Pings.now
                let took = try await pings.firstAnswer(after: back, within: .seconds(60))
                print("stuck for \(seconds) s: back after \(took) s")
                #expect(took < 10 * Requirements.slack)

                // By the spare port, which status shows, and stays.
                let shown = try await alice.command("status")
                #expect(shown.output.matches(of: #/udp://\[::\]:[0-9]+/#).count >= 2, "\(shown)")
                let moment = Pings.now
                _ = try await pings.firstAnswer(after: moment + 8)
                #expect(try await bob.reaches(alice.ip6))
                await pings.stop()
            }
        }
    }
}
