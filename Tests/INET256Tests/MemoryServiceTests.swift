import INET256
import TestSupport
import Testing
import Wire

@Suite(.timeLimit(.minutes(1))) struct MemoryServiceTests {
    private let service = MemoryService(queueLimit: 8)

    private func key(_ seed: UInt64) -> PrivateKey { PrivateKey(generatedFrom: SeededRandom(seed: seed)) }

    @Test func messagesOfAllSizesArrive() async throws {
        let alice = try await service.open(key(1))
        let bob = try await service.open(key(2))
        for count in [0, 1, 1280, 65_535] {
            let payload = SeededRandom(seed: UInt64(count)).bytes(count)
            try await alice.send(payload, to: bob.localAddress)
            let message = try await bob.receive()
            #expect(message == Message(source: alice.localAddress, destination: bob.localAddress, payload: payload))
        }
        await #expect(throws: NodeError.messageTooLarge(65_536)) {
            try await alice.send([UInt8](repeating: 0, count: 65_536), to: bob.localAddress)
        }
        try await alice.send([1], to: alice.localAddress)
        #expect(try await alice.receive().source == alice.localAddress)
    }

    @Test func aSlowReceiverLosesMessagesAndNobodyWaits() async throws {
        let alice = try await service.open(key(1))
        let bob = try await service.open(key(2))
        for index in 0..<20 { try await alice.send([UInt8(index)], to: bob.localAddress) }
        for index in 0..<8 { #expect(try await bob.receive().payload == [UInt8(index)]) }
        try await alice.send([99], to: bob.localAddress)
        #expect(try await bob.receive().payload == [99])
    }

    @Test func findsAddressesAndKeys() async throws {
        let keys = (1...20).map { key($0) }
        var nodes: [any Node] = []
        for key in keys { nodes.append(try await service.open(key)) }
        for key in keys {
            let found = try await nodes[0].findAddress(prefix: key.address.masked(to: 64), bits: 64)
            #expect(found == key.address)
            #expect(try await nodes[0].lookupPublicKey(key.address) == key.publicKey)
        }
        let any = try await nodes[0].findAddress(prefix: Address(raw: .zero), bits: 0)
        #expect(any == keys.map(\.address).min())
        let stranger = key(99).address
        await #expect(throws: NodeError.notFound) { try await nodes[0].findAddress(prefix: stranger, bits: 256) }
        await #expect(throws: NodeError.notFound) { try await nodes[0].lookupPublicKey(stranger) }
        await #expect(throws: NodeError.notFound) { try await nodes[0].send([], to: stranger) }
        await #expect(throws: NodeError.badPrefix(bits: 257)) {
            try await nodes[0].findAddress(prefix: stranger, bits: 257)
        }
        await #expect(throws: NodeError.badPrefix(bits: -1)) {
            try await nodes[0].findAddress(prefix: stranger, bits: -1)
        }
    }

    @Test func oneNodePerKeyUntilItIsDropped() async throws {
        let first = try await service.open(key(1))
        await #expect(throws: NodeError.alreadyOpen) { _ = try await service.open(key(1)) }
        try await service.drop(key(1))
        try await service.drop(key(1))
        await expectClosed(first)
        let second = try await service.open(key(1))
        // The old one stays closed, and closing it again does not take the new one away.
        await expectClosed(first)
        first.close()
        try await second.send([1], to: second.localAddress)
        #expect(try await second.receive().payload == [1])
        second.close()
        second.close()
        await expectClosed(second)
        #expect(second.publicKey == key(1).publicKey)
    }

    private func expectClosed(_ node: any Node) async {
        await #expect(throws: NodeError.closed) { try await node.receive() }
        await #expect(throws: NodeError.closed) { try await node.send([], to: node.localAddress) }
        await #expect(throws: NodeError.closed) { try await node.lookupPublicKey(node.localAddress) }
        await #expect(throws: NodeError.closed) { try await node.findAddress(prefix: node.localAddress, bits: 1) }
    }

    @Test func everyCallCanBeCancelled() async throws {
        let service = service
        let node = try await service.open(key(1))
        let other = key(2)
        let calls: [@Sendable () async throws -> Void] = [
            { _ = try await node.receive() },
            { try await node.send([], to: node.localAddress) },
            { _ = try await node.findAddress(prefix: node.localAddress, bits: 256) },
            { _ = try await node.lookupPublicKey(node.localAddress) },
            { _ = try await service.open(other) },
        ]
        for call in calls {
            let task = Task {
                while !Task.isCancelled { await Task.yield() }
                try await call()
            }
            task.cancel()
            await #expect(throws: NodeError.cancelled) { try await task.value }
        }
        // Nothing of it stuck: the node goes on.
        try await node.send([3], to: node.localAddress)
        #expect(try await node.receive().payload == [3])
    }

    @Test func closingWakesAWaitingReceiver() async throws {
        let node = try await service.open(key(1))
        let task = Task { try await node.receive() }
        await Task.yield()
        try await service.drop(key(1))
        await #expect(throws: NodeError.closed) { try await task.value }
    }
}
