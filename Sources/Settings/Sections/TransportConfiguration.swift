package import Wire

/// One socket that the box listens on and sends from.
package struct TransportConfiguration: Hashable, Sendable {
    /// The address and port to bind; port 0 lets the kernel choose.
    package var udp: Endpoint
    /// Whether several datagrams cross the kernel in one call (UDP_SEGMENT, UDP_GRO), where it can.
    package var offload = OffloadChoice.auto
    /// The mark of its packets (SO_MARK), by which policy routing and firewalls know them; nil for none.
    package var mark: UInt32?
    /// The interface that its packets leave and come by; nil for all.
    package var interface: String?

    package init(udp: Endpoint) { self.udp = udp }

    package static let standard = TransportConfiguration(udp: Endpoint(address: .unspecified, port: 25632))
}

extension [TransportConfiguration] {
    /// The endpoints of those that are UDP.
    package var udp: [Endpoint] { map(\.udp) }
}

extension TransportConfiguration {
    static let list = Form<[TransportConfiguration]> { value, _ in
        value.transports()
    } show: { list, _ in
        .list(
            list.map { transport in
                .mapping([
                    ("udp", .word("\(transport.udp)")), ("offload", .word(transport.offload.rawValue)),
                    ("fwmark", transport.mark.map { .word(FirewallMark.text($0)) } ?? .nothing),
                    ("interface", transport.interface.map { .word($0) } ?? .nothing),
                ])
            })
    }

    static let setting = Setting(
        "transports", \.transports, list, .restart,
        comment: "The sockets that datagrams come and go by. [::] means every address, IPv4 included."
    )
    .inFile(
        .lines(
            """
            transports:
              - udp: "\(standard.udp)"
                # Whether several datagrams may cross the kernel in one call: auto or off.
                offload: \(standard.offload.rawValue)
                # The mark of its packets for policy routing (ip rule fwmark), and the one interface that they use.
                #fwmark: 0x100
                #interface: eth0
            """)
    )
    .rows([
        TableRow(
            "`transports`", "`[{udp: \"\(standard.udp)\"}]`",
            "the sockets; `[::]` is IPv4 too, so it has its port for itself; where the kernel has no IPv6 it is IPv4 alone"
        ),
        TableRow(
            "`transports[].offload`", "`\(standard.offload.rawValue)`",
            "`off`: datagrams cross the kernel one by one; for a kernel or driver whose UDP segmentation is broken"),
        TableRow(
            "`transports[].fwmark`", "none",
            "the mark of its packets, 1 to 4294967295 or `0x1` to `0xffffffff`, for `ip rule` and firewalls: so the way to peers "
                + "stays outside where a default route leads into the portal"),
        TableRow(
            "`transports[].interface`", "none",
            "the one interface that its packets leave and come by; waited for while it is not there"),
    ])
}

extension ConfigurationValue {
    fileprivate func transports() -> [TransportConfiguration]? {
        let form = "a list such as [{udp: \"[::]:25632\"}]"
        guard let items = items(expected: form) else { return nil }
        guard !items.isEmpty else {
            complain(expected: "at least one transport")
            return nil
        }
        var list: [TransportConfiguration] = []
        for item in items {
            guard let transport = item.transport() else { continue }
            if let other = list.first(where: transport.collides) {
                item.complain(
                    expected: other.udp == transport.udp
                        ? "each endpoint once" : "another port, as that one has all addresses",
                    found: other.udp == transport.udp
                        ? "\(transport.udp) a second time" : "\(transport.udp) beside \(other.udp)")
            }
            list.append(transport)
        }
        return list
    }

    private func transport() -> TransportConfiguration? {
        var udp: Endpoint?
        var transport = TransportConfiguration.standard
        var given = false
        let expected = "a mapping such as {udp: \"[::]:25632\"}"
        let isComplete = fields(["udp", "offload", "fwmark", "interface"], expected: expected) { name, value in
            switch name {
            case "offload": if let choice = value.word(OffloadChoice.self) { transport.offload = choice }
            case "fwmark": transport.mark = value.firewallMark()
            case "interface": transport.interface = value.interfaceName()
            default:
                given = true
                let expected = "a numeric address and port to bind, such as \"[::]:25632\" or \"192.0.2.1:25632\""
                guard let text = value.text(expected: expected) else { return }
                udp = Endpoint(text)
                if udp == nil { value.complain(expected: expected) }
            }
        }
        if isComplete, !given { complain(expected: "the key udp") }
        guard let udp else { return nil }
        transport.udp = udp
        return transport
    }

    private func firewallMark() -> UInt32? {
        let expected = "a mark of 1 to 4294967295, or 0x1 to 0xffffffff"
        guard let text = text(expected: expected) else { return nil }
        let mark = FirewallMark.parse(text)
        if mark == nil { complain(expected: expected) }
        return mark
    }
}

/// The mark of packets, as `ip rule` and nft write it.
enum FirewallMark {
    /// Decimal or, behind 0x, hexadecimal digits; nil for 0, which is no mark, and for what has more than 32 bits.
    static func parse(_ text: String) -> UInt32? {
        let isHexadecimal = text.hasPrefix("0x") || text.hasPrefix("0X")
        let digits = isHexadecimal ? text.dropFirst(2) : text[...]
        guard digits.allSatisfy({ $0.isASCII && $0.isHexDigit }) else { return nil }
        let mark = UInt32(digits, radix: isHexadecimal ? 16 : 10)
        return mark == 0 ? nil : mark
    }

    static func text(_ mark: UInt32) -> String { "0x" + String(mark, radix: 16) }
}

extension TransportConfiguration {
    /// Whether the kernel refuses to bind one while the other is bound: not where both are bound to interfaces that differ.
    fileprivate func collides(with other: TransportConfiguration) -> Bool {
        if let interface, let theirs = other.interface, interface != theirs { return false }
        return udp.collides(with: other.udp)
    }
}

extension Endpoint {
    /// Whether the kernel refuses to bind one while the other is bound. `[::]` is every IPv4 address too.
    fileprivate func collides(with other: Endpoint) -> Bool {
        guard port != 0, port == other.port else { return false }
        if self == other || address == .unspecified || other.address == .unspecified { return true }
        return isIPv4 && other.isIPv4 && (address.mappedIPv4 == 0 || other.address.mappedIPv4 == 0)
    }
}
