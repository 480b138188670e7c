import INET256
import Synchronization

@testable import API

/// The nodes of one process, joined without a wire: the contract of `APINodeService` in a few lines.
final class MemoryNodes: APINodeService {
    struct Hold {
        let number: Int
        let sink: any APINodeSink
    }
    struct State {
        var holds: [Address: [Hold]] = [:]
        var keys: [Address: PublicKey] = [:]
        var count = 0
        var batches: [Int] = []
        var lost = 0
        var callers: Set<APICaller> = []
        /// Whether `done` is kept back, and what is.
        var isStuck = false
        var held: [@Sendable () -> Void] = []
    }

    let state = Mutex(State())
    let reserved: Address?
    /// Questions for this address are never answered.
    let hanging: Address?

    init(reserved: Address? = nil, hanging: Address? = nil) {
        self.reserved = reserved
        self.hanging = hanging
    }

    var openCount: Int { state.withLock { $0.holds.values.reduce(0) { $0 + $1.count } } }
    var lost: Int { state.withLock { $0.lost } }

    func open(_ key: PrivateKey, caller: APICaller, sink: any APINodeSink) async throws(APINodeError) -> any APINode {
        if key.address == reserved { throw .reserved }
        return state.withLock { state in
            state.count += 1
            state.callers.insert(caller)
            state.holds[key.address, default: []].append(Hold(number: state.count, sink: sink))
            state.keys[key.address] = key.publicKey
            return MemoryNode(address: key.address, number: state.count, nodes: self)
        }
    }

    func drop(_ key: PrivateKey, caller: APICaller) async throws(APINodeError) {
        let holds = state.withLock { $0.holds.removeValue(forKey: key.address) } ?? []
        for hold in holds { hold.sink.end(.closed) }
    }

    func release() {
        let held = state.withLock { state in
            state.isStuck = false
            defer { state.held = [] }
            return state.held
        }
        for done in held { done() }
    }

    fileprivate func close(_ address: Address, _ number: Int) {
        state.withLock { state in
            state.holds[address]?.removeAll { $0.number == number }
            if state.holds[address]?.isEmpty == true { state.holds[address] = nil }
        }
    }
}

private struct MemoryNode: APINode {
    let address: Address
    let number: Int
    let nodes: MemoryNodes

    func send(_ frames: [UInt8], done: @escaping @Sendable () -> Void) {
        frames.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while let frame = try? APIFrame.first(in: UnsafeRawBufferPointer(rebasing: rest)) {
                rest = rest.dropFirst(frame.bytes.count)
                let holds = nodes.state.withLock { $0.holds[frame.address] } ?? []
                let message = APIFrame.data(address, frame.payload)
                if !holds.contains(where: { $0.sink.offer(message) }) { nodes.state.withLock { $0.lost += 1 } }
            }
        }
        let isStuck = nodes.state.withLock { state in
            state.batches.append(frames.count)
            if state.isStuck { state.held.append(done) }
            return state.isStuck
        }
        if !isStuck { done() }
    }

    func find(prefix: Address, bits: Int) async throws(APINodeError) -> Address {
        let found = nodes.state.withLock { $0.holds.keys.filter { $0.hasPrefix(prefix, bits: bits) }.min() }
        guard let found else { throw .notFound }
        return found
    }

    func lookup(_ address: Address) async throws(APINodeError) -> PublicKey {
        while address == nodes.hanging {
            do { try await Task.sleep(for: .milliseconds(20)) } catch { throw .cancelled }
        }
        guard let key = nodes.state.withLock({ $0.keys[address] }) else { throw .notFound }
        return key
    }

    func close() { nodes.close(address, number) }
}
