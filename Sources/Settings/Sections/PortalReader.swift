internal import INET256
internal import Wire

extension ConfigurationValue {
    func interfaceName() -> String? {
        guard let text = text(expected: InterfaceName.rule) else { return nil }
        if let fault = InterfaceName.fault(in: text) {
            complain(expected: "\(InterfaceName.rule) (\(fault))")
            return nil
        }
        return text
    }

    func portalPrefix() -> IPv6Prefix? {
        let lengths = PortalConfiguration.prefixLengths
        let expected = "an IPv6 prefix of \(lengths.lowerBound) to \(lengths.upperBound) bits, such as fd00::/8"
        guard let text = text(expected: expected) else { return nil }
        guard let prefix = IPv6Prefix(text) else {
            complain(expected: expected, suggestion: Self.withoutHostBits(text))
            return nil
        }
        guard lengths.contains(prefix.length) else {
            complain(expected: expected)
            return nil
        }
        guard !prefix.address.isMulticast, !prefix.address.isLinkLocal else {
            complain(expected: expected + " that is neither multicast nor link-local")
            return nil
        }
        return prefix
    }

    /// `portal.except`: parts of `prefix` beside the networks behind others, none overlapping another.
    func exceptions(of prefix: IPv6Prefix, beside networks: [NetworkConfiguration]) -> [IPv6Prefix]? {
        if isNull { return [] }
        let expected = "a longer part of portal.prefix, \(prefix)"
        guard let items = isScalar ? [self] : items(expected: "a list of parts of portal.prefix, \(prefix)") else {
            return nil
        }
        var list: [IPv6Prefix] = []
        for item in items {
            guard let text = item.text(expected: expected) else { continue }
            guard let part = IPv6Prefix(text) else {
                item.complain(expected: expected, suggestion: Self.withoutHostBits(text))
                continue
            }
            let served = networks.filter { $0.via != nil }.flatMap(\.prefixes)
            if part.length <= prefix.length || !prefix.contains(part) {
                item.complain(expected: expected)
            } else if let other = list.first(where: part.overlaps) {
                item.complain(expected: "parts that do not overlap", found: "\(part), which overlaps \(other)")
            } else if let network = served.first(where: part.overlaps) {
                item.complain(
                    expected: "none that overlaps a network behind another box",
                    found: "\(part), which overlaps \(network)")
            } else {
                list.append(part)
            }
        }
        return list.sorted { $0.address < $1.address }
    }

    /// What "fd00::1/8" should have been.
    static func withoutHostBits(_ text: String) -> String? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPv6Address(String(parts[0])), let length = Int(parts[1]),
            (1...128).contains(length)
        else { return nil }
        return "\(address.masked(to: length))/\(length)"
    }

    /// `any`, `peers`, or a list of these, names and addresses.
    func portalAccess(peers: [PeerConfiguration]) -> PortalAccess? {
        let expected = "any, peers, or a list of peers' names and addresses"
        if isScalar, !isNull {
            return ConfigurationValue.access([self], peers, expected)
        }
        guard let items = items(expected: expected) else { return nil }
        return ConfigurationValue.access(items, peers, expected)
    }

    private static func access(
        _ items: [ConfigurationValue], _ peers: [PeerConfiguration], _ expected: String
    ) -> PortalAccess? {
        var everybody = false
        var allPeers = false
        var addresses: Set<Address> = []
        for item in items {
            guard let text = item.text(expected: "any, peers, a peer's name or an address") else { continue }
            if text == "any" {
                everybody = true
            } else if text == "peers" {
                allPeers = true
            } else if let peer = peers.first(where: { $0.name == text }) {
                addresses.insert(peer.id)
            } else if let address = Address(text) {
                addresses.insert(address)
            } else {
                let names = peers.compactMap(\.name) + PeerName.reserved
                item.complain(
                    expected: "any, peers, the name of a configured peer or an address of 43 characters",
                    suggestion: NearMiss.of(text, among: names))
            }
        }
        return everybody ? .any : .only(addresses, peers: allPeers)
    }
}

/// What the kernel lets an interface be called.
enum InterfaceName {
    static let rule = "an interface name of 1 to 15 bytes"
    /// IFNAMSIZ less the closing zero.
    static let longest = 15

    /// What is wrong with `text`, or nil. The rules are those of the kernel's dev_valid_name, less the names
    /// that sysctl uses for something else and `%`, which asks the kernel to make a number up.
    static func fault(in text: String) -> String? {
        if text.isEmpty { return "it is empty" }
        if text.utf8.count > longest { return "this one has \(text.utf8.count)" }
        if text == "." || text == ".." { return "it would be a directory" }
        if ["all", "default", "lo"].contains(text) { return "\"\(text)\" has a meaning of its own" }
        let forbidden = text.unicodeScalars.first {
            $0.value <= 0x20 || $0.value == 0x7f || !$0.isASCII || "/:%".unicodeScalars.contains($0)
        }
        return forbidden.map { "\(String(reflecting: String($0))) is not possible in it" }
    }
}
