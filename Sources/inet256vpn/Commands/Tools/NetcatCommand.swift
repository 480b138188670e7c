internal import ArgumentParser
internal import INET256
internal import INET256Client

struct NetcatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nc",
        abstract: "Exchange messages with a node.",
        discussion: """
            Each line of standard input is sent as a message, without its line feed; each
            message from the node is printed as a line. With --raw all of standard input
            is one message, and messages are printed as they are. At the end of the input
            it waits a little for further answers.

            EXAMPLES
              echo hello | inet256vpn nc oJLz5ZaqwUZSwU9l8AdC6pCFdB7YvAUaKBwacOgKicJ
              inet256vpn nc bob --key me.inet256
              inet256vpn nc --raw bob <picture.png >answer

            \(ExitStatus.help)
            """)

    @Flag(help: "All of standard input is one message, and output has no line feeds.")
    var raw = false
    @Option(help: ArgumentHelp("Seconds to wait for messages once the input has ended.", valueName: "seconds"))
    var wait = 1.0
    @Option(help: ArgumentHelp("Stop after this many messages have come.", valueName: "n"))
    var count: Int?
    @OptionGroup var access: NodeAccess
    @Argument(help: ArgumentHelp("A peer's name, NAME.mesh.internal, or an address.", valueName: "name|address"))
    var target: TargetArgument

    func validate() throws {
        guard (0...86400).contains(wait) else { throw ValidationError("--wait must be 0 to 86400 seconds") }
        if let count, count < 1 { throw ValidationError("--count must be at least 1") }
    }

    func run() async throws {
        let address = try await access.resolve(target)
        let node = try await access.open()
        defer { node.close() }
        // A read of a terminal cannot be cancelled, so nobody waits for this one: the program ends without it.
        let sending = Task {
            try await send(by: node, to: address)
            try await Task.sleep(for: .milliseconds(Int64(wait * 1000)))
        }
        let receiving = Task { try await receive(from: node, address) }
        // Enough messages, the end of the wait, or an error: whichever is first ends it.
        let first = AsyncStream<Result<Void, any Error>> { ends in
            Task { ends.yield(await sending.result) }
            Task { ends.yield(await receiving.result) }
        }
        for await end in first { return try end.get() }
    }

    private func receive(from node: any Node, _ address: Address) async throws {
        var left = count ?? .max
        do throws(NodeError) {
            while left > 0 {
                let message = try await node.receive()
                guard message.source == address else { continue }
                StandardStreams.write(message.payload + (raw ? [] : [UInt8(ascii: "\n")]))
                left -= 1
            }
        } catch {
            switch error {
            case .cancelled, .closed: return
            case .messageTooLarge, .notFound, .badPrefix, .alreadyOpen, .tooManyNodes, .unavailable: throw error
            }
        }
    }

    private func send(by node: any Node, to address: Address) async throws {
        var line: [UInt8] = []
        while !Task.isCancelled {
            let bytes = try await StandardStreams.read()
            if bytes.isEmpty { break }
            guard !raw else {
                line += bytes
                guard line.count <= Message.maximumCount else { throw NodeError.messageTooLarge(line.count) }
                continue
            }
            var rest = bytes[...]
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                try await node.send(line + rest[..<end], to: address)
                line = []
                rest = rest[(end + 1)...]
            }
            line += rest
            guard line.count <= Message.maximumCount else { throw NodeError.messageTooLarge(line.count) }
        }
        if raw || !line.isEmpty { try await node.send(line, to: address) }
    }
}
