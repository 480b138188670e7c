import DataPlane
import Discovery
import INET256
import Mesh
import Settings
import Synchronization
import System
import TestSupport
import Testing
import Transport
import Wire

@testable import inet256vpn

/// The configured peers and where they are, as the data plane is told it.
@Suite struct PeerDirectoryTests {
    private let mailbox: Mailbox<EngineCommand>
    private let directory: PeerDirectory
    private static let own = "pJLz5ZaqwUZSwU9l8AdC6pCFdB7YvAUaKBwacOgKicJ"

    init() throws {
        mailbox = try Mailbox()
        directory = PeerDirectory(
            mailbox: mailbox, logger: silent, own: [try Sample.address(Self.own)], portal: nil,
            transports: [TransportConfiguration(udp: try #require(Endpoint("0.0.0.0:7")))])
    }

    private static func peers(_ list: String) throws -> [PeerConfiguration] {
        try Sample.parse("peers:\n" + list).peers
    }

    /// What the data plane was told since the last time.
    private func told() -> [String] {
        mailbox.drain().map { command in
            switch command {
            case .setPeer(let peer, let name): "\(name): \(peer.endpoints.map { "\($0)" }.joined(separator: ", "))"
            case .removePeer(let address): "without \(address)"
            default: "something else"
            }
        }
    }

    private static let office =
        "  - {id: \(Sample.plain), name: office, addrs: [\"udp://192.0.2.1:7\", \"udp://192.0.2.2:8\"]}\n"
    private static let barn = "  - {id: \(Sample.dashed), name: barn}\n"

    @Test func whatIsNewIsToldOnce() async throws {
        await directory.set(try Self.peers(Self.office + Self.barn))
        #expect(told() == ["office: 192.0.2.1:7, 192.0.2.2:8", "barn: "])
        await directory.set(try Self.peers(Self.office + Self.barn))
        #expect(told() == [])
        // In another order it is another thing to call first.
        let turned = Self.office.replacing("udp://192.0.2.1:7", with: "udp://192.0.2.3:9")
        await directory.set(try Self.peers(turned + Self.barn))
        #expect(told() == ["office: 192.0.2.3:9, 192.0.2.2:8"])
        await directory.set(try Self.peers(Self.barn))
        #expect(told() == ["without \(Sample.plain)"])
        #expect(await directory.name(of: try Sample.address(Sample.dashed)) == "barn")
        #expect(await directory.name(of: try Sample.address(Sample.plain)) == nil)
    }

    @Test func thisBoxIsNoPeerOfItself() async throws {
        await directory.set(try Self.peers("  - {id: \(Self.own), addrs: [\"udp://192.0.2.1:7\"]}\n" + Self.barn))
        #expect(told() == ["barn: "])
    }

    @Test func endpointsThatCannotWorkAreLeftOutAndSaid() async throws {
        let list = """
              - {id: \(Sample.plain), name: office, addrs: ["udp://224.0.0.1:1", "udp://192.0.2.1:7", "udp://[2001:db8::1]:7"]}
              - {id: \(Sample.dashed), name: barn, addrs: ["udp://0.0.0.0:9"]}
              - {id: \(Sample.doubleDashed), name: shed, addrs: ["udp://127.0.0.1:7"]}
            """
        await directory.set(try Self.peers(list))
        #expect(told() == ["office: 192.0.2.1:7", "barn: ", "shed: "])
        let troubles = await directory.troubles
        let office = try #require(troubles[try Sample.address(Sample.plain)])
        #expect(office.word == "multicast" && !office.isAll)
        #expect(office.text.contains("224.0.0.1:1") && office.text.contains("no transport of this box speaks IPv6"))
        let barn = try #require(troubles[try Sample.address(Sample.dashed)])
        #expect(barn.word == "unspecified-address" && barn.isAll)
        #expect(troubles[try Sample.address(Sample.doubleDashed)]?.word == "own-endpoint")
        // The machine's network changed: everybody with endpoints is told again.
        await directory.surroundingsChanged()
        #expect(told() == ["office: 192.0.2.1:7", "barn: ", "shed: "])
    }

    /// What is wrong with an endpoint is written once, also where another one turns out to be wrong later.
    @Test func eachFaultIsWrittenOnce() async throws {
        let lines = Mutex<[String]>([])
        let output = LogOutput(LogConfiguration(), journal: false) { line in lines.withLock { $0.append(line) } }
        let directory = PeerDirectory(
            mailbox: mailbox, logger: output.logger("peers"), own: [try Sample.address(Self.own)], portal: nil,
            transports: [TransportConfiguration(udp: try #require(Endpoint("0.0.0.0:7")))])
        let list = "  - {id: \(Sample.plain), name: office, addrs: [\"udp://224.0.0.1:1\"%]}\n"
        await directory.set(try Self.peers(list.replacing("%", with: "")))
        await directory.set(try Self.peers(list.replacing("%", with: ", \"udp://[2001:db8::1]:7\"")))
        let written = lines.withLock { $0 }
        #expect(written.count == 2 && Set(written).count == 2, "\(written)")
    }

    /// What others say comes behind what the configuration says, where it can be called at all.
    @Test func whatIsFoundIsToldToo() async throws {
        await directory.set(try Self.peers(Self.office + Self.barn))
        _ = told()
        let office = try Sample.address(Sample.plain)
        let found = ["192.0.2.9:9", "192.0.2.1:7", "224.0.0.1:9", "[2001:db8::1]:9"].compactMap { Endpoint($0) }
        await directory.take(DiscoveryNews(office, found, .central, lasts: .milliseconds(1)))
        #expect(told() == ["office: 192.0.2.1:7, 192.0.2.2:8, 192.0.2.9:9"])
        await directory.take(DiscoveryNews(office, found, .central, lasts: .milliseconds(1)))
        #expect(told() == [])
        try await Task.sleep(for: .milliseconds(2))
        await directory.settle(linked: [])
        #expect(told() == ["office: 192.0.2.1:7, 192.0.2.2:8"])
        // Nobody's, and this box's own.
        let stranger = try Sample.address(Sample.doubleDashed)
        await directory.take(DiscoveryNews(stranger, found, .central, lasts: .seconds(9)))
        var own = DiscoveryNews(try Sample.address(Self.own), found, .local, lasts: .seconds(9))
        own.isStranger = true
        await directory.take(own)
        #expect(told() == [])
    }

    @Test func whoIntroducesItselfIsAPeerAsLongAsItIsHeardOrLinked() async throws {
        let stranger = try Sample.address(Sample.doubleDashed)
        var news = DiscoveryNews(stranger, [try #require(Endpoint("192.0.2.9:9"))], .local, lasts: .milliseconds(1))
        news.isStranger = true
        await directory.take(news)
        #expect(told() == ["\(stranger): 192.0.2.9:9"])
        try await Task.sleep(for: .milliseconds(2))
        await directory.settle(linked: [stranger])
        #expect(told() == ["\(stranger): "])
        await directory.settle(linked: [])
        #expect(told() == ["without \(stranger)"])
        // Whoever is configured meanwhile stays.
        await directory.take(news)
        await directory.set(try Self.peers("  - {id: \(Sample.doubleDashed), name: shed}\n"))
        _ = told()
        try await Task.sleep(for: .milliseconds(2))
        await directory.settle(linked: [])
        #expect(told() == ["shed: "])
    }

    /// A name of /etc/hosts: it is asked for beside everything else, and told when it is known.
    @Test func namesAreLookedUp() async throws {
        await directory.set(
            try Self.peers("  - {id: \(Sample.plain), name: office, addrs: [\"udp://localhost:25\"]}\n"))
        // Without the name first, and then with it, however soon that is.
        var all: [String] = []
        for _ in 0..<1500 {
            all += told()
            if all.count > 1 { break }
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(all == ["office: ", "office: 127.0.0.1:25"])
        await directory.stop()
    }

    /// More peers than the mailbox has room for, as a reload may bring: nobody is forgotten.
    @Test func aBusyDataPlaneIsToldAgain() async throws {
        let small = try Mailbox<EngineCommand>(capacity: 1)
        let directory = PeerDirectory(
            mailbox: small, logger: silent, own: [], portal: nil,
            transports: [TransportConfiguration(udp: try #require(Endpoint("0.0.0.0:7")))])
        let shed = "  - {id: \(Sample.doubleDashed), name: shed}\n"
        func told(_ count: Int) async throws -> Set<String> {
            var seen: Set<String> = []
            for _ in 0..<1500 where seen.count < count {
                for command in small.drain() {
                    switch command {
                    case .setPeer(_, let name): seen.insert(name)
                    case .removePeer(let address): seen.insert("without \(address)")
                    default: seen.insert("something else")
                    }
                }
                if seen.count < count { try await Task.sleep(for: .milliseconds(20)) }
            }
            return seen
        }
        await directory.set(try Self.peers(Self.office + Self.barn + shed))
        #expect(try await told(3) == ["office", "barn", "shed"])
        await directory.set([])
        let gone = [Sample.plain, Sample.dashed, Sample.doubleDashed].map { "without \($0)" }
        #expect(try await told(3) == Set(gone))
        await directory.stop()
    }

    @Test func aDataPlaneThatIsGoneIsNoCrash() async throws {
        _ = mailbox.close()
        await directory.set(try Self.peers(Self.office))
        await directory.set([])
        #expect(await directory.troubles.isEmpty)
    }
}
