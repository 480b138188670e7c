import Foundation
import INET256
import NodeProtocol
import Synchronization
import System
import Wire

@testable import API

/// The nodes of one process, joined without a wire: the contract of `APINodeService` in a few lines, on one thread that
/// owns the connections.
final class MemoryNodes: APINodeService {
    struct State {
        var open: [Address: Int] = [:]
        var batches: [Int] = []
        var lost = 0
        var callers: Set<APICaller> = []
        /// No room: nothing is read.
        var isStuck = false
        /// Opening waits for a second.
        var isSlow = false
        /// Turns of the thread.
        var turns = 0
    }

    enum Command: Sendable {
        case open(PrivateKey, NodeArrival, CheckedContinuation<Result<Void, APINodeError>, Never>)
        case drop(Address, CheckedContinuation<Void, Never>)
        case wake
        case stop
    }

    let state = Mutex(State())
    let reserved: Address?
    /// Questions for this address are never answered.
    let hanging: Address?
    let mailbox: Mailbox<Command>

    /// `limits` are those of the server.
    init(reserved: Address? = nil, hanging: Address? = nil, limits: APILimits = APILimits()) {
        self.reserved = reserved
        self.hanging = hanging
        do { mailbox = try Mailbox() } catch { fatalError("\(error)") }
        let thread = MemoryThread(limits: limits, mailbox: mailbox)
        thread.nodes = self
        nonisolated(unsafe) let running = thread
        Thread.detachNewThread {
            do { try running.run() } catch { fatalError("\(error)") }
        }
    }

    deinit { post(.stop) }

    var openCount: Int { state.withLock { $0.open.values.reduce(0, +) } }
    var lost: Int { state.withLock { $0.lost } }

    func open(_ key: PrivateKey, _ arrival: NodeArrival) async throws(APINodeError) {
        if key.address == reserved { throw .reserved }
        if state.withLock({ $0.isSlow }) {
            do { try await Task.sleep(for: .seconds(1)) } catch { throw .cancelled }
        }
        try await withCheckedContinuation { post(.open(key, arrival, $0)) }.get()
    }

    func drop(_ key: PrivateKey, caller: APICaller) async throws(APINodeError) {
        await withCheckedContinuation { post(.drop(key.address, $0)) }
    }

    func release() {
        state.withLock { $0.isStuck = false }
        post(.wake)
    }

    private func post(_ command: Command) {
        do { try mailbox.post(command) } catch { fatalError("\(error)") }
    }
}

/// The thread: polls, and joins those who have one node open in the order of opening.
private final class MemoryThread: APINodeHost {
    weak var nodes: MemoryNodes?
    private let mailbox: Mailbox<MemoryNodes.Command>
    private let connections: NodeConnections
    private let poller: Poller
    private var members: [Address: [NodeConnection]] = [:]
    private var keys: [Address: PublicKey] = [:]
    private var isStopping = false

    private static let base: UInt64 = 1

    init(limits: APILimits, mailbox: Mailbox<MemoryNodes.Command>) {
        self.mailbox = mailbox
        connections = NodeConnections(limits: limits, logger: silent)
        do { poller = try Poller() } catch { fatalError("\(error)") }
    }

    func run() throws {
        try poller.add(mailbox.descriptor, token: 0, interest: .readable)
        while !isStopping {
            let count = try poller.wait(until: connections.deadline, now: BootClock.now())
            let now = BootClock.now()
            nodes?.state.withLock { $0.turns += 1 }
            for index in 0..<count {
                let event = poller[index]
                if event.token == 0 {
                    for command in mailbox.drain() { obey(command, now) }
                } else {
                    connections.note(
                        event.token - Self.base, isReadable: event.isReadable, isWritable: event.isWritable,
                        isBroken: event.isBroken)
                }
            }
            try connections.serve(now: now, host: self)
            try connections.tidy(now: now, host: self)
        }
        connections.endAll(host: self)
    }

    private func obey(_ command: MemoryNodes.Command, _ now: Instant) {
        switch command {
        case .open(let key, let arrival, let answer):
            do throws(APINodeError) {
                try connections.open(arrival, node: key.address, now: now) { connection in
                    members[key.address, default: []].append(connection)
                    keys[key.address] = key.publicKey
                    // Now, for the client has its answer before this call returns.
                    publish(arrival.caller)
                    return 0
                } leave: { _ in
                    _ = members[key.address]?.popLast()
                    publish()
                }
                answer.resume(returning: .success(()))
            } catch {
                answer.resume(returning: .failure(error))
            }
        case .drop(let address, let answer):
            for connection in members.removeValue(forKey: address) ?? [] { connection.end(APINodeError.closed) }
            publish()
            answer.resume()
        case .wake: break
        case .stop: isStopping = true
        }
    }

    private func publish(_ caller: APICaller? = nil) {
        let open = members.mapValues(\.count)
        nodes?.state.withLock { state in
            state.open = open
            if let caller { state.callers.insert(caller) }
        }
    }

    func take(_ frames: UnsafeRawBufferPointer, from connection: NodeConnection) throws {
        var rest = frames
        while !rest.isEmpty, let frame = try NodeFrame.first(in: rest) {
            rest = UnsafeRawBufferPointer(rebasing: rest[frame.bytes.count...])
            let message = NodeFrame.data(connection.address, frame.payload)
            let taken = message.withUnsafeBytes { bytes in
                members[frame.address, default: []].contains { $0.offer(bytes) == bytes.count }
            }
            // At once: what is offered next may be read, and this asked for, before the rest is looked at.
            if !taken { nodes?.state.withLock { $0.lost += 1 } }
        }
        nodes?.state.withLock { state in
            state.batches.append(frames.count)
        }
    }

    func ask(_ question: NodeQuestion, from connection: NodeConnection) {
        switch question.subject {
        case .address(let prefix, let bits):
            let found = members.keys.filter { $0.hasPrefix(prefix, bits: bits) }.min()
            connection.answer(question, found.map { .address($0) } ?? .failed(.notFound))
        case .publicKey(let address):
            if address == nodes?.hanging { return }
            connection.answer(question, keys[address].map { .publicKey($0) } ?? .failed(.notFound))
        }
    }

    func leave(_ connection: NodeConnection) {
        members[connection.address]?.removeAll { $0 === connection }
        if members[connection.address]?.isEmpty == true { members[connection.address] = nil }
        publish()
    }

    func roomAwaited(now: Instant) -> Instant? {
        nodes?.state.withLock { $0.isStuck } == true ? now + .seconds(10) : nil
    }

    func watch(_ descriptor: Int32, number: UInt64, from old: NodeInterest, to new: NodeInterest) throws {
        let token = Self.base + number
        let interest = Interest(rawValue: new.rawValue)
        if old.isEmpty {
            try poller.add(descriptor, token: token, interest: interest)
        } else if new.isEmpty {
            try poller.remove(descriptor)
        } else {
            try poller.modify(descriptor, token: token, interest: interest)
        }
    }
}
