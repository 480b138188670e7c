import Foundation
import INET256
import INET256Client
import Testing

extension KernelTests {
    /// The conformance list over the real socket: against one daemon, and against two that are linked.
    @Suite struct APIConformance {
        /// Where nodes are opened: on one daemon, or by turns on two.
        struct Daemons {
            let boxes: [Box]

            func connection(_ index: Int) throws -> INET256Connection {
                let box = boxes[index % boxes.count]
                return INET256Connection(endpoint: try ClientEndpoint(parsing: box.configuration.api))
            }

            func nodes(_ count: Int) async throws -> [any Node] {
                var nodes: [any Node] = []
                for index in 0..<count { nodes.append(try await connection(index).open(freshKey())) }
                return nodes
            }
        }

        /// Runs `body` with one or two daemons without a portal.
        static func with(_ count: Int, _ body: (Daemons) async throws -> Void) async throws {
            try await Testbed.with { bed in
                let alice = try await bed.box("alice")
                var boxes = [alice]
                if count == 2 {
                    let bob = try await bed.box("bob")
                    boxes.append(bob)
                    try await bed.wire(alice, "10.56.4.1/24", bob, "10.56.4.2/24")
                    alice.configuration.peers = [.init(name: "bob", id: bob.address, endpoints: ["10.56.4.2:25632"])]
                    bob.configuration.peers = [.init(name: "alice", id: alice.address, endpoints: ["10.56.4.1:25632"])]
                }
                for box in boxes {
                    box.configuration.portal = false
                    box.configuration.more = ""
                    try await box.start()
                }
                if count == 2 {
                    try await eventually("the daemons are linked") {
                        try await alice.command("ping", "-c", "1", "-W", "1", "bob").succeeded
                    }
                }
                try await body(Daemons(boxes: boxes))
            }
        }

        @Test(.timeLimit(.minutes(2)), arguments: [1, 2])
        func fiveNodesEachWay(_ daemons: Int) async throws {
            try await Self.with(daemons) { daemons in
                let nodes = try await daemons.nodes(5)
                for (a, source) in nodes.enumerated() {
                    for (b, target) in nodes.enumerated() {
                        try await expectDelivery(Array("\(a) to \(b)".utf8), source, target)
                    }
                }
                for node in nodes { node.close() }
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func tenNodesOnTwoDaemons() async throws {
            try await Self.with(2) { daemons in
                let nodes = try await daemons.nodes(10)
                for (index, source) in nodes.enumerated() {
                    let others = nodes.indices.filter { $0 != index }
                    for other in others { try await source.send([UInt8(index)], to: nodes[other].localAddress) }
                    for other in others {
                        let message = try await soon { try await nodes[other].receive() }
                        #expect(message.source == source.localAddress && message.payload == [UInt8(index)])
                    }
                }
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func loopbackToOneself() async throws {
            try await Self.with(1) { daemons in
                let node = try await daemons.nodes(1)[0]
                for count in [0, 1, 1200, Message.maximumCount] {
                    try await expectDelivery([UInt8](repeating: 9, count: count), node, node)
                }
            }
        }

        @Test(.timeLimit(.minutes(2)), arguments: [1, 2])
        func findAndLookup(_ daemons: Int) async throws {
            try await Self.with(daemons) { daemons in
                let nodes = try await daemons.nodes(4)
                for asker in nodes {
                    for target in nodes {
                        try await findsSoon(asker, target)
                        let key = try await soon { try await asker.lookupPublicKey(target.localAddress) }
                        #expect(key == target.publicKey)
                    }
                }
                let stranger = freshKey().address
                await #expect(throws: NodeError.notFound) {
                    try await soon { try await nodes[0].findAddress(prefix: stranger, bits: 256) }
                }
            }
        }

        @Test(.timeLimit(.minutes(2)), arguments: [1, 2])
        func openAgainAfterCloseAndAfterDrop(_ daemons: Int) async throws {
            try await Self.with(daemons) { daemons in
                let peer = try await daemons.connection(1).open(freshKey())
                let key = freshKey()
                let connection = try daemons.connection(0)
                for round in 0..<6 {
                    let node = try await connection.open(key)
                    try await expectDelivery([UInt8(round), 1], node, peer)
                    try await expectDelivery([UInt8(round), 2], peer, node)
                    if round % 2 == 0 {
                        node.close()
                    } else {
                        try await connection.drop(key)
                        await #expect(throws: NodeError.self) { try await soon { try await node.receive() } }
                    }
                }
                // Nothing to do is no error.
                try await connection.drop(freshKey())
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func twoClientsOnOneAddress() async throws {
            try await Self.with(1) { daemons in
                let key = freshKey()
                let connection = try daemons.connection(0)
                let (first, second) = (try await connection.open(key), try await connection.open(key))
                let peer = try await connection.open(freshKey())
                // The one opened first gets it while it has room.
                try await expectDelivery([1], peer, first)
                first.close()
                try await eventually("the other client gets them") {
                    try await peer.send([2], to: key.address)
                    return (try? await soon(.milliseconds(500)) { try await second.receive() })?.payload == [2]
                }
                try await expectDelivery([3], second, peer)
            }
        }

        @Test(.timeLimit(.minutes(2)), arguments: [1, 2])
        func aMessageRightAfterOpeningArrives(_ daemons: Int) async throws {
            try await Self.with(daemons) { daemons in
                for _ in 0..<5 {
                    let target = try await daemons.connection(1).open(freshKey())
                    let source = try await daemons.connection(0).open(freshKey())
                    let began = ContinuousClock.now
                    try await expectDelivery([1, 2, 3], source, target)
                    let time = ContinuousClock.now - began
                    #expect(time < .seconds(1) * Requirements.slack, "\(time)")
                    source.close()
                    target.close()
                }
            }
        }

        @Test(.timeLimit(.minutes(5)), arguments: [1, 2])
        func everySizeArrivesOnceAndUnaltered(_ daemons: Int) async throws {
            try await Self.with(daemons) { daemons in
                let (source, target) = (
                    try await daemons.connection(0).open(freshKey()), try await daemons.connection(1).open(freshKey())
                )
                var sizes = Array(0...40) + stride(from: 41, through: Message.maximumCount, by: 997)
                // Where one datagram becomes two, and headers' edges.
                for edge in [512, 1024, 1200, 1280, 1400, 1500, 4096, 8192, 16384, 32768, 65507, 65535] {
                    sizes += (edge - 3)...min(edge + 3, Message.maximumCount)
                }
                for (number, size) in sizes.enumerated() {
                    let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }
                    try await expectDelivery(payload, source, target)
                }
                // At most once: nothing comes behind.
                await #expect(throws: NodeError.cancelled) {
                    try await soon(.milliseconds(300)) { try await target.receive() }
                }
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func refusals() async throws {
            try await Self.with(1) { daemons in
                let box = daemons.boxes[0]
                let file = try Data(contentsOf: URL(fileURLWithPath: box.directory + "/private_key.inet256"))
                let own = try file.withUnsafeBytes { try PrivateKey.parse(file: $0) }
                // The box's own address is not for applications.
                await #expect(throws: NodeError.self) { _ = try await daemons.connection(0).open(own) }
            }
        }

        /// The Python client does the same on one daemon and on two.
        @Test(.timeLimit(.minutes(2)), arguments: [1, 2])
        func thePythonClient(_ daemons: Int) async throws {
            try await Self.with(daemons) { daemons in
                let alice = daemons.boxes[0]
                let apis = daemons.boxes.map(\.configuration.api)
                let outcome = try await alice.run(
                    words: [
                        "python3", Requirements.root + "/Tests/KernelTests/api_conformance.py", apis[0],
                        apis[apis.count - 1],
                    ])
                #expect(outcome.succeeded && outcome.output.contains("all passed"), "\(outcome)")
            }
        }
    }
}

/// Sends until `payload` has come: once, except while the route to a new node is being found and datagrams may be
/// lost. On these idle links the first must do.
private func expectDelivery(
    _ payload: [UInt8], _ source: any Node, _ target: any Node, location: SourceLocation = #_sourceLocation
) async throws {
    try await source.send(payload, to: target.localAddress)
    let message = try await soon { try await target.receive() }
    #expect(
        message == Message(source: source.localAddress, destination: target.localAddress, payload: payload),
        "\(payload.count) bytes were sent, \(message.payload.count) came", sourceLocation: location)
}

/// A new node becomes known in the network a moment after it was opened.
private func findsSoon(_ asker: any Node, _ target: any Node) async throws {
    for bits in [256, 64, 7] {
        try await eventually(within: .seconds(5), "an address with \(bits) bits is found") {
            let found: Address
            do {
                found = try await soon { try await asker.findAddress(prefix: target.localAddress, bits: bits) }
            } catch NodeError.notFound {
                return false
            }
            #expect(found.hasPrefix(target.localAddress, bits: bits))
            if bits == 256 { #expect(found == target.localAddress) }
            return true
        }
    }
}

/// Ends `body` after `limit`: then it throws `cancelled`.
func soon<R: Sendable>(
    _ limit: Duration = .seconds(5), _ body: @escaping @Sendable () async throws -> R
) async throws -> R {
    let work = Task(operation: body)
    let watch = Task {
        try await Task.sleep(for: limit)
        work.cancel()
    }
    defer { watch.cancel() }
    return try await work.value
}

func freshKey() -> PrivateKey {
    var system = SystemRandomNumberGenerator()
    let seed = (0..<PrivateKey.seedCount).map { _ in UInt8.random(in: 0...255, using: &system) }
    return PrivateKey(seed: seed.withUnsafeBytes { SecretBytes(copying: $0) })
}
