import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// The table of neighbours, and what there is room for in it.
@Suite struct LinksTests {
    private let random = MeshSim.SeededRandom(seed: 3)
    private let local: BoxNode
    private let now = Instant(nanoseconds: 1_000_000_000)

    init() { local = BoxNode(id: .main, key: PrivateKey(generatedFrom: MeshSim.SeededRandom(seed: 4))) }

    private func address() -> Address { Address(raw: Bytes32(words: (random.next64(), random.next64(), 1, 2))) }

    /// A session whose path is in the network of that number.
    private func session(_ number: UInt32, peer: Peer? = nil, at network: UInt64 = 0) -> Session {
        let session = Session(number: number, local: local, remote: address(), now: now)
        session.configure(as: peer)
        let remote = Endpoint(address: IPv6Address(high: 0x2001_0db8 << 32 | network, low: UInt64(number)), port: 1)
        session.path.turn(
            to: Path(remote: remote, interface: 1, socket: 0), isProven: true, bytes: 0, challenge: 0, now: now)
        return session
    }

    private func peer(_ endpoints: [Endpoint] = []) -> PeerSettings {
        PeerSettings(address: address(), endpoints: endpoints)
    }

    private func word(_ room: Links.Room) -> String {
        switch room {
        case .free: "free"
        case .instead(let victim): "instead of \(victim.number)"
        case .none: "none"
        }
    }

    @Test func numbersAreUsedAgainAndOthersStay() {
        var links = Links(limits: MeshLimits())
        let sessions = (0..<4).map { session($0) }
        let numbers = sessions.prefix(3).map { links.add($0).rawValue }
        #expect(numbers == [0, 1, 2])
        links.remove(NeighbourID(rawValue: 1))
        #expect(links[NeighbourID(rawValue: 1)] == nil && links[NeighbourID(rawValue: 2)] === sessions[2])
        let again = links.add(sessions[3]).rawValue
        #expect(again == 1 && links.all.map(\.number) == [0, 3, 2])
        #expect(links[NeighbourID(rawValue: 99)] == nil)
    }

    @Test func strangersLeaveRoomForPeers() {
        var limits = MeshLimits()
        (limits.maximumLinks, limits.linksOfSource) = (8, 3)
        var links = Links(limits: limits)
        // One source has some.
        for number in 0..<3 as Range<UInt32> {
            let session = session(number)
            #expect(word(links.room(for: session)) == "free")
            _ = links.add(session)
        }
        #expect(word(links.room(for: session(3))) == "none")
        // All strangers have all but the reserve, which is an eighth, and more where there are more peers.
        for number in 4..<8 as Range<UInt32> {
            let session = session(number, at: UInt64(number))
            #expect(word(links.room(for: session)) == "free")
            _ = links.add(session)
        }
        #expect(word(links.room(for: session(8, at: 8))) == "none")
        let peers = (0..<9).compactMap { _ in links.setPeer(peer()) }
        #expect(word(links.room(for: session(10, peer: peers[0]))) == "free")
        _ = links.add(session(10, peer: peers[0]))
        // A stranger goes for a peer: the one that was least in use.
        links[NeighbourID(rawValue: 0)]?.traffic.receivedData(now)
        #expect(word(links.room(for: session(11, peer: peers[1]))) == "instead of 1")
        // None goes for a peer where all are peers.
        var full = Links(limits: limits)
        for (number, peer) in peers.prefix(8).enumerated() { _ = full.add(session(UInt32(number), peer: peer)) }
        #expect(word(full.room(for: session(20, peer: peers[8]))) == "none")
    }

    @Test func peersAreExpectedWhereTheyAreSaidToBe() {
        var links = Links(limits: MeshLimits())
        let endpoint = Endpoint(address: IPv6Address(high: 1, low: 2), port: 3)
        let settings = peer([endpoint])
        let first = links.setPeer(settings)
        #expect(first != nil && links.isPeer(at: endpoint.address))
        // The same again is no change; other endpoints are, of the same peer.
        let same = links.setPeer(settings)
        let changed = links.setPeer(PeerSettings(address: settings.address, endpoints: []))
        #expect(same == nil && changed === first)
        #expect(!links.isPeer(at: endpoint.address))
        let removed = (0..<2).map { _ in links.removePeer(settings.address) }
        #expect(removed == [true, false] && links.peers.isEmpty)
    }

    @Test func hopsAreRememberedUntilRoutesChange() {
        var links = Links(limits: MeshLimits())
        let way = session(1)
        let (there, nowhere) = (address(), address())
        #expect(links.hop(to: there) == nil)
        links.note(hop: way, to: there)
        links.note(hop: nil, to: nowhere)
        if case .some(let known) = links.hop(to: there) { #expect(known === way) } else { Issue.record("not known") }
        if case .some(let known) = links.hop(to: nowhere) { #expect(known == nil) } else { Issue.record("not known") }
        _ = links.add(session(2))
        #expect(links.hop(to: there) == nil && links.knownHops == 0)
        for _ in 0..<Links.maximumHops + 10 { links.note(hop: nil, to: address()) }
        #expect(links.knownHops == 10)
    }

    @Test func theLastFewRefusedAreKept() {
        var limits = MeshLimits()
        limits.refusalsRemembered = 2
        var links = Links(limits: limits)
        let endpoint = Endpoint(address: IPv6Address(high: 1, low: 2), port: 3)
        let strangers = (0..<3).map { _ in address() }
        let news = (0..<2).map { _ in links.refuse(strangers[0], at: endpoint, now) }
        #expect(news == [true, false] && links.strangers.map(\.count) == [2])
        let others = strangers.dropFirst().map { links.refuse($0, at: endpoint, now) }
        #expect(others == [true, true])
        #expect(links.strangers.map(\.address) == [strangers[1], strangers[2]])
    }
}
