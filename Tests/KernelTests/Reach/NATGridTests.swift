import Foundation
import Testing

extension KernelTests {
    /// Two boxes that share nothing but a relay, behind each two kinds of routers: they talk at once, go straight where plain
    /// punching can, and lose nothing on the way there. `scripts/nat-grid` makes a table of it.
    @Suite struct NATGrids {
        /// Goal: straight within this.
        private static let soon = 3.0
        /// How long those that cannot go straight are watched.
        private static let watch = Duration.seconds(6)

        @Test(.timeLimit(.minutes(2)), arguments: GridTable.pairs)
        func overIPv4(_ pair: NATPair) async throws {
            try await measure(pair, ipv6: false, expected: pair.canBeDirect)
        }

        /// Where both have IPv6, whatever IPv4 has for a router is no matter.
        @Test(.timeLimit(.minutes(2)), arguments: GridTable.pairs.filter { !$0.canBeDirect || GridTable.isWanted })
        func withIPv6(_ pair: NATPair) async throws { try await measure(pair, ipv6: true, expected: true) }

        private func measure(_ pair: NATPair, ipv6: Bool, expected: Bool) async throws {
            try await Testbed.with { bed in
                var row = GridRow(pair: "\(pair)", ipv6: ipv6, expected: expected)
                // Said of runs that break off as well.
                defer { GridTable.add(row) }
                let boxes = try await RelayedPair(pair, ipv6: ipv6, in: bed)
                try await boxes.start()
                let began = Pings.now
                let pings = try Pings(in: bed, from: boxes.alice.namespace, to: boxes.bob.ip6, interval: 0.05)
                let first = try await pings.firstAnswer(after: began)
                row.firstAnswer = first
                #expect(first < 2 * Requirements.slack, "through the relay at once")

                if expected {
                    try await eventually(within: .seconds(20), "both go straight") { try await boxes.areDirect() }
                    row.direct = true
                    let took = Pings.now - began
                    row.seconds = took
                    #expect(took < Self.soon * Requirements.slack + first)
                } else {
                    try await Task.sleep(for: Self.watch)
                    row.direct = try await boxes.areDirect()
                }
                // 20 pings a second are 40 datagrams; the upkeep of two new links is half of that, and less soon.
                if expected {
                    try await eventually("the relay carries nothing") {
                        row.relayed = try await boxes.relayedDatagrams(within: .seconds(1))
                        return row.relayed < 20
                    }
                } else {
                    row.relayed = try await boxes.relayedDatagrams(within: .seconds(1))
                    #expect(row.relayed >= 30, "\(row)")
                }
                row.lost = pings.unanswered.count
                #expect(row.lost == 0, "\(row)")
                #expect(row.direct == expected)

                if row.direct {
                    await boxes.relay.kill()
                    _ = try await pings.firstAnswer(after: Pings.now + 4)
                    let lost = pings.unanswered.count - row.lost
                    row.lostWithoutRelay = lost
                    #expect(lost == 0, "\(row)")
                }
                await pings.stop()
            }
        }
    }
}

extension RelayedPair {
    func areDirect() async throws -> Bool {
        guard try await alice.isDirect(to: bob) else { return false }
        return try await bob.isDirect(to: alice)
    }

    /// What comes to the relay in a while.
    func relayedDatagrams(within time: Duration) async throws -> Int {
        let before = try await relay.received()
        try await Task.sleep(for: time)
        return try await relay.received() - before
    }
}

/// What was seen of a pair.
struct GridRow: Encodable {
    let pair: String
    let ipv6: Bool
    let expected: Bool
    var direct = false
    /// Seconds from the first ping to its answer, and until both ends said that they go straight.
    var firstAnswer: Double?
    var seconds: Double?
    /// Pings without an answer before the relay was killed, and after.
    var lost = 0
    var lostWithoutRelay: Int?
    /// Datagrams that came to the relay in the second after.
    var relayed = 0
}

/// The file that scripts/nat-grid asks for, a row of JSON on each line.
enum GridTable {
    private static let path = ProcessInfo.processInfo.environment["INET256VPN_NAT_GRID"]

    static var isWanted: Bool { path != nil }

    /// All, or those that the environment names.
    static var pairs: [NATPair] {
        guard let names = ProcessInfo.processInfo.environment["INET256VPN_NAT_PAIRS"] else { return NATPair.all }
        let wanted = Set(names.split(separator: ",").map(String.init))
        return NATPair.all.filter { wanted.contains("\($0)") }
    }

    static func add(_ row: GridRow) {
        guard let path, let line = try? JSONEncoder().encode(row) else { return }
        if !FileManager.default.fileExists(atPath: path) {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
        }
        guard let file = FileHandle(forWritingAtPath: path) else { return }
        defer { try? file.close() }
        _ = try? file.seekToEnd()
        try? file.write(contentsOf: line + Data("\n".utf8))
    }
}
