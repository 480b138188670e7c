internal import ArgumentParser
internal import Discovery
internal import Foundation
internal import INET256
internal import Logging
internal import Settings
internal import Wire

struct CentralDiscoveryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "central-discovery",
        abstract: "Run a server by which boxes find each other.",
        discussion: """
            It keeps what boxes announce of where they are, for as long as each says, and
            hands that to who asks for a box's address. It tells each box what endpoint it
            was seen from, and tells two boxes that ask for each other when the other one
            does, so that both can begin at once.

            It needs no key, no file, no privilege and no trust: announcements are signed
            by the boxes, and what a box announces with `visibility: peers` the server
            cannot read. It carries no traffic. Whoever runs it sees which endpoints ask
            for which addresses, and when.

            Each source, an IPv4 address or an IPv6 /64, has a rate and a share of the
            places. No answer is longer than its question, and who has not shown that it
            receives gets nothing but a cookie. Where all places are taken, the
            announcement that would end first makes room; addresses given with --reserve
            keep theirs.

            Boxes use it with
              discovery:
                - central: {endpoint: "HOST:25633"}
            It runs until it is interrupted. A box can be the same on its own port, with
            serve: {discovery: true}.

            EXAMPLES
              inet256vpn central-discovery
              inet256vpn central-discovery 192.0.2.1:25633 --json
              inet256vpn central-discovery --reserve o0uIikP6N-PHF73WABo8QI_Ofkaht_0Rla0JHx42n83

            \(ExitStatus.help)
            """)

    @Argument(
        help: ArgumentHelp("Numeric address and UDP port to listen on; [::] is IPv4 too.", valueName: "laddr"))
    var listen = ListenArgument(endpoint: Endpoint(address: .unspecified, port: 25633))
    @Option(
        help: ArgumentHelp("An address whose place nobody else gets. May be given several times.", valueName: "address")
    )
    var reserve: [AddressArgument] = []
    @Option(help: ArgumentHelp("Addresses that are kept, besides those reserved: 16 to 1000000.", valueName: "n"))
    var capacity = 65_536
    @Flag(help: "Log lines as JSON.")
    var json = false

    func validate() throws {
        guard (16...1_000_000).contains(capacity) else {
            throw ValidationError("--capacity \(capacity): it is a number from 16 to 1000000")
        }
    }

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        var log = LogConfiguration()
        log.level = .info
        log.format = json ? .json : .text
        let output = LogOutput(log)
        let logger = output.logger(Program.name)
        var limits = CentralLimits()
        limits.capacity = capacity
        limits.kept = Set(reserve.map(\.address))
        let service = try CentralService(bind: listen.endpoint, limits: limits, logger: logger)
        logger.notice("listening", metadata: ["udp": "\(service.local)", "capacity": "\(capacity)"])
        let ended = try CentralService.start(service)
        let failure = await Self.end(ended)
        _ = output.close()
        if let failure { throw failure }
    }

    /// Waits until it is interrupted, or until the server has failed.
    private static func end(_ ended: AsyncStream<any Error>) async -> (any Error)? {
        let (signals, raised) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { raised.yield() }
            source.resume()
            return source
        }
        defer { for source in sources { source.cancel() } }
        return await withTaskGroup(of: (any Error)?.self) { group in
            group.addTask {
                for await error in ended { return error }
                return nil
            }
            group.addTask {
                for await _ in signals { break }
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }
}

/// Where to listen.
struct ListenArgument: ExpressibleByArgument {
    let endpoint: Endpoint

    init(endpoint: Endpoint) { self.endpoint = endpoint }

    init?(argument: String) {
        // A port alone is one of all addresses.
        let text = argument.hasPrefix(":") ? "[::]" + argument : argument
        guard let endpoint = Endpoint(text) else { return nil }
        self.endpoint = endpoint
    }

    var defaultValueDescription: String { "\(endpoint)" }
}
