internal import Firewall

/// Why a text names no service.
struct ServiceTextError: Error, Hashable, Sendable {
    var expected: String
    var suggestion: String?
}

/// Services as rules write them: `any`, a name of /etc/services, `tcp/22`, `udp/5000-5010`, `tcp` or `tcp/*`,
/// `icmpv6/echo-request`, `icmpv6/1/4` (type and code), `proto/47`.
enum ServiceText {
    static let expected =
        "a service: any, a name of /etc/services such as ssh, tcp/22, udp/5000-5010, icmpv6/echo-request or proto/47"

    /// Those with ports in the same place, by their IANA numbers.
    static let protocolsWithPorts: [String: UInt8] = ["tcp": 6, "udp": 17, "dccp": 33, "sctp": 132, "udplite": 136]
    private static let icmpv6: UInt8 = 58
    /// The headers that the kernel looks behind (RFC 8200 section 4, RFC 4302): no packet is ever "of" them.
    private static let extensionHeaders: Set<UInt8> = [0, 43, 44, 51, 60]

    /// RFC 4443 sections 3 and 4, RFC 4890 section 4, RFC 4861 section 4, RFC 2710, RFC 3810.
    static let icmpv6Types: [String: UInt8] = [
        "destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3, "parameter-problem": 4,
        "echo-request": 128, "echo-reply": 129, "mld-listener-query": 130, "mld-listener-report": 131,
        "mld-listener-done": 132, "nd-router-solicit": 133, "nd-router-advert": 134, "nd-neighbor-solicit": 135,
        "nd-neighbor-advert": 136, "nd-redirect": 137, "router-renumbering": 138, "mld2-listener-report": 143,
    ]

    static func parse(_ text: String, names: ServiceNames) throws(ServiceTextError) -> [Service] {
        if text == "any" { return [.any] }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let head = parts.first ?? ""
        if let number = protocolsWithPorts[head] {
            return [try ports(of: head, number, parts.dropFirst(), names)]
        }
        switch head {
        case "icmpv6": return [try icmpv6(parts.dropFirst())]
        case "proto": return [try ipProtocol(parts.dropFirst())]
        default: break
        }
        if parts.count == 1, let services = names[text] { return services }
        throw ServiceTextError(expected: expected, suggestion: suggestion(for: text, parts, names))
    }

    private static func ports(
        of name: String, _ number: UInt8, _ rest: ArraySlice<String>, _ names: ServiceNames
    ) throws(ServiceTextError) -> Service {
        guard let text = rest.first else { return .ipProtocol(number) }
        let expected = "\(name)/PORT, \(name)/FIRST-LAST or \(name)/* with ports from 1 to 65535"
        guard rest.count == 1 else { throw ServiceTextError(expected: expected) }
        if text == "*" { return .ipProtocol(number) }
        let bounds = text.split(separator: "-", omittingEmptySubsequences: false)
        let numbers = bounds.compactMap { decimal($0, UInt16.self) }
        guard (1...2).contains(bounds.count), numbers.count == bounds.count, let first = numbers.first,
            let last = numbers.last, first > 0
        else {
            throw ServiceTextError(expected: expected, suggestion: names[text] == nil ? nil : text)
        }
        guard first <= last else {
            throw ServiceTextError(expected: expected, suggestion: "\(name)/\(last)-\(first)")
        }
        return .ports(protocol: number, first...last)
    }

    /// The type by number or name, and behind another stroke the code.
    private static func icmpv6(_ rest: ArraySlice<String>) throws(ServiceTextError) -> Service {
        guard let text = rest.first else { return .icmpv6(type: nil, code: nil) }
        let expected = "icmpv6/TYPE or icmpv6/TYPE/CODE, the type a number or a name such as echo-request"
        guard rest.count <= 2 else { throw ServiceTextError(expected: expected) }
        guard let type = icmpv6Types[text] ?? decimal(text, UInt8.self) else {
            let near = NearMiss.of(text, among: icmpv6Types.keys.sorted())
            throw ServiceTextError(expected: expected, suggestion: near.map { "icmpv6/\($0)" })
        }
        guard rest.count == 2, let last = rest.last else { return .icmpv6(type: type, code: nil) }
        guard let code = decimal(last, UInt8.self) else { throw ServiceTextError(expected: expected) }
        return .icmpv6(type: type, code: code)
    }

    private static func ipProtocol(_ rest: ArraySlice<String>) throws(ServiceTextError) -> Service {
        guard rest.count == 1, let number = rest.first.flatMap({ decimal($0, UInt8.self) }) else {
            throw ServiceTextError(expected: "proto/NUMBER, an IP protocol from 0 to 255")
        }
        guard !extensionHeaders.contains(number) else {
            throw ServiceTextError(
                expected: "proto/NUMBER of what stands behind all extension headers (\(number) is one of them)")
        }
        return number == icmpv6 ? .icmpv6(type: nil, code: nil) : .ipProtocol(number)
    }

    private static func suggestion(for text: String, _ parts: [String], _ names: ServiceNames) -> String? {
        // What people ask for by these names.
        let meant = ["ping": "icmpv6/echo-request", "icmp": "icmpv6", "dns": "domain", "rdp": "ms-wbt-server"]
        if let meant = meant[text] { return meant }
        if parts.count == 1 {
            if let port = decimal(text, UInt16.self), port > 0 { return "tcp/\(port)" }
            // Sorted, so that of two equally near names it is always the same one.
            let known = names.all.sorted() + protocolsWithPorts.keys.sorted() + ["any", "icmpv6"]
            return NearMiss.of(text, among: known)
        }
        // 22/tcp, as /etc/services writes it.
        if parts.count == 2, protocolsWithPorts[parts[1]] != nil { return "\(parts[1])/\(parts[0])" }
        let heads = protocolsWithPorts.keys.sorted() + ["icmpv6", "proto"]
        return NearMiss.of(parts[0], among: heads).map { ([$0] + parts.dropFirst()).joined(separator: "/") }
    }

    /// Digits alone, without leading zeros.
    private static func decimal<Number: FixedWidthInteger>(_ text: some StringProtocol, _: Number.Type) -> Number? {
        guard let number = Number(text), String(number) == text else { return nil }
        return number
    }
}
