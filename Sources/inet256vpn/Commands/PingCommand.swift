internal import API
internal import AdminProtocol
internal import ArgumentParser
internal import INET256
internal import Settings
internal import UnixSignals

struct PingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ping",
        abstract: "Measure round trips to a node through the mesh.",
        discussion: """
            Sends messages of INET256 itself, so it works without a portal, and through
            any number of relays. The target is a peer's name of the daemon's
            configuration, NAME.mesh.internal, or any node's address. Runs until it is
            interrupted, or for -c pings.

            EXAMPLES
              inet256vpn ping -c 3 office
              inet256vpn ping -s 8000 -i 0.2 oJLz5ZaqwUZSwU9l8AdC6pCFdB7YvAUaKBwacOgKicJ

            EXIT STATUS
              0   at least one ping was answered
              1   none was
              2   wrong usage, or no such peer
              3   the daemon cannot be reached
              77  a permission is missing
            """)

    @Option(
        name: .customShort("c", allowingJoined: true),
        help: ArgumentHelp("Stop after this many pings.", valueName: "count"))
    var count: Int?
    @Option(
        name: .customShort("i", allowingJoined: true),
        help: ArgumentHelp("Seconds between pings.", valueName: "seconds"))
    var interval = 1.0
    @Option(name: .customShort("s", allowingJoined: true), help: ArgumentHelp("Bytes of payload.", valueName: "bytes"))
    var size = 56
    @Option(
        name: .customShort("W", allowingJoined: true),
        help: ArgumentHelp("Seconds to wait for an answer.", valueName: "seconds"))
    var wait = 5.0
    @Flag(help: "Print one JSON object at the end.")
    var json = false
    @OptionGroup var daemon: DaemonAccess
    @Argument(help: ArgumentHelp("A peer's name, NAME.mesh.internal, or an address.", valueName: "name|address"))
    var target: TargetArgument

    private static let shortestInterval = 0.01

    func validate() throws {
        if let count, count < 1 { throw ValidationError("-c must be at least 1") }
        guard (Self.shortestInterval...86400).contains(interval) else {
            throw ValidationError("-i must be \(Self.shortestInterval) to 86400 seconds")
        }
        guard (0...PingRequest.largestPayload).contains(size) else {
            throw ValidationError("-s must be 0 to \(PingRequest.largestPayload) bytes")
        }
        guard (0.001...Double(PingRequest.longestTimeout) / 1000).contains(wait) else {
            throw ValidationError("-W must be 0.001 to \(PingRequest.longestTimeout / 1000) seconds")
        }
    }

    func run() async throws {
        let client = try daemon.client()
        let address = try await daemon.resolve(target)
        let label = if case .name(let name) = target { name } else { address.description }
        let request = PingRequest(target: address.description, bytes: size, timeoutMs: Int(wait * 1000))
        var run = PingRun(label: label, address: address, bytes: size)
        let quiet = json
        if !quiet { print(run.header) }
        let count = self.count ?? .max
        let pause = Duration.milliseconds(Int64(interval * 1000))
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        run = try await withThrowingTaskGroup(of: PingRun?.self) { [run] group in
            group.addTask {
                try await run.repeated(count, every: pause, quiet: quiet) { try await client.ping(request) }
            }
            group.addTask {
                for await _ in signals { break }
                return nil
            }
            var finished = run
            for try await result in group {
                if let result { finished = result }
                // Whichever is first, the signal or the last ping, ends the other.
                group.cancelAll()
            }
            return finished
        }
        if json { try printJSON(run.summary) } else { printLines(run.footer) }
        guard run.received > 0 else { throw ExitStatus.failure }
    }
}
