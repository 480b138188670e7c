internal import API
internal import INET256
internal import Synchronization
internal import Transport

/// What applications ask of the data-plane thread.
enum NodeCommand: Sendable {
    case open(PrivateKey, any APINodeSink, Answer<OpenNode>)
    /// Whole DATA frames; `done` when they were taken in or dropped.
    case send([UInt8], hold: UInt64, done: @Sendable () -> Void)
    case find(prefix: Address, bits: Int, Answer<Address>)
    case lookup(Address, Answer<PublicKey>)
    case drop(PrivateKey, Answer<Void>)
    case leave(hold: UInt64)
    /// There are holds to be let go of.
    case wake

    /// Nobody will obey it any more: whoever waits for it is told.
    func refuse() {
        switch self {
        case .open(_, _, let answer): answer.give(.failure(.closed))
        case .send(_, _, let done): done()
        case .find(_, _, let answer): answer.give(.failure(.closed))
        case .lookup(_, let answer): answer.give(.failure(.closed))
        case .drop(_, let answer): answer.give(.failure(.closed))
        case .leave, .wake: break
        }
    }
}

/// The applications' way into the data plane: a mailbox of its own, so that however many of them send, what the daemon itself
/// asks of its data plane finds room.
final class NodeInbox: Sendable {
    private let mailbox: Mailbox<NodeCommand>
    /// Holds that were let go of. Unlike the rest this must not be lost when the mailbox is full, and it is bounded by
    /// how many were given.
    private let released = Mutex<[UInt64]>([])
    private let refused = Atomic<UInt64>(0)

    init() throws(TransportError) { mailbox = try Mailbox(capacity: 8192) }

    var descriptor: Int32 { mailbox.descriptor }
    /// Messages that found it full.
    var refusedMessages: UInt64 { refused.load(ordering: .relaxed) }

    func post(_ command: NodeCommand) throws(APINodeError) {
        do throws(MailboxError) {
            try mailbox.post(command)
        } catch {
            switch error {
            case .full: throw .busy
            case .closed: throw .closed
            }
        }
    }

    func send(_ frames: [UInt8], hold: UInt64, done: @escaping @Sendable () -> Void) {
        do throws(APINodeError) {
            try post(.send(frames, hold: hold, done: done))
        } catch {
            refused.add(Self.messages(in: frames), ordering: .relaxed)
            done()
        }
    }

    private static func messages(in frames: [UInt8]) -> UInt64 {
        frames.withUnsafeBytes { bytes in
            var offset = 0
            var count: UInt64 = 0
            while let length = DataFrame.count(at: offset, in: bytes) {
                offset += length
                count += 1
            }
            return count
        }
    }

    func release(_ hold: UInt64) {
        released.withLock { $0.append(hold) }
        // Full: then the data plane is going to drain it, and looks for releases behind that.
        do throws(APINodeError) { try post(.wake) } catch {}
    }

    /// Everything since the last call, in order: what a connection asked before it let go stands before that.
    func drain() -> [NodeCommand] {
        var commands: [NodeCommand] = []
        repeat {
            // Taken before the mailbox is: what was posted before them is in there.
            let leaving = released.withLock { released in
                var taken: [UInt64] = []
                swap(&taken, &released)
                return taken
            }
            if commands.isEmpty { commands = mailbox.drain() } else { commands += mailbox.drain() }
            for hold in leaving { commands.append(.leave(hold: hold)) }
        } while released.withLock { !$0.isEmpty }
        return commands
    }

    /// Takes nothing more, and tells those who wait.
    func close() {
        for command in mailbox.close() { command.refuse() }
    }
}
