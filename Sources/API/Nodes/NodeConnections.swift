internal import Glibc
package import INET256
package import Logging
internal import NodeProtocol
package import Wire

/// All connections that have a node, on the one thread that owns them, with the limits that hold for a client and in all.
/// It does their I/O without ever waiting; what the frames mean is the `APINodeHost`'s to say.
///
/// A turn: `note` what the poller reports, `serve` to read, then whatever the host has for the connections, then `tidy`.
package final class NodeConnections {
    let limits: APILimits
    let total = ClientUse()
    private let logger: Logger
    private var byNumber: [UInt64: NodeConnection] = [:]
    private var clients: [APIClientIdentity: ClientUse] = [:]
    private var nextNumber: UInt64 = 0

    /// To be read, in the order in which they reported.
    private var ready: [NodeConnection] = []
    /// Something is to be looked at at the end of the turn: output, what is watched, the end.
    private var touched: [NodeConnection] = []
    private var doomed: [NodeConnection] = []
    /// One read goes in here, whosever it is.
    private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: readSize, alignment: 64)

    private var serveDue: Instant = .distantFuture
    private var sweepDue: Instant = .distantFuture
    private let keepInterval: Interval
    private let silence: Interval
    private let sweepInterval: Interval

    /// Bytes of one read: many messages in one batch when there are many.
    private static let readSize = 256 << 10
    /// Bytes taken from all connections in one turn: whatever else the thread does has its turn in between.
    private static let bytesPerTurn = 1 << 20

    package init(limits: APILimits, logger: Logger) {
        self.limits = limits
        self.logger = logger
        keepInterval = Interval(limits.keepInterval)
        silence = Interval(limits.silence)
        sweepInterval = min(keepInterval, silence) / 4
    }

    deinit { scratch.deallocate() }

    /// When it wants its turn at the latest. Never, while there are no connections.
    package var deadline: Instant { min(serveDue, sweepDue) }

    // MARK: Opening

    /// Takes the connection in, once `join` has let it have the node.
    package func open(
        _ arrival: NodeArrival, node: Address, now: Instant, join: (NodeConnection) throws(APINodeError) -> UInt64,
        leave: (UInt64) -> Void
    ) throws(APINodeError) {
        let use = clients[arrival.client] ?? ClientUse()
        guard use.nodes[node] != nil || use.nodes.count < limits.nodesPerClient else {
            throw .tooMany("by this client: \(limits.nodesPerClient) different ones are the limit")
        }
        nextNumber += 1
        let connection = NodeConnection(
            arrival, address: node, number: nextNumber, use: use, table: self, now: now)
        connection.hold = try join(connection)
        guard connection.begin() else {
            leave(connection.hold)
            throw .cancelled
        }
        clients[arrival.client] = use
        use.opened(node)
        byNumber[connection.number] = connection
        connection.keepDue = now + keepInterval
        if sweepDue == .distantFuture { sweepDue = now + sweepInterval }
        if !connection.ahead.isEmpty { makeReady(connection) }
        touch(connection)
        log("a node is opened", connection, [:])
    }

    // MARK: A turn

    /// The poller reports a descriptor, by the number it was given to watch.
    package func note(_ number: UInt64, isReadable: Bool, isWritable: Bool, isBroken: Bool) {
        guard let connection = byNumber[number], !connection.isEnded else { return }
        if isWritable || isBroken { connection.unblock() }
        if isReadable || isBroken, connection.mayRead { makeReady(connection) }
    }

    /// Reads those that are ready, each once, as long as there is room for what they bring.
    package func serve(now: Instant, host: some APINodeHost) throws {
        serveDue = .distantFuture
        guard !ready.isEmpty else { return }
        var next = 0
        var taken = 0
        defer { ready.removeFirst(next) }
        while next < ready.count {
            if let due = host.roomAwaited(now: now) {
                hold(ready[next...])
                serveDue = due
                return
            }
            guard taken < Self.bytesPerTurn else {
                serveDue = now
                return
            }
            let connection = ready[next]
            next += 1
            connection.isReady = false
            if connection.isHeld {
                connection.isHeld = false
                connection.lastHeard = now
                touch(connection)
            }
            taken += try read(connection, now, host)
        }
    }

    /// The end of a turn: writes what waits, lets go of those that ended, and tells the poller.
    package func tidy(now: Instant, host: some APINodeHost) throws {
        if now >= sweepDue { sweep(now) }
        repeat {
            // Ending may bring output to others, and writing may end.
            while let connection = touched.popLast() {
                connection.isTouched = false
                connection.flush()
                watch(connection, host)
            }
            while let connection = doomed.popLast() { bury(connection, host) }
        } while !touched.isEmpty
    }

    /// The daemon stops: nobody is left without an end.
    package func endAll(host: some APINodeHost) {
        for connection in byNumber.values { connection.end(.closed) }
        while let connection = doomed.popLast() { bury(connection, host) }
        touched.removeAll()
    }

    // MARK: What connections ask

    func touch(_ connection: NodeConnection) {
        guard !connection.isTouched else { return }
        connection.isTouched = true
        touched.append(connection)
    }

    func doom(_ connection: NodeConnection) { doomed.append(connection) }

    /// Bytes that may be queued for the client of `connection`.
    func budget(_ connection: NodeConnection) -> Int {
        min(limits.nodeBytesQueuedPerClient - connection.use.queued, limits.nodeBytesQueuedInAll - total.queued)
    }

    /// Bytes of messages that may be queued for `connection`, which has `queued` already.
    func room(_ connection: NodeConnection, _ queued: Int) -> Int {
        min(limits.nodeBytesQueued - queued, budget(connection))
    }

    // MARK: Reading

    private func makeReady(_ connection: NodeConnection) {
        guard !connection.isReady else { return }
        connection.isReady = true
        ready.append(connection)
    }

    /// Not watched any more, or each would wake the thread again and again.
    private func hold(_ some: ArraySlice<NodeConnection>) {
        for connection in some where !connection.isHeld {
            connection.isHeld = true
            touch(connection)
        }
    }

    /// Gives how many bytes there were.
    private func read(_ connection: NodeConnection, _ now: Instant, _ host: some APINodeHost) throws -> Int {
        guard !connection.isEnded else { return 0 }
        if !connection.ahead.isEmpty {
            let bytes = connection.ahead
            connection.ahead = []
            try bytes.withUnsafeBytes { try take($0, from: connection, host) }
            return bytes.count
        }
        switch connection.receive(into: scratch) {
        case .bytes(let count):
            connection.lastHeard = now
            guard let bytes = scratch.slice(0, count) else { return 0 }
            try take(UnsafeRawBufferPointer(bytes), from: connection, host)
            return count
        case .wait: break
        case .end: connection.end("the client has closed its side")
        case .broken(let code): connection.end(String(cString: strerror(code)))
        }
        return 0
    }

    private func take(
        _ bytes: UnsafeRawBufferPointer, from connection: NodeConnection, _ host: some APINodeHost
    ) throws {
        let fault = try connection.stream.receive(bytes) { piece throws -> Bool in
            switch piece {
            case .messages(let frames): try host.take(frames, from: connection)
            case .request(let frame): ask(frame, connection, host)
            }
            return !connection.isEnded
        }
        if let fault { connection.end(fault.description) }
    }

    private func ask(_ frame: NodeFrame, _ connection: NodeConnection, _ host: some APINodeHost) {
        if let refusal = connection.admitQuestion() {
            return connection.refuse(frame, refusal, counted: false)
        }
        do throws(NodeQuestionError) {
            host.ask(try NodeQuestion(frame), from: connection)
        } catch {
            connection.refuse(frame, error.description, counted: true)
        }
    }

    // MARK: Time

    private func sweep(_ now: Instant) {
        for connection in byNumber.values where !connection.isEnded {
            // Whom we do not read we cannot blame.
            if connection.isHeld { connection.lastHeard = now }
            if now - connection.lastHeard >= silence {
                connection.end("silent for \(limits.silence)")
            } else if now + sweepInterval / 2 >= connection.keepDue {
                connection.keepDue = max(connection.keepDue + keepInterval, now)
                connection.keepAlive()
            }
        }
        sweepDue = now + sweepInterval
    }

    // MARK: The end

    private func watch(_ connection: NodeConnection, _ host: some APINodeHost) {
        let wanted = connection.interest
        guard wanted != connection.watched, let descriptor = connection.descriptor else { return }
        do {
            try host.watch(descriptor, number: connection.number, from: connection.watched, to: wanted)
            connection.watched = wanted
        } catch {
            // Not watched, it would be forgotten.
            connection.end("\(error)")
        }
    }

    private func bury(_ connection: NodeConnection, _ host: some APINodeHost) {
        watch(connection, host)
        host.leave(connection)
        byNumber[connection.number] = nil
        connection.close()
        connection.use.closed(connection.address)
        if connection.use.connections == 0 { clients[connection.client] = nil }
        if byNumber.isEmpty { sweepDue = .distantFuture }
        log("a node's connection ends", connection, ["reason": "\(connection.ending ?? "")"])
    }

    private func log(_ message: Logger.Message, _ connection: NodeConnection, _ more: Logger.Metadata) {
        logger.info(
            message,
            metadata: ["node": "\(connection.address)", "client": "\(connection.caller)"].merging(more) { $1 })
    }
}

extension Interval {
    fileprivate init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(nanoseconds: seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
