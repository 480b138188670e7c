internal import AdminProtocol
internal import DNS
internal import Logging
internal import Settings
internal import System
internal import Transport
internal import Wire

/// The thread that answers about names. What it answers is decided by `NameServer`, which sees bytes alone; here are its sockets.
final class NamesThread {
    private let plan: NamesPlan
    private let logger: Logger
    private let poller: Poller
    private var content: NamesContent
    private var server: NameServer
    private var doors: [NamesDoor]
    private var streams: [UInt64: NamesStream] = [:]
    private var nextStream = Token.firstStream
    private let batch = DatagramBatch(slotSize: 1 << 11, slots: 64)
    private var retryAt: Instant
    private var isStopping = false

    /// Connections at a time. Whoever has had his longest is closed for the next one.
    private static let mostStreams = 32
    /// Until it is tried again where a port was taken.
    private static let retry: Interval = .seconds(15)

    private enum Token {
        static let commands: UInt64 = 0
        /// Two for each place: the socket of datagrams, and the one of connections.
        static let firstDoor: UInt64 = 2
        static let firstStream: UInt64 = 1 << 20
    }

    private init(_ plan: NamesPlan, _ content: NamesContent, _ logger: Logger) throws {
        self.plan = plan
        self.logger = logger
        self.content = content
        server = NameServer(content.zone)
        doors = plan.places.map { NamesDoor($0) }
        poller = try Poller()
        retryAt = .distantPast
        try poller.add(plan.commands.descriptor, token: Token.commands, interest: .readable)
    }

    /// Runs on a thread of its own until it is told to stop.
    static func start(_ plan: NamesPlan, _ content: NamesContent, logger: Logger) throws {
        nonisolated(unsafe) let thread = try NamesThread(plan, content, logger)
        try OwnThread.start("names") { thread.run() }
    }

    // MARK: The thread

    private func run() {
        take(content)
        while !isStopping {
            let now = BootClock.now()
            if now >= retryAt { openDoors(now) }
            do {
                let ready = try poller.wait(until: deadline, now: now)
                for place in 0..<ready { turn(poller[place]) }
            } catch {
                logger.error("nobody answers about names any more", metadata: ["reason": "\(error)"])
                isStopping = true
            }
            closeIdle(BootClock.now())
        }
        for case .inspect(let answer) in plan.commands.close() { answer(nil) }
        try? plan.resolved.post(.stop)
    }

    private var deadline: Instant {
        let idle = streams.values.map(\.deadline).min() ?? .distantFuture
        return min(idle, doors.contains { $0.trouble != nil } ? retryAt : .distantFuture)
    }

    private func turn(_ ready: Readiness) {
        switch ready.token {
        case Token.commands: for command in plan.commands.drain() { obey(command) }
        case Token.firstStream...: serve(ready.token)
        default:
            let place = Int(ready.token - Token.firstDoor) / 2
            if ready.token % 2 == 0 { answerDatagrams(place) } else { accept(place) }
        }
    }

    private func obey(_ command: NamesCommand) {
        switch command {
        case .set(let content): take(content)
        case .inspect(let answer): answer(report())
        case .stop: isStopping = true
        }
    }

    private func take(_ content: NamesContent) {
        let known = Set(self.content.zone.faults)
        let isFirst = content.zone.faults == self.content.zone.faults
        for fault in content.zone.faults where isFirst || !known.contains(fault) { logger.warning("\(fault)") }
        self.content = content
        server.zone = content.zone
        tellResolved()
    }

    // MARK: Doors

    private func openDoors(_ now: Instant) {
        retryAt = now + Self.retry
        var isNews = false
        for place in doors.indices where !doors[place].isOpen {
            let before = doors[place].trouble
            do {
                let token = Token.firstDoor + UInt64(place) * 2
                try doors[place].open()
                if let socket = doors[place].datagrams {
                    try poller.add(socket.descriptor, token: token, interest: .readable)
                }
                if let listener = doors[place].connections {
                    try poller.add(listener.descriptor, token: token + 1, interest: .readable)
                }
                isNews = true
                if before != nil {
                    logger.notice("names are answered about", metadata: ["at": "\(doors[place].place.endpoint)"])
                }
            } catch {
                doors[place].close("\(error)")
                if before != doors[place].trouble {
                    logger.warning(
                        "names are not answered about there",
                        metadata: ["at": "\(doors[place].place.endpoint)", "reason": "\(error)"])
                }
            }
        }
        if isNews { tellResolved() }
    }

    /// It is told of the portal's place first: a port below 1024 is nobody's who has not the right to it.
    private func tellResolved() {
        let open = doors.filter(\.isOpen).map(\.place)
        let best = open.first { $0.endpoint.port < 1024 } ?? open.first
        var wish = content.wish
        wish?.server = best?.endpoint
        try? plan.resolved.post(.wish(wish?.server == nil ? nil : wish))
    }

    // MARK: Queries

    private func answerDatagrams(_ place: Int) {
        guard let socket = doors[place].datagrams else { return }
        do {
            let count = try socket.receive(into: batch)
            for index in 0..<count {
                let remote = batch[index].path.remote
                let isAdmitted = content.askers.admit(remote.address, at: doors[place].place.door)
                guard
                    let answer = server.answer(
                        UnsafeRawBufferPointer(batch[index].bytes), over: .datagram, isAdmitted: isAdmitted)
                else { continue }
                // What the kernel does not take is lost, and asked again.
                try? socket.sendOne(answer, Path(remote: remote))
            }
        } catch {
            lose(place, "\(error)")
        }
    }

    private func accept(_ place: Int) {
        guard let listener = doors[place].connections else { return }
        do {
            guard let accepted = try listener.accept() else { return }
            let stream = NamesStream(accepted, door: doors[place].place.door, now: BootClock.now())
            // Nobody else's connection ends for one who gets no answers.
            guard content.askers.admit(stream.source, at: stream.door) else { return }
            if streams.count >= Self.mostStreams,
                let oldest = streams.min(by: { $0.value.deadline < $1.value.deadline })
            {
                end(oldest.key)
            }
            nextStream += 1
            try poller.add(stream.descriptor, token: nextStream, interest: .readable)
            streams[nextStream] = stream
        } catch {
            lose(place, "\(error)")
        }
    }

    private func lose(_ place: Int, _ reason: String) {
        logger.warning(
            "names are not answered about there",
            metadata: ["at": "\(doors[place].place.endpoint)", "reason": "\(reason)"])
        if let socket = doors[place].datagrams { try? poller.remove(socket.descriptor) }
        if let listener = doors[place].connections { try? poller.remove(listener.descriptor) }
        doors[place].close(reason)
        retryAt = BootClock.now() + Self.retry
        tellResolved()
    }

    private func serve(_ token: UInt64) {
        guard let stream = streams[token] else { return }
        let isAdmitted = content.askers.admit(stream.source, at: stream.door)
        let goesOn = stream.turn(now: BootClock.now()) { query in
            server.answer(query, over: .stream, isAdmitted: isAdmitted)
        }
        guard goesOn else { return end(token) }
        if stream.takeChange() {
            do {
                try poller.modify(stream.descriptor, token: token, interest: stream.isSending ? .writable : .readable)
            } catch { end(token) }
        }
    }

    private func end(_ token: UInt64) {
        guard let stream = streams.removeValue(forKey: token) else { return }
        try? poller.remove(stream.descriptor)
    }

    private func closeIdle(_ now: Instant) {
        for (token, stream) in streams where stream.deadline <= now { end(token) }
    }

    // MARK: Telling

    private func report() -> NamesReport {
        var status = NamesStatus(enabled: true, zone: "\(content.zone.name)")
        status.listen = doors.map {
            NamesPlaceStatus(listen: "\($0.place.listen)", endpoint: "\($0.place.endpoint)", trouble: $0.trouble)
        }
        status.names = content.zone.nameCount
        status.search = content.wish?.searches ?? false
        status.answers = "this machine"
        switch content.allow {
        case .any: status.answers += " and every node"
        case .only(let some, let peers):
            if peers { status.answers += ", peers" }
            if !some.isEmpty { status.answers += ", \(Units.count(some.count, "node"))" }
        }
        let outcome = plan.outcome.value
        status.resolved = content.wish == nil ? "off" : outcome.word
        status.resolvedDetail = content.wish == nil ? nil : outcome.detail
        let counts = server.counters
        status.queries = counts.queries
        status.counters = [
            "answered": counts.answered, "no_data": counts.empty, "no_such_name": counts.missing,
            "refused": counts.refused, "malformed": counts.malformed, "truncated": counts.truncated,
            "by_tcp": counts.streams,
        ]
        let troubles = doors.compactMap { door in
            door.trouble.map { "names are not answered about at \(door.place.endpoint): \($0)" }
        }
        return NamesReport(status: status, warnings: troubles + content.zone.faults)
    }
}
