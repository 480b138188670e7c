import Testing

/// The real program in the kernel's network namespaces. One test at a time: they measure, and the machine is small.
@Suite(
    "Kernel", .serialized,
    .enabled(if: Requirements.canRun, "kernel tests: \(Requirements.missing ?? "nothing is missing")"))
struct KernelTests {}

/// alice - relay - bob: alice and bob share no link. One wire is IPv4, the other IPv6 with addresses of the portal's
/// own prefix, as a LAN may have them.
struct ThreeBoxes {
    let alice: Box
    let relay: Box
    let bob: Box

    static let aliceAddress = "10.56.1.1"
    static let relayEndpointForAlice = "10.56.1.2:25632"
    static let relayEndpointForBob = "[fd56:0:0:2::2]:25632"

    /// Wires and configures the boxes; nothing runs yet.
    init(in bed: Testbed) async throws {
        alice = try await bed.box("alice")
        relay = try await bed.box("relay")
        bob = try await bed.box("bob")
        try await bed.wire(alice, "\(Self.aliceAddress)/24", relay, "10.56.1.2/24")
        try await bed.wire(bob, "fd56:0:0:2::1/64", relay, "fd56:0:0:2::2/64")
        relay.configuration.peers = [.init(name: "alice", id: alice.address), .init(name: "bob", id: bob.address)]
        alice.configuration.peers = [
            .init(name: "relay", id: relay.address, endpoints: [Self.relayEndpointForAlice])
        ]
        bob.configuration.peers = [.init(name: "relay", id: relay.address, endpoints: [Self.relayEndpointForBob])]
        alice.configuration.allowed = [bob.address, relay.address]
        bob.configuration.allowed = [alice.address, relay.address]
        relay.configuration.allowed = [alice.address, bob.address]
    }

    /// Starts all three and waits until alice reaches bob.
    func start() async throws {
        for box in [relay, alice, bob] { try await box.start() }
        try await reach()
    }

    func reach() async throws {
        try await eventually(within: .seconds(30), "alice reaches bob") { try await alice.reaches(bob.ip6) }
        try await eventually(within: .seconds(30), "bob reaches alice") { try await bob.reaches(alice.ip6) }
    }
}

/// alice - bob, joined by one wire; both know each other.
struct TwoBoxes {
    let alice: Box
    let bob: Box

    /// What carries the datagrams.
    enum Family: String, CaseIterable {
        case ip4 = "ip"
        case ip6
    }

    init(in bed: Testbed, over family: Family = .ip4) async throws {
        alice = try await bed.box("alice")
        bob = try await bed.box("bob")
        switch family {
        case .ip4:
            try await bed.wire(alice, "10.56.3.1/24", bob, "10.56.3.2/24")
            introduce("10.56.3.1", "10.56.3.2")
        case .ip6:
            try await bed.wire(alice, "2001:db8:56::1/64", bob, "2001:db8:56::2/64")
            introduce("[2001:db8:56::1]", "[2001:db8:56::2]")
        }
    }

    private func introduce(_ aliceHost: String, _ bobHost: String) {
        alice.configuration.peers = [.init(name: "bob", id: bob.address, endpoints: ["\(bobHost):25632"])]
        bob.configuration.peers = [.init(name: "alice", id: alice.address, endpoints: ["\(aliceHost):25632"])]
        alice.configuration.allowed = [bob.address]
        bob.configuration.allowed = [alice.address]
    }

    func start() async throws {
        for box in [alice, bob] { try await box.start() }
        try await eventually(within: .seconds(30), "alice reaches bob") { try await alice.reaches(bob.ip6) }
    }
}
