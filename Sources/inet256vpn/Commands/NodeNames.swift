internal import API
internal import AdminProtocol
internal import DNS
internal import INET256
internal import Settings

/// What nodes are called on the command line: the one place where a name becomes an address. A peer's name as the configuration has it,
/// NAME.ZONE as programs would look it up (docs/names.md), `this` for the box, and an address as a label of a name.
struct NodeNames {
    private let zone: String
    private let own: Address?
    private let peers: [(name: String, address: Address)]

    init(_ report: StatusReport) {
        zone = report.dns?.zone ?? "\(DNSConfiguration.standardZone)"
        own = Address(report.mainAddr)
        peers = report.peers.compactMap { peer in
            guard let name = peer.name, let address = Address(peer.id) else { return nil }
            return (name, address)
        }
    }

    init(_ configuration: Configuration) {
        zone = "\(configuration.dns.zone)"
        own = nil
        peers = configuration.peers.compactMap { peer in peer.name.map { ($0, peer.id) } }
    }

    /// Whom `text` means; nil where nobody is called so.
    func address(_ text: String) -> Address? {
        if let label = Self.label(text) { return label }
        // A name as it was given goes before one that is the same but for its case, and both before the box.
        for name in [text, withoutZone(text)] {
            if let peer = peers.first(where: { $0.name == name }) { return peer.address }
        }
        let name = withoutZone(text).lowercased()
        return peers.first { $0.name.lowercased() == name }?.address ?? (name == Zone.own ? own : nil)
    }

    /// `text` as the configuration would say it.
    func word(_ text: String) -> String {
        if let label = Self.label(text) { return "\(label)" }
        let bare = withoutZone(text)
        return peers.first { $0.name.lowercased() == bare.lowercased() }?.name ?? bare
    }

    /// What to say where nobody is.
    func complaint(_ text: String) -> CommandFailure {
        let hint = NearMiss.of(withoutZone(text), among: peers.map(\.name)).map { "; did you mean \"\($0)\"?" } ?? ""
        return CommandFailure(.usage, "no peer is called \"\(text)\" in the daemon's configuration\(hint)")
    }

    private func withoutZone(_ text: String) -> String {
        let name = text.hasSuffix(".") ? String(text.dropLast()) : text
        let end = "." + zone
        return name.lowercased().hasSuffix(end) ? String(name.dropLast(end.count)) : name
    }

    /// The address that a label spells, whatever zone it stands in: nobody can give it another one.
    static func label(_ text: String) -> Address? {
        Address(label: text.utf8.prefix { $0 != UInt8(ascii: ".") })
    }
}

extension DaemonAccess {
    /// A name is the daemon's to know; it is not asked about an address.
    func resolve(_ target: TargetArgument) async throws -> Address {
        switch target {
        case .address(let address): return address
        case .name(let name):
            let names = NodeNames(try await client().status())
            guard let address = names.address(name) else { throw names.complaint(name) }
            return address
        }
    }
}
