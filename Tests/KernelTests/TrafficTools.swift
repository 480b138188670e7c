import Foundation

/// What has come of streams at one box.
struct Carried {
    private let command: RunningCommand

    fileprivate init(_ command: RunningCommand) { self.command = command }

    private var lines: [[Substring]] { command.wholeLines.map { $0.split(separator: " ") } }

    /// Bytes and hash of each stream that has ended.
    var ended: [String] {
        lines.filter { $0.first == "came" }.map { $0.dropFirst().joined(separator: " ") }
    }

    /// When bytes came (CLOCK_MONOTONIC, seconds), 20 times a second at most.
    var times: [Double] {
        lines.compactMap { $0.first == "at" && $0.count == 3 ? Double($0[1]) : nil }
    }

    /// The longest time in which nothing came, from `moment` on.
    func longestPause(since moment: Double) -> Double {
        let times = times
        // What came last before the moment begins the pause, if it is one.
        let from = times.last { $0 < moment } ?? moment
        let relevant = [from] + times.filter { $0 >= moment }
        return zip(relevant, relevant.dropFirst()).map { $1 - $0 }.max() ?? 0
    }

    /// The clock of `times`.
    static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// What has come of datagrams at one box.
struct Collected {
    struct Count: Equatable {
        var came = 0
        var doubled = 0
        var altered = 0
        /// By traffic class.
        var classes: [Int: Int] = [:]
    }

    private let command: RunningCommand

    fileprivate init(_ command: RunningCommand) { self.command = command }

    /// So far; it lags by a tenth of a second.
    var count: Count {
        guard let words = command.wholeLines.last?.split(separator: " "), words.count >= 6, words[0] == "came" else {
            return Count()
        }
        var count = Count(came: Int(words[1]) ?? 0, doubled: Int(words[3]) ?? 0, altered: Int(words[5]) ?? 0)
        for pair in (words.count > 7 ? words[7] : "").split(separator: ",") {
            let numbers = pair.split(separator: ":").compactMap { Int($0) }
            if numbers.count == 2 { count.classes[numbers[0]] = numbers[1] }
        }
        return count
    }

    func all(_ number: Int, within limit: Duration = .seconds(20)) async throws {
        do {
            try await eventually(within: limit, "\(number) datagrams came") { count.came >= number }
        } catch {
            throw NotThere(what: "datagrams: of \(number) came \(count)")
        }
    }
}

extension RunningCommand {
    /// What it has said but for a line that it is still saying.
    var wholeLines: [Substring] {
        Array(said.split(separator: "\n", omittingEmptySubsequences: false).dropLast())
    }
}

/// Of `status --json`, what tests look at.
struct ShownStatus: Decodable {
    struct Portal: Decodable {
        let mtu: Int?
        let offloads: [String]
        let drops: [String: Int]
    }
    struct Peer: Decodable {
        let mtu: Int?
        let state: String
    }

    let portal: Portal
    let peers: [Peer]
    let drops: [String: Int]
    let queued: Int
    let memory: Int

    enum CodingKeys: String, CodingKey {
        case portal, peers, drops
        case queued = "queued_bytes"
        case memory = "memory_rss_bytes"
    }
}

extension Box {
    func status() async throws -> ShownStatus {
        let shown = try await command("status", "--json")
        guard shown.succeeded else { throw CommandError.failed(shown) }
        return try JSONDecoder().decode(ShownStatus.self, from: Data(shown.output.utf8))
    }

    /// The program that makes traffic, written into the box's folder.
    private func traffic(_ words: [String]) throws -> [String] {
        let path = directory + "/traffic.py"
        if !FileManager.default.fileExists(atPath: path) {
            try TrafficProgram.source.write(toFile: path, atomically: true, encoding: .utf8)
        }
        return ["python3", "-I", "-S", path] + words
    }

    private func startTraffic(_ words: [String]) async throws -> RunningCommand {
        let command = try start(words: traffic(words))
        try await eventually("\(name) listens") {
            guard command.isRunning else { throw NotThere(what: "a listener, which said: \(command.said)") }
            return command.said.contains("ready")
        }
        return command
    }

    /// Runs one of the program's verbs to its end, which must be a good one.
    @discardableResult
    func traffic(_ words: String..., within limit: Duration = .seconds(60)) async throws -> [Substring] {
        let outcome = try await run(words: traffic(words), within: limit)
        guard outcome.succeeded else { throw CommandError.failed(outcome) }
        return outcome.output.split(whereSeparator: \.isWhitespace)
    }

    func serve(port: Int) async throws -> Carried { Carried(try await startTraffic(["serve", "\(port)"])) }

    func collect(port: Int) async throws -> Collected { Collected(try await startTraffic(["collect", "\(port)"])) }

    /// Sends so many random bytes over TCP, as fast as they go or at `rate` bytes a second, and waits until they were taken.
    /// Returns their number and hash, as `Carried.ended` has them.
    func carry(_ count: Int, to address: String, port: Int, rate: Int = 0, within limit: Duration = .seconds(60))
        async throws -> String
    {
        let said = try await traffic("carry", address, "\(port)", "\(count)", "\(rate)", within: limit)
        return said.dropFirst().joined(separator: " ")
    }

    /// Starts the same; it says "sent", number and hash at the end.
    func startCarry(_ count: Int, to address: String, port: Int, rate: Int) throws -> RunningCommand {
        try start(words: traffic(["carry", address, "\(port)", "\(count)", "\(rate)"]))
    }

    /// Sends numbered datagrams of `size` bytes; with a burst, so many are cut from one by the kernel (UDP_SEGMENT).
    func scatter(
        _ count: Int, of size: Int, to address: String, port: Int, burst: Int = 1, trafficClass: Int = 0,
        from first: Int = 0
    ) async throws {
        try await traffic(
            "scatter", address, "\(port)", "\(count)", "\(size)", "\(burst)", "\(trafficClass)", "\(first)")
    }

    /// Starts sending `rate` datagrams a second, whether they are taken or not.
    func startFlood(to address: String, port: Int, size: Int, rate: Int, seconds: Double) throws -> RunningCommand {
        try start(words: traffic(["flood", address, "\(port)", "\(size)", "\(rate)", "\(seconds)"]))
    }

    /// One of the kernel's counts, such as "Udp6InCsumErrors" or "TcpInCsumErrors", since the box was made.
    func kernelCount(_ name: String) async throws -> Int {
        let shown = try await run("nstat", "-a", "-s", "-z")
        guard shown.succeeded else { throw CommandError.failed(shown) }
        for line in shown.output.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count >= 2, words[0] == name { return Int(words[1]) ?? -1 }
        }
        throw NotThere(what: "\(name) in what nstat says")
    }

    /// Switches features of a network device off, so that packets cross it finished and one by one.
    func switchOff(_ features: [String], of link: String) async throws {
        let outcome = try await run(words: ["ethtool", "-K", link] + features.flatMap { [$0, "off"] })
        guard outcome.succeeded else { throw CommandError.failed(outcome) }
    }
}
