import Foundation
import Testing

/// A piece of network made for one test: namespaces joined by veth pairs, the programs in them, and a folder. Use
/// `Testbed.with`, which removes all of it however the test ends. What a killed test run left behind is removed by the
/// next one: the names bear the process id of their maker.
final class Testbed {
    let directory: String
    private var namespaces: [String] = []
    private var commands: [RunningCommand] = []
    private(set) var boxes: [Box] = []
    private let tag: String

    private static let prefix = "i256t"
    /// Several testbeds of one process have different numbers.
    private static let numbers = Counter()

    private init() throws {
        tag = "\(Self.prefix)-\(getpid())-\(Self.numbers.next())"
        directory = NSTemporaryDirectory() + tag
        // Open to all to enter: some tests run the daemon as another user. What is secret has its own mode.
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    }

    /// Runs a test in a testbed of its own. When it throws, the daemons' logs are shown.
    static func with(_ body: (Testbed) async throws -> Void) async throws {
        if let missing = Requirements.missing { throw NotThere(what: missing) }
        let bed = try Testbed()
        await bed.removeLeftovers()
        do {
            try await body(bed)
        } catch {
            print(bed.logs)
            await bed.remove()
            throw error
        }
        await bed.remove()
    }

    // MARK: - Making

    /// A namespace with its loopback up. Returns its name.
    func namespace(_ name: String) async throws -> String {
        let full = "\(tag)-\(name)"
        try await ip("netns", "add", full)
        namespaces.append(full)
        try await ip("-n", full, "link", "set", "lo", "up")
        return full
    }

    /// A box: a namespace with an identity. Nothing runs in it yet.
    func box(_ name: String) async throws -> Box {
        let box = try await Box(name, namespace: namespace(name), in: self)
        boxes.append(box)
        return box
    }

    /// A veth pair between two namespaces with an address (and its length) at each end.
    func wire(
        _ a: String, _ nameAtA: String, _ addressAtA: String, _ b: String, _ nameAtB: String, _ addressAtB: String
    ) async throws {
        try await ip("-n", a, "link", "add", nameAtA, "type", "veth", "peer", "name", nameAtB, "netns", b)
        for (namespace, link, address) in [(a, nameAtA, addressAtA), (b, nameAtB, addressAtB)] {
            // An IPv6 address can be used at once only without the wait for duplicates; IPv4 has none.
            let words = ["ip", "-n", namespace, "address", "add", address, "dev", link]
            let added = try await run(words + (address.contains(":") ? ["nodad"] : []))
            guard added.succeeded else { throw CommandError.failed(added) }
            try await ip("-n", namespace, "link", "set", link, "up")
        }
        for (namespace, link) in [(a, nameAtA), (b, nameAtB)] { try await carrier(of: link, in: namespace) }
    }

    /// A veth pair between two boxes; each end is named after the other box.
    func wire(_ a: Box, _ addressAtA: String, _ b: Box, _ addressAtB: String) async throws {
        try await wire(a.namespace, a.link(to: b), addressAtA, b.namespace, b.link(to: a), addressAtB)
    }

    /// A wire inside a box, up at both ends: a link of somebody else's with the name `link`.
    func wire(in box: Box, _ link: String) async throws {
        try await ip("-n", box.namespace, "link", "add", link, "type", "veth", "peer", "name", "far-\(link)")
        for end in [link, "far-\(link)"] { try await ip("-n", box.namespace, "link", "set", end, "up") }
        try await carrier(of: link, in: box.namespace)
    }

    /// The kernel takes a moment to notice that both ends of a wire are up.
    private func carrier(of link: String, in namespace: String) async throws {
        try await eventually("\(link) has a carrier") {
            try await ip("-n", namespace, "-o", "link", "show", "dev", link).contains("state UP")
        }
    }

    // MARK: - Running

    /// Starts a program that is ended with the testbed.
    func start(_ words: [String], in namespace: String?, environment: [String: String] = [:]) throws -> RunningCommand {
        let inside = namespace.map { ["ip", "netns", "exec", $0] } ?? []
        let command = try RunningCommand(inside + words, directory: directory, environment: environment)
        commands.append(command)
        return command
    }

    /// Runs a program to its end, whatever that is.
    func run(
        _ words: [String], in namespace: String? = nil, environment: [String: String] = [:],
        within limit: Duration = .seconds(60)
    ) async throws -> Outcome {
        try await start(words, in: namespace, environment: environment).finish(within: limit)
    }

    /// `ip` with arguments that must work. Returns what it printed.
    @discardableResult
    func ip(_ words: String...) async throws -> String {
        let outcome = try await run(["ip"] + words)
        guard outcome.succeeded else { throw CommandError.failed(outcome) }
        return outcome.output
    }

    // MARK: - Ending

    /// The end of every daemon's log.
    private var logs: String {
        boxes.map { "--- \($0.name):\n\($0.log.suffix(4000))" }.joined(separator: "\n")
    }

    private func remove() async {
        for command in commands where command.isRunning { command.signal(SIGTERM) }
        for command in commands { _ = await command.finish(within: .seconds(5)) }
        for namespace in namespaces { await remove(namespace: namespace) }
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Ends whatever still runs in a namespace that we made (it descends from us), and removes it.
    private func remove(namespace: String) async {
        guard let pids = try? RunningCommand(["ip", "netns", "pids", namespace], directory: directory) else { return }
        for pid in await pids.finish().output.split(separator: "\n").compactMap({ pid_t($0) }) { kill(pid, SIGKILL) }
        _ = await (try? RunningCommand(["ip", "netns", "del", namespace], directory: directory))?.finish()
    }

    /// Removes the namespaces and folders of test runs whose process is gone.
    private func removeLeftovers() async {
        for name in Self.leftovers(in: "/run/netns") { await remove(namespace: name) }
        let temporary = NSTemporaryDirectory()
        for name in Self.leftovers(in: temporary) { try? FileManager.default.removeItem(atPath: temporary + name) }
    }

    /// Names that begin with our prefix and the id of a process that is no more.
    private static func leftovers(in folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { name in
            let parts = name.split(separator: "-")
            guard parts.count >= 2, parts[0] == prefix, let maker = pid_t(parts[1]) else { return false }
            return kill(maker, 0) != 0 && errno == ESRCH
        }
    }
}

/// Counts up from 1, across threads.
private final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var value = 0

    func next() -> Int {
        lock.withLock {
            value += 1
            return value
        }
    }
}
