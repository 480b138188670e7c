import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// A configured neighbour, and what came of calling it.
@Suite struct PeerTests {
    private static func endpoint(_ number: UInt64) -> Endpoint {
        Endpoint(address: IPv6Address(high: 0x2001_0db8 << 32, low: number), port: 25632)
    }

    private static func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    private func peer(_ count: UInt64) -> Peer {
        Peer(
            PeerSettings(
                address: PrivateKey(generatedFrom: MeshSim.SeededRandom(seed: 1)).address,
                endpoints: (0..<count).map(Self.endpoint)))
    }

    @Test func eachCauseIsNewsOnceWhileTheLinkIsDown() {
        let peer = peer(1)
        #expect(peer.blame(.noAnswer) && !peer.blame(.noAnswer))
        #expect(peer.blame(.notAccepted) && !peer.blame(.noAnswer) && peer.trouble == .noAnswer)
        // The same cause in other words.
        let keys = (2...3).map { PrivateKey(generatedFrom: MeshSim.SeededRandom(seed: $0)).address }
        #expect(peer.blame(.otherKey(keys[0])) && !peer.blame(.occupied(Self.endpoint(0), by: keys[1])))
        // That it went down is told as such.
        #expect(!peer.blame(.lost(nil)) && peer.trouble == .lost(nil))
        #expect(!peer.blame(.stopped) && peer.trouble == .stopped)
        peer.forgive()
        #expect(peer.trouble == nil && !peer.blame(.noAnswer))
        peer.linkIsUp()
        #expect(peer.trouble == nil && peer.blame(.noAnswer))
    }

    @Test func theKernelIsToBlameWhereItSendsNothingAnywhere() {
        let peer = peer(2)
        #expect(peer.isSilent && peer.unsendable(orElse: nil) == nil)
        peer.noteUnsent(.unreachable, to: Self.endpoint(0))
        #expect(!peer.isSilent && peer.unsendable(orElse: nil) == nil)
        peer.noteUnsent(.denied, to: Self.endpoint(1))
        let both: LinkTrouble = .unsendable([
            LinkTrouble.Unsent(Self.endpoint(0), .unreachable), LinkTrouble.Unsent(Self.endpoint(1), .denied),
        ])
        #expect(peer.unsendable(orElse: nil) == both && both.cause == .noRoute)
        // It is called again: what the kernel said before is old.
        peer.noteCalled(Self.endpoint(1))
        #expect(peer.unsendable(orElse: nil) == nil)
        // One that has no endpoint is where it last was.
        let waiting = self.peer(0)
        #expect(waiting.unsendable(orElse: nil) == nil)
        waiting.noteUnsent(.failed, to: Self.endpoint(7))
        #expect(waiting.unsendable(orElse: Self.endpoint(7))?.cause == .notSent)
    }

    @Test func whatTheKernelSaidIsKeptOfSomeEndpoints() {
        let peer = peer(1)
        peer.noteUnsent(.denied, to: Self.endpoint(0))
        for number in 100..<163 as Range<UInt64> { peer.noteUnsent(.denied, to: Self.endpoint(number)) }
        #expect(peer.unsendable(orElse: nil) != nil)
        peer.noteUnsent(.denied, to: Self.endpoint(200))
        #expect(peer.unsendable(orElse: nil) == nil)
    }

    @Test func aSilentPeerIsOneThatNothingElseExplains() {
        let peer = peer(1)
        _ = peer.blame(.unsendable([LinkTrouble.Unsent(Self.endpoint(0), .unreachable)]))
        #expect(peer.isSilent)
        _ = peer.blame(.notAccepted)
        #expect(!peer.isSilent)
    }

    @Test func turnsToAnEndpointThatLosesHalfAsMuch() {
        let one = peer(1)
        #expect(!one.mayTurn(Self.at(0)))
        let peer = peer(3)
        #expect(peer.mayTurn(Self.at(0)))
        #expect(peer.turn(from: Self.endpoint(0), losing: 300, Self.at(0)) == Self.endpoint(1))
        #expect(!peer.mayTurn(Self.at(19)) && peer.mayTurn(Self.at(20)))
        // The next one did not answer; of the third nothing is known.
        #expect(peer.turn(from: Self.endpoint(0), losing: 300, Self.at(20)) == Self.endpoint(2))
        // Now both are worse than the one in use.
        #expect(peer.turn(from: Self.endpoint(0), losing: 300, Self.at(40)) == nil)
        // One proves to be there: what it loses is not known any more.
        peer.noteProven(Self.endpoint(2))
        #expect(peer.turn(from: Self.endpoint(0), losing: 300, Self.at(60)) == Self.endpoint(2))
        // All is forgotten in time.
        #expect(peer.turn(from: Self.endpoint(0), losing: 300, Self.at(600)) == Self.endpoint(1))
    }

    @Test func endpointsThatStayAreNoChange() {
        let peer = peer(2)
        let same = PeerSettings(address: peer.address, endpoints: peer.endpoints)
        let none = PeerSettings(address: peer.address, endpoints: [])
        #expect(!peer.set(same) && peer.set(none) && peer.endpoints.isEmpty)
    }

    /// Where a peer only says that it is, or somebody else does, three calls go in a minute until one is answered.
    @Test func hearsayIsCalledSeldom() {
        let peer = peer(2)
        let (said, configured) = (Self.endpoint(7), Self.endpoint(0))
        _ = peer.set(
            PeerSettings(address: peer.address, endpoints: peer.endpoints + [said], hearsay: [said]))
        let calls = (0..<100).count { peer.mayCall(said, Self.at(100 + Int64($0) / 2)) }
        #expect(calls == 3)
        #expect((0..<100).allSatisfy { peer.mayCall(configured, Self.at(100 + Int64($0) / 2)) })
        // Said once more, with another: no more calls for that.
        let other = Self.endpoint(8)
        _ = peer.set(PeerSettings(address: peer.address, endpoints: [said, other], hearsay: [said, other]))
        #expect(!peer.mayCall(said, Self.at(151)) && peer.mayCall(other, Self.at(151)))
        #expect((0..<100).count { peer.mayCall(said, Self.at(160 + Int64($0) / 2)) } == 3)
        peer.noteProven(said)
        #expect((0..<100).allSatisfy { peer.mayCall(said, Self.at(211 + Int64($0))) })
    }
}
