internal import API
internal import INET256
internal import Mesh
internal import NodeProtocol
internal import System
internal import Transport
internal import Wire

/// Applications: their connections belong to this thread, so a message goes from one socket to the other, or into the mesh,
/// without a hand-over between threads.
extension Engine {
    /// Datagrams in the outbox above which it is seen whether the sockets take them.
    private static var datagramsAtATime: Int { 512 }
    /// How long messages wait for room in a socket's buffer before they are handed on to be dropped there and counted.
    private static var roomPatience: Interval { .milliseconds(20) }

    func obeyApplications(_ now: Instant) {
        for command in inbox.drain() { obey(command, now) }
    }

    private func obey(_ command: NodeCommand, _ now: Instant) {
        do throws(APINodeError) {
            switch command {
            case .open(let key, let arrival, let answer):
                try open(key, arrival, now)
                answer.end(.success(()))
            case .drop(let key, let answer):
                try hosted.drop(key, now: now)
                answer.end(.success(()))
            }
        } catch {
            command.fail(error)
        }
    }

    private func open(_ key: PrivateKey, _ arrival: NodeArrival, _ now: Instant) throws(APINodeError) {
        try applications.open(arrival, node: key.address, now: now) { connection throws(APINodeError) in
            try hosted.open(key, sink: connection, now: now)
        } leave: { hold in
            hosted.leave(hold, now: now)
        }
    }
}

extension Engine: APINodeHost {
    // Called through an existential, for each batch of messages: there is a version for the devices of production.
    @_specialize(where Devices == TunDevices)
    func take(_ frames: UnsafeRawBufferPointer, from connection: NodeConnection) throws {
        try hosted.send(frames, hold: connection.hold, now: turnBegan, toMain: takeForMain) { try flush(turnBegan) }
        if box.outbox.datagramCount > Self.datagramsAtATime { try flush(turnBegan) }
    }

    func ask(_ question: NodeQuestion, from connection: NodeConnection) {
        hosted.ask(question, from: connection, now: turnBegan)
    }

    func leave(_ connection: NodeConnection) { hosted.leave(connection.hold, now: turnBegan) }

    /// While a socket's buffer is full applications are not read: so they wait and lose nothing. Not for ever, since
    /// messages within the box need no room.
    @_specialize(where Devices == TunDevices)
    func roomAwaited(now: Instant) -> Instant? {
        guard worker.isBlocked else {
            blockedSince = nil
            return nil
        }
        let since = blockedSince ?? now
        blockedSince = since
        let due = since + Self.roomPatience
        return now < due ? due : nil
    }

    func watch(
        _ descriptor: Int32, number: UInt64, from old: NodeInterest, to new: NodeInterest
    ) throws {
        let token = EngineToken.applications + number
        switch (old.isEmpty, new.isEmpty) {
        case (true, true): break
        case (true, false): try worker.poller.add(descriptor, token: token, interest: Interest(new))
        case (false, true): try worker.poller.remove(descriptor)
        case (false, false): try worker.poller.modify(descriptor, token: token, interest: Interest(new))
        }
    }
}

extension Interest {
    fileprivate init(_ interest: NodeInterest) {
        self = []
        if interest.contains(.readable) { insert(.readable) }
        if interest.contains(.writable) { insert(.writable) }
    }
}
