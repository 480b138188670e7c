internal import API
internal import INET256
internal import Mesh
internal import Transport
internal import Wire

/// Applications' commands that were not obeyed yet: for want of room in the sockets, or because a turn has an end.
struct CommandBacklog {
    private var commands: [NodeCommand] = []
    private var next = 0
    /// When it wants to be looked at.
    var deadline: Instant = .distantFuture
    /// Since when a socket has had no room.
    var blockedSince: Instant?

    var isEmpty: Bool { next == commands.count }

    mutating func append(_ more: [NodeCommand]) { if isEmpty { commands = more } else { commands += more } }

    mutating func popFirst() -> NodeCommand? {
        guard next < commands.count else { return nil }
        defer { next += 1 }
        return commands[next]
    }

    /// Frees what was obeyed; called once a turn.
    mutating func tidy() {
        commands.removeFirst(next)
        next = 0
    }

    mutating func refuseAll() {
        while let command = popFirst() { command.refuse() }
        tidy()
    }
}

/// What applications ask for their nodes.
extension Engine {
    /// Bytes of messages taken in one turn: the sockets and the portal have their turn in between.
    private static let bytesPerTurn = 1 << 20
    /// Datagrams in the outbox above which it is seen whether the sockets take them.
    private static let datagramsAtATime = 512
    /// How long messages wait for room in a socket's buffer before they are handed on to be dropped there and counted.
    private static let roomPatience: Interval = .milliseconds(20)

    func serveApplications(_ now: Instant) throws {
        guard !commands.isEmpty else { return }
        defer { commands.tidy() }
        commands.deadline = .distantFuture
        var taken = 0
        while !commands.isEmpty {
            if waitsForRoom(now) { return }
            guard taken < Self.bytesPerTurn else {
                commands.deadline = now
                return
            }
            guard let command = commands.popFirst() else { break }
            if case .send(let frames, _, _) = command { taken += frames.count }
            try obey(command, now)
            if box.outbox.datagramCount > Self.datagramsAtATime { try flush(now) }
        }
    }

    /// Whether to go on waiting for room in a socket's buffer; not for ever, since messages within the box need none.
    private func waitsForRoom(_ now: Instant) -> Bool {
        guard lines.contains(where: \.isBlocked) else {
            commands.blockedSince = nil
            return false
        }
        let since = commands.blockedSince ?? now
        commands.blockedSince = since
        guard now - since < Self.roomPatience else { return false }
        commands.deadline = since + Self.roomPatience
        return true
    }

    private func obey(_ command: NodeCommand, _ now: Instant) throws {
        switch command {
        case .open(let key, let sink, let answer):
            do throws(APINodeError) {
                let hold = try hosted.open(key, sink: sink, now: now)
                // If nobody waits for it any more, its end lets go of the node.
                answer.give(.success(OpenNode(address: key.address, hold: hold, inbox: inbox)))
            } catch {
                answer.give(.failure(error))
            }
        case .send(let frames, let hold, let done):
            defer { done() }
            try hosted.send(frames, hold: hold, now: now, toMain: takeForMain) { try flush(now) }
        case .find(let prefix, let bits, let answer): hosted.find(prefix: prefix, bits: bits, answer, now: now)
        case .lookup(let address, let answer): hosted.lookup(address, answer, now: now)
        case .drop(let key, let answer):
            do throws(APINodeError) {
                try hosted.drop(key, now: now)
                answer.give(.success(()))
            } catch {
                answer.give(.failure(error))
            }
        case .leave(let hold): hosted.leave(hold, now: now)
        case .wake: break
        }
    }
}
