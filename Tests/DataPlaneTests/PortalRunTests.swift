import Glibc
import Mesh
import MeshSim
import Portal
import Testing
import Wire

@testable import DataPlane

/// The portal's promise in any run: whatever packet comes out of a device is what somebody sent, unaltered and once, its source belongs to
/// who truly sent it, and its destination to who gets it; through relays, NATs, losses and restarts, with networks behind boxes.
@Suite struct PortalRunTests {
    @Test func packetsComeThrough() throws {
        let player = PortalRunPlayer(PortalRun(seed: 1, events: []))
        #expect(player.play() == nil)
        // All ways were gone, so the run looks at something.
        #expect(player.portals.arrived.count >= 20)
        #expect(player.simulation.box(0)?.status(now: player.simulation.now).relayedFrames ?? 0 > 10, "through a relay")
    }

    /// What nobody may send is dropped where it ought to be, and the run sees that nothing of it gets through.
    @Test func whatIsForgedDoesNotComeThrough() {
        var events = [PortalEvent.mesh(.wait(milliseconds: 20_000))]
        for other in 0..<4 {
            for to in 0..<4 {
                for host in PortalEvent.Host.allCases { events.append(.forged(as: other, host, to: to, .own)) }
                events.append(.mesh(.wait(milliseconds: 50)))
            }
        }
        for from in 0..<4 { events.append(.spoofed(from, as: (from + 1) % 4, .own, to: (from + 2) % 4)) }
        events.append(.mesh(.wait(milliseconds: 5000)))
        let player = PortalRunPlayer(PortalRun(seed: 2, events: events))
        #expect(player.play() == nil)
        #expect(player.portals.dropped(.sourceNotSender) > 30)
        #expect(player.portals.dropped(.sourceNotOurs) == 4)
    }

    /// The portals' own look finds what does not belong: a packet that one says another has sent.
    @Test func aLieIsFoundAndShortened() throws {
        let player = PortalRunPlayer(PortalRun(seed: 3, events: []))
        #expect(player.comesThrough(player.portals.address(0), player.portals.address(3), 0))
        // Its own portal's gates are passed by: the device is handed what nobody may send.
        player.portals.intrude(player.portals.address(2), to: player.portals.address(3), by: 4, at: 3)
        #expect(player.portals.fault?.contains("of 4 came to 3 as one of") == true)
        let steps: [PortalEvent] = [.packet(0, .deep, to: 3, .behind, bytes: 9000), .mesh(.kill(1))]
        let short = MeshSim.shortened(steps, simpler: \.simpler) { $0.contains { $0.source.contains(".packet") } }
        #expect(short == [.packet(0, .own, to: 3, .own, bytes: 64)])
    }

    /// Always the same runs, so that a change is what makes one fail; `MESH_TEST_SEED=N` draws another.
    @Test(arguments: seeds) func anyRun(seed: UInt64) {
        let run = PortalRun.random(seed: seed, count: 80)
        guard let fault = run.fault() else { return }
        let short = run.shortened()
        Issue.record("\(fault). Short: \(short.fault() ?? "")\n\(short.source)")
    }

    private static let seeds: [UInt64] =
        getenv("MESH_TEST_SEED").flatMap { UInt64(String(cString: $0)) }.map { [$0] } ?? [1, 2, 3, 4, 5, 6]

    @Test func theSameRunIsTheSame() {
        func fingerprint(_ seed: UInt64) -> UInt64 {
            let player = PortalRunPlayer(PortalRun.random(seed: seed, count: 20))
            _ = player.play()
            return player.simulation.fingerprint
        }
        #expect(fingerprint(5) == fingerprint(5))
    }
}
