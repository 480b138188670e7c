internal import INET256
internal import Portal
internal import Wire

/// The names that the firewall's part of a file may use, and how a value is read as one of them.
struct NameScope {
    /// By their names, those that have one.
    private(set) var peers: [String: Address]
    var networks: [NetworkConfiguration] = []
    var groups: Set<String> = []
    /// Names of entries that were complained about: their use is not worth another complaint.
    var faulty: Set<String> = []
    /// Groups with nodes among their members, or their members' members.
    var groupsOfNodes: Set<String> = []
    /// The portal's prefix, where there is a portal.
    var portalPrefix: IPv6Prefix?
    /// The portal's prefix, when it is so long that an IPv6 address is no identity any more (see `mostBits`).
    var weakPrefix: IPv6Prefix?

    /// Bits of the longest portal prefix under which an IPv6 address still stands for an identity: each bit more
    /// halves what it takes to make a key with somebody else's IPv6 address.
    static let mostBits = 16
    init(peers: [PeerConfiguration]) {
        let named = peers.compactMap { peer in peer.name.map { ($0, peer.id) } }
        // Names that are given twice are complained about where the peers are read.
        self.peers = Dictionary(named) { first, _ in first }
    }

    func network(_ name: String) -> NetworkConfiguration? { networks.first { $0.name == name } }

    /// Whether a rule about `subject` is one about identities.
    func isIdentity(_ subject: ConfiguredSubject) -> Bool {
        switch subject {
        case .peers, .node: true
        case .group(let name): groupsOfNodes.contains(name)
        case .any, .network, .prefix: false
        }
    }
}

extension ConfigurationValue {
    /// The value itself when it is a scalar, or a list's items, of which there must be one.
    func oneOrMore(expected: String) -> [ConfigurationValue]? {
        if isScalar, !isNull { return [self] }
        guard let items = items(expected: expected) else { return nil }
        guard !items.isEmpty else {
            complain(expected: expected)
            return nil
        }
        return items
    }

    /// A node: a peer's name, or an address.
    func node(_ scope: NameScope) -> Address? {
        let expected = "a peer's name or an address of 43 characters"
        guard let text = text(expected: expected) else { return nil }
        if let id = scope.peers[text] { return id }
        return address(text, expected, suggestions: scope.peers.keys.sorted())
    }

    /// Who is on the mesh's side, one of them.
    func subject(_ scope: NameScope, orAny: Bool) -> ConfiguredSubject? {
        let expected =
            "a peer's name, an address of 43 characters, a group, \(orAny ? "any, " : "")peers, "
            + "a network with via, or an IPv6 prefix"
        guard let text = text(expected: expected) else { return nil }
        if text == "any", orAny { return .any }
        if text == "peers" { return .peers }
        if let id = scope.peers[text] { return .node(id) }
        if scope.groups.contains(text) { return .group(text) }
        if scope.faulty.contains(text) { return nil }
        if let network = scope.network(text) {
            guard network.via == nil else { return .network(text) }
            complain(expected: expected, found: "\"\(text)\", a network behind this box")
            return nil
        }
        if text.contains(":") { return prefixOrHost(text, expected).map { .prefix($0) } }
        let words = orAny ? ["any", "peers"] : ["peers"]
        let remote = scope.networks.filter { $0.via != nil }.map(\.name)
        let known = scope.peers.keys.sorted() + scope.groups.sorted() + remote + words
        return address(text, expected, suggestions: known).map { .node($0) }
    }

    /// What is on our side, one of them.
    func place(_ scope: NameScope) -> ConfiguredPlace? {
        let expected = "box, any, or the name of a network behind this box"
        guard let text = text(expected: expected) else { return nil }
        switch text {
        case "box": return .box
        case "any": return .any
        default: return localNetwork(text, scope, expected, besides: ["box", "any"]).map { .network($0) }
        }
    }

    /// The name of a network behind this box, when `text` is one.
    func localNetwork(_ text: String, _ scope: NameScope, _ expected: String, besides words: [String]) -> String? {
        if scope.faulty.contains(text) { return nil }
        guard let network = scope.network(text) else {
            let local = scope.networks.filter { $0.via == nil }.map(\.name)
            complain(expected: expected, suggestion: NearMiss.of(text, among: local + words))
            return nil
        }
        guard network.via == nil else {
            complain(expected: expected, found: "\"\(text)\", a network behind another box")
            return nil
        }
        return text
    }

    /// An IPv6 prefix that a network may have beside the portal's `own`.
    func networkPrefix(beside own: IPv6Prefix?) -> IPv6Prefix? {
        let expected = "an IPv6 prefix such as fdaa:1::/64"
        guard let text = text(expected: expected) else { return nil }
        guard let prefix = IPv6Prefix(text) else {
            complain(expected: expected, suggestion: Self.withoutHostBits(text))
            return nil
        }
        guard !prefix.address.isMulticast, !prefix.address.isLinkLocal else {
            complain(expected: expected + " that is neither multicast nor link-local")
            return nil
        }
        guard PortalNetworks.carries(prefix) else {
            complain(expected: expected + " (what begins like ::/64 has loopback and IPv4-mapped addresses)")
            return nil
        }
        guard prefix != own else {
            complain(
                expected: expected + " that is not portal.prefix itself, where the nodes are", found: "\(prefix)")
            return nil
        }
        return prefix
    }

    private func prefixOrHost(_ text: String, _ expected: String) -> IPv6Prefix? {
        if let prefix = IPv6Prefix(text) { return prefix }
        if let host = IPv6Address(text) { return IPv6Prefix(host: host) }
        complain(expected: expected, suggestion: Self.withoutHostBits(text))
        return nil
    }

    private func address(_ text: String, _ expected: String, suggestions known: [String]) -> Address? {
        do throws(AddressTextError) {
            return try Address(parsing: text)
        } catch {
            // What is as long as an address was meant to be one: then say what is wrong with it.
            let fault = text.utf8.count == 43 ? " (\(error))" : ""
            complain(expected: expected + fault, suggestion: NearMiss.of(text, among: known))
            return nil
        }
    }
}
