internal import CLinux
internal import DNS
internal import Glibc
internal import INET256
internal import Logging
internal import Synchronization
internal import System
internal import Wire

/// What systemd-resolved is to know.
struct ResolvedWish: Equatable, Sendable {
    /// Who answers; nil while nobody does.
    var server: Endpoint?
    /// About what: names below these.
    var domains: [DomainName]
    /// Whether names without a dot are looked for in the first of them.
    var searches: Bool
}

/// What the thread is told.
enum ResolvedCommand: Sendable {
    /// The portal's interface, which all of this is about.
    case link(UInt32)
    /// Nil: nothing, and what was told is taken back.
    case wish(ResolvedWish?)
    /// The machine's network has changed, and somebody may have told it something else.
    case again
    /// What it was told stays: the next run tells it the same.
    case leave
    case stop
}

/// What came of it, for `status`.
final class ResolvedOutcome: Sendable {
    struct Value: Equatable, Sendable {
        var word = "absent"
        var detail: String?
    }

    private let state = Mutex(Value())

    var value: Value { state.withLock { $0 } }

    /// False where it was so before.
    func set(_ new: Value) -> Bool {
        state.withLock { old in
            defer { old = new }
            return old != new
        }
    }
}

/// Tells systemd-resolved who answers about the zone, and tells it again when it was restarted. A thread of its own, since D-Bus keeps one
/// waiting.
final class ResolvedThread {
    private let mailbox: Mailbox<ResolvedCommand>
    private let outcome: ResolvedOutcome
    private let portal: IPv6Address
    private let logger: Logger
    private let poller: Poller
    private var bus: OpaquePointer?
    private var watched: (descriptor: Int32, interest: Interest)?
    private var link: UInt32?
    private var wish: ResolvedWish?
    /// What it has been told of that link.
    private var told: ResolvedWish?
    /// Whether it may have been told something by an earlier run.
    private var mayKnow: Bool
    private var tellAt: Instant = .distantFuture
    private var pause = ResolvedThread.firstPause
    private var keeps = false
    private var isStopping = false

    private static let settles: Interval = .milliseconds(100)
    private static let firstPause: Interval = .milliseconds(500)
    private static let longestPause: Interval = .seconds(60)
    /// Others tell it things as well, NetworkManager of every interface.
    private static let audit: Interval = .seconds(300)

    private enum Token {
        static let mailbox: UInt64 = 0
        static let bus: UInt64 = 1
    }

    private init(_ plan: NamesPlan, _ logger: Logger) throws {
        mailbox = plan.resolved
        outcome = plan.outcome
        portal = plan.map.address(of: plan.own)
        mayKnow = plan.isInherited
        self.logger = logger
        poller = try Poller()
        try poller.add(mailbox.descriptor, token: Token.mailbox, interest: .readable)
    }

    /// Runs until it is told to stop; the stream ends when all is taken back.
    static func start(_ plan: NamesPlan, logger: Logger) throws -> AsyncStream<Void> {
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        nonisolated(unsafe) let thread = try ResolvedThread(plan, logger)
        try OwnThread.start("resolved") {
            thread.run()
            end.finish()
        }
        return ended
    }

    private func run() {
        while !isStopping {
            process()
            if BootClock.now() >= tellAt { tell() }
            do {
                // What came while something was told waits within the library, and the descriptor does not say so.
                process()
                let now = BootClock.now()
                let ready = try poller.wait(until: min(tellAt, now + Self.audit), now: now)
                for place in 0..<ready where poller[place].token == Token.mailbox {
                    for command in mailbox.drain() { obey(command) }
                }
            } catch {
                logger.error("systemd-resolved is not told of names any more", metadata: ["reason": "\(error)"])
                isStopping = true
            }
        }
        _ = mailbox.close()
        if !keeps { takeBack() }
        disconnect()
    }

    private func obey(_ command: ResolvedCommand) {
        switch command {
        case .link(let index):
            link = index
            told = nil
            soon()
        case .wish(let new):
            wish = new
            if new != told || mayKnow { soon() }
        case .again: soon()
        case .leave: keeps = true
        case .stop: isStopping = true
        }
    }

    private func soon() {
        pause = Self.firstPause
        tellAt = min(tellAt, BootClock.now() + Self.settles)
    }

    // MARK: The bus

    private func connect() -> Int32 {
        if bus != nil { return 0 }
        var made: OpaquePointer?
        let code = clinux_resolved_open(&made)
        guard code == 0, let made else { return code }
        bus = made
        return 0
    }

    private func disconnect() {
        if let watched { try? poller.remove(watched.descriptor) }
        watched = nil
        if let bus { clinux_resolved_close(bus) }
        bus = nil
    }

    /// Takes what the bus has to say, and has the poller heed it.
    private func process() {
        guard let bus else { return }
        let code = clinux_resolved_process(bus)
        guard code >= 0 else {
            disconnect()
            soon()
            return
        }
        if code > 0 {
            told = nil
            soon()
        }
        let descriptor = clinux_resolved_descriptor(bus)
        let wantsWriting = clinux_resolved_events(bus) & Int32(POLLOUT) != 0
        let interest: Interest = wantsWriting ? [.readable, .writable] : .readable
        do {
            if let watched, watched.descriptor == descriptor {
                if watched.interest != interest { try poller.modify(descriptor, token: Token.bus, interest: interest) }
            } else {
                try poller.add(descriptor, token: Token.bus, interest: interest)
            }
            watched = (descriptor, interest)
        } catch {
            disconnect()
        }
    }

    // MARK: Telling

    private func tell() {
        guard let link else {
            tellAt = .distantFuture
            return
        }
        guard let wish, let server = wish.server else { return takeBack() }
        guard SameNetwork.asPID1(portal, interface: link) else {
            note("elsewhere", "this machine's systemd-resolved looks at another network than this daemon")
            tellAt = BootClock.now() + Self.audit
            return
        }
        let code = connect()
        guard code == 0, let bus else { return fail("absent", ErrnoText.text(-code)) }
        let runs = clinux_resolved_runs(bus)
        guard runs >= 0 else {
            disconnect()
            return fail("absent", ErrnoText.text(-runs))
        }
        guard runs > 0 else {
            // Its coming is told.
            note("absent", nil)
            tellAt = .distantFuture
            return
        }
        let answer = tell(bus, Int32(truncatingIfNeeded: link), server, wish)
        guard answer == 0 else { return fail("refused", reason(answer)) }
        told = wish
        mayKnow = false
        note("told", nil)
        pause = Self.firstPause
        tellAt = BootClock.now() + Self.audit
    }

    private func tell(_ bus: OpaquePointer, _ link: Int32, _ server: Endpoint, _ wish: ResolvedWish) -> Int32 {
        var bytes = [UInt8](repeating: 0, count: IPv6Address.count)
        bytes.withUnsafeMutableBytes { if let base = $0.baseAddress { server.address.store(to: base) } }
        if server.isIPv4 { bytes.removeFirst(12) }
        // The server last: until then nothing is asked of it, and never more than it is for.
        var code = clinux_resolved_set_rest(bus, link)
        if code == 0 {
            let names = wish.domains.flatMap { Array("\($0)".utf8) + [UInt8(0)] } + [UInt8(0)]
            code = names.withUnsafeBytes { names in
                guard let base = names.bindMemory(to: CChar.self).baseAddress else { return -EINVAL }
                return clinux_resolved_set_domains(bus, link, base, wish.searches ? 1 : 0)
            }
        }
        if code == 0 { code = clinux_resolved_set_server(bus, link, bytes, bytes.count, server.port) }
        return code
    }

    private func takeBack() {
        tellAt = .distantFuture
        guard told != nil || mayKnow, let link else { return }
        // Gone with the interface, it is so by itself; where it cannot be asked there is nobody who knows.
        if SameNetwork.asPID1(portal, interface: link), connect() == 0, let bus, clinux_resolved_runs(bus) > 0 {
            _ = clinux_resolved_revert(bus, Int32(truncatingIfNeeded: link))
        }
        told = nil
        mayKnow = false
    }

    /// Takes back what an earlier run has told of an interface that is still there, where nobody answers any more.
    static func forget(_ portal: IPv6Address, interface: UInt32) {
        // Without a thread there will be other complaints.
        try? OwnThread.start("resolved") {
            var made: OpaquePointer?
            guard SameNetwork.asPID1(portal, interface: interface), clinux_resolved_open(&made) == 0, let bus = made
            else { return }
            if clinux_resolved_runs(bus) > 0 {
                _ = clinux_resolved_revert(bus, Int32(truncatingIfNeeded: interface))
            }
            clinux_resolved_close(bus)
        }
    }

    private func reason(_ code: Int32) -> String {
        guard let bus else { return ErrnoText.text(-code) }
        var text = [CChar](repeating: 0, count: 256)
        clinux_resolved_reason(bus, &text, text.count)
        let said = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let isForbidden = [EACCES, EPERM].contains(-code) || said.contains("authentication")
        return said
            + (isForbidden ? "; the polkit rule of deploy/inet256vpn.polkit permits it to the daemon's user" : "")
    }

    private func fail(_ word: String, _ detail: String) {
        told = nil
        note(word, detail)
        tellAt = BootClock.now() + pause
        pause = min(pause * 2, Self.longestPause)
    }

    private func note(_ word: String, _ detail: String?) {
        guard outcome.set(.init(word: word, detail: detail)) else { return }
        let metadata: Logger.Metadata = detail.map { ["reason": "\($0)"] } ?? [:]
        switch word {
        case "told": logger.notice("systemd-resolved asks this box about names", metadata: metadata)
        // For the first moments of an interface, and then a fault.
        case "refused":
            logger.log(
                level: pause > .seconds(2) ? .warning : .info, "systemd-resolved was not told of names",
                metadata: metadata)
        default: logger.info("systemd-resolved was not told of names", metadata: metadata)
        }
    }
}

/// Whether this daemon's interfaces are those that the machine's services see. An interface is told to systemd-resolved by its number, which in
/// another network namespace is somebody else's.
enum SameNetwork {
    /// Where the addresses of process 1 are to be seen, they tell; where others' processes are hidden (ProtectProc= of the unit) a service
    /// is where its manager is.
    static func asPID1(_ address: IPv6Address, interface: UInt32) -> Bool {
        guard let file = fopen("/proc/1/net/if_inet6", "re") else { return getenv("INVOCATION_ID") != nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if says(text, address, interface) { return true }
        }
        return false
    }

    /// "fd000000000000000000000000000001 04 80 00 82  inet256": the number is hexadecimal.
    static func says(_ line: String, _ address: IPv6Address, _ interface: UInt32) -> Bool {
        let words = line.split(whereSeparator: \.isWhitespace)
        guard words.count >= 2, words[0].utf8.count == 32, let high = UInt64(words[0].prefix(16), radix: 16),
            let low = UInt64(words[0].suffix(16), radix: 16)
        else { return false }
        return IPv6Address(high: high, low: low) == address && UInt32(words[1], radix: 16) == interface
    }
}
