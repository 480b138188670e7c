package import Wire

/// One socket that the box listens on and sends from.
package struct TransportConfiguration: Hashable, Sendable {
    /// The address and port to bind; port 0 lets the kernel choose.
    package var udp: Endpoint
    /// Whether several datagrams cross the kernel in one call (UDP_SEGMENT, UDP_GRO), where it can.
    package var offload = OffloadChoice.auto

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
        .list(list.map { .mapping([("udp", .word("\($0.udp)")), ("offload", .word($0.offload.rawValue))]) })
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
            var udp: Endpoint?
            var offload = OffloadChoice.auto
            var given = false
            let expected = "a mapping such as {udp: \"[::]:25632\"}"
            let isComplete = item.fields(["udp", "offload"], expected: expected) { name, value in
                if name == "offload" {
                    if let choice = value.word(OffloadChoice.self) { offload = choice }
                    return
                }
                given = true
                let expected = "a numeric address and port to bind, such as \"[::]:25632\" or \"192.0.2.1:25632\""
                guard let text = value.text(expected: expected) else { return }
                udp = Endpoint(text)
                if udp == nil { value.complain(expected: expected) }
            }
            if isComplete, !given { item.complain(expected: "the key udp") }
            guard let udp else { continue }
            if let other = list.map(\.udp).first(where: udp.collides) {
                item.complain(
                    expected: other == udp ? "each endpoint once" : "another port, as that one has all addresses",
                    found: other == udp ? "\(udp) a second time" : "\(udp) beside \(other)")
            }
            list.append(TransportConfiguration(udp: udp, offload: offload))
        }
        return list
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
