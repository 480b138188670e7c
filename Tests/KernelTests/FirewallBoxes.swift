import Foundation

/// A server with a firewall, and guests around it, each on a wire of its own and without a firewall.
struct Star {
    let server: Box
    let guests: [Box]

    /// Wires and configures the boxes; nothing runs yet. The server knows its guests by their names.
    init(in bed: Testbed, guests names: [String], firewall: String) async throws {
        server = try await bed.box("server")
        var guests: [Box] = []
        for (place, name) in names.enumerated() {
            let guest = try await bed.box(name)
            try await bed.wire(guest, "10.57.\(place).1/24", server, "10.57.\(place).2/24")
            guest.configuration.peers = [
                .init(name: "server", id: server.address, endpoints: ["10.57.\(place).2:25632"])
            ]
            guest.configuration.allowed = ["any"]
            guest.configuration.more = "firewall: {enabled: false}\n"
            server.configuration.peers.append(
                .init(name: name, id: guest.address, endpoints: ["10.57.\(place).1:25632"]))
            guests.append(guest)
        }
        server.configuration.allowed = ["any"]
        server.configuration.more = firewall
        self.guests = guests
    }

    /// Starts all and waits until each guest is linked to the server.
    func start() async throws {
        try await server.start()
        for guest in guests { try await guest.start() }
        for guest in guests { try await linked(guest) }
    }

    /// Waits for the mesh without sending a packet through the portal, where it would be counted.
    func linked(_ guest: Box) async throws {
        try await eventually(within: .seconds(30), "\(guest.name) reaches server") {
            try await guest.command("ping", "-c", "1", "server").succeeded
        }
    }
}

/// `firewall show --json`.
struct ShownFirewall: Decodable {
    struct Count: Decodable, Equatable {
        let packets: Int
        let bytes: Int
    }
    struct Rule: Decodable {
        let rule: String
        let count: Count
        let counter: String
    }
    struct List: Decodable {
        let rules: [Rule]
        let fallback: String
        let fallbackCount: Count

        enum CodingKeys: String, CodingKey {
            case rules
            case fallback = "default"
            case fallbackCount = "default_count"
        }

        /// Packets of each rule, and then of the rest.
        var packets: [Int] { rules.map(\.count.packets) + [fallbackCount.packets] }
    }

    let enforced: Bool
    let owned: Bool
    let inbound: List
    let outbound: List
    let counters: [String: Count]
    let includes: [String]
    let note: String?
}

extension Box {
    func shownFirewall() async throws -> ShownFirewall {
        let shown = try await command("firewall", "show", "--json")
        guard shown.succeeded else { throw CommandError.failed(shown) }
        return try JSONDecoder().decode(ShownFirewall.self, from: Data(shown.output.utf8))
    }

    /// Packets that the portal dropped, by reason.
    func portalDrops() async throws -> [String: Int] {
        let shown = try await command("status", "--json")
        let status = try JSONSerialization.jsonObject(with: Data(shown.output.utf8)) as? [String: Any]
        let portal = status?["portal"] as? [String: Any]
        return portal?["drops"] as? [String: Int] ?? [:]
    }

    /// What nft prints; it must not refuse.
    func nft(_ words: String...) async throws -> String {
        let outcome = try await run(words: ["nft"] + words)
        guard outcome.succeeded else { throw CommandError.failed(outcome) }
        return outcome.output
    }

    /// Takes a firewall over by a reload and waits until that is done.
    func reload(firewall: String) async throws {
        configuration.more = firewall
        let before = reloads
        try reload()
        try await eventually("\(name) has reloaded") { reloads > before }
    }

    private var reloads: Int { log.split(separator: "\n").count { $0.contains(" reloaded") } }

    /// How many reloads were refused so far.
    var refusedReloads: [Substring] { log.split(separator: "\n").filter { $0.contains("reload refused") } }
}
