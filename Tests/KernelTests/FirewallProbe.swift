import Foundation

/// Something that listens in a box, on all of its addresses.
struct Listener {
    private let command: RunningCommand

    fileprivate init(_ command: RunningCommand) { self.command = command }

    var lines: [String] { command.said.split(separator: "\n").map(String.init) }

    /// How often something of `service` came: datagrams, or connections.
    func count(_ service: String) -> Int {
        lines.count { $0.hasPrefix("\(service) accepted") || $0.hasPrefix("\(service) received") }
    }

    /// Texts of the datagrams that came for `service`.
    func texts(_ service: String) -> Set<String> {
        let prefix = "\(service) received "
        return Set(
            lines.filter { $0.hasPrefix(prefix) }.map { line in
                String(line.dropFirst(prefix.count).drop { $0 != " " }.dropFirst())
            })
    }

    /// What each connection of `service` that has ended had carried: "carried 17", or "broken 17 ECONNRESET".
    func ended(_ service: String) -> [String] {
        lines.filter { $0.hasPrefix("\(service) carried ") || $0.hasPrefix("\(service) broken ") }.map {
            String($0.dropFirst(service.count + 1))
        }
    }
}

/// A program that connects to ports of a box all the time.
struct Flood {
    struct Count: Equatable {
        var tries = 0
        var opened = 0
        var reset = 0
    }

    private let command: RunningCommand

    fileprivate init(_ command: RunningCommand) { self.command = command }

    /// What has come of it so far, by port.
    var counts: [String: Count] {
        // The last line may be a part of one: then the one before it counts.
        let whole = command.said.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        let fields = whole.last?.split(separator: " ").map { $0.split(separator: ":").map(String.init) } ?? []
        return Dictionary(
            fields.filter { $0.count == 4 }.map { field in
                (field[0], Count(tries: Int(field[1]) ?? 0, opened: Int(field[2]) ?? 0, reset: Int(field[3]) ?? 0))
            }
        ) { $1 }
    }

    subscript(port: String) -> Count { counts[port] ?? Count() }

    func stop() async {
        command.signal(SIGTERM)
        _ = await command.finish(within: .seconds(5))
    }
}

/// A connection that carries as much as it can.
struct Stream {
    private let command: RunningCommand

    fileprivate init(_ command: RunningCommand) { self.command = command }

    /// Bytes so far.
    var sent: Int { numbers.last ?? 0 }
    var isRunning: Bool { command.isRunning }

    private var numbers: [Int] {
        command.said.split(separator: "\n").compactMap { $0.hasPrefix("sent ") ? Int($0.dropFirst(5)) : nil }
    }

    /// Ends it in order and gives how much it carried.
    func stop() async throws -> Int {
        command.signal(SIGTERM)
        let outcome = await command.finish(within: .seconds(10))
        guard outcome.output.hasSuffix("closed\n") else { throw CommandError.failed(outcome) }
        return sent
    }
}

extension Box {
    /// The program that makes packets, written into the box's folder.
    private func packets(_ words: [String]) throws -> [String] {
        let path = directory + "/packets.py"
        if !FileManager.default.fileExists(atPath: path) {
            try FirewallPackets.source.write(toFile: path, atomically: true, encoding: .utf8)
        }
        return ["python3", "-I", "-S", path] + words
    }

    /// Listens on services such as tcp/22 and udp/5000.
    func listen(_ services: [String]) async throws -> Listener {
        let command = try start(words: packets(["listen"] + services))
        try await eventually("\(name) listens") { command.said.contains("ready") }
        return Listener(command)
    }

    /// Asks all services of another box at once. Of each: "answered", "silent", or the name of the error.
    /// - Parameter seconds: patience. Below a second, since TCP then tries again, and what it sends is counted.
    func ask(_ other: Box, _ services: [String], seconds: Double = 0.7) async throws -> [String] {
        try await ask(other.ip6, services, seconds: seconds)
    }

    func ask(_ address: String, _ services: [String], seconds: Double = 0.7) async throws -> [String] {
        let outcome = try await run(words: packets(["ask", address, "\(seconds)"] + services))
        guard outcome.succeeded else { throw CommandError.failed(outcome) }
        return outcome.output.split(whereSeparator: \.isWhitespace).map(String.init)
    }

    /// Sends `FORM:SERVICE` packets made by hand, from a source of ours or of others. Returns those of TCP that were
    /// answered: "plain:tcp/22=open", "plain:tcp/22=reset".
    func send(_ requests: [String], to other: Box, from source: String? = nil, seconds: Double = 0.7) async throws
        -> Set<String>
    {
        let outcome = try await run(words: packets(["send", source ?? ip6, other.ip6, "\(seconds)"] + requests))
        guard outcome.succeeded else { throw CommandError.failed(outcome) }
        return Set(outcome.output.split(whereSeparator: \.isWhitespace).dropFirst().map(String.init))
    }

    /// Says "table", "link", "no table", "no link" as these come and go.
    func watchOrder() async throws -> RunningCommand {
        let command = try start(words: packets(["order", "inet256vpn", Self.interface]))
        try await eventually("somebody watches") { command.said.contains("ready") }
        return command
    }

    func flood(_ other: Box, ports: [String]) throws -> Flood {
        Flood(try start(words: packets(["flood", other.ip6] + ports)))
    }

    /// Opens a connection and waits until something has gone over it.
    func stream(to other: Box, port: Int) async throws -> Stream {
        let stream = Stream(try start(words: packets(["stream", other.ip6, "\(port)"])))
        try await eventually("something is sent to \(other.name)") { stream.sent > 0 }
        return stream
    }
}
