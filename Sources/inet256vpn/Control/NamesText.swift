internal import AdminProtocol

/// Names in `status`, and what other resolvers than systemd-resolved have to be told.
enum NamesText {
    static func rows(_ dns: NamesStatus) -> [(label: String, text: String)] {
        guard dns.enabled else { return [("names", "off")] }
        var parts = [dns.zone, "at " + (places(dns).map(\.endpoint).joined(separator: ", "))]
        if places(dns).isEmpty { parts[1] = "NOT ANSWERED" }
        parts.append("\(Units.count(dns.names, "name"))")
        parts.append(resolved(dns))
        parts.append("answers \(dns.answers)")
        parts.append("\(dns.queries) queries")
        var rows = [("names", parts.joined(separator: "  "))]
        if dns.resolved != "told", let place = place(dns) {
            rows.append(("", "dnsmasq: " + Self.dnsmasq(dns.zone, place).joined(separator: "; ")))
            rows.append(("", "unbound: " + Self.unbound(dns.zone, place).joined(separator: "; ")))
            rows.append(
                ("", "NetworkManager with dns=dnsmasq: dnsmasq's lines in /etc/NetworkManager/dnsmasq.d/mesh.conf"))
        }
        return rows
    }

    private static func places(_ dns: NamesStatus) -> [NamesPlaceStatus] { dns.listen.filter { $0.trouble == nil } }

    /// The portal's address first: a port below 1024 there is nobody's while the daemon does not run.
    private static func place(_ dns: NamesStatus) -> (address: String, port: String)? {
        let open = places(dns)
        guard let best = open.first(where: { $0.listen.hasPrefix("portal") }) ?? open.first,
            let colon = best.endpoint.lastIndex(of: ":")
        else { return nil }
        let address = best.endpoint[..<colon].filter { $0 != "[" && $0 != "]" }
        return (String(address), String(best.endpoint[best.endpoint.index(after: colon)...]))
    }

    private static func resolved(_ dns: NamesStatus) -> String {
        switch dns.resolved {
        case "told": "systemd-resolved asks it" + (dns.search ? ", for names without a dot too" : "")
        case "refused": "systemd-resolved REFUSED it (\(dns.resolvedDetail ?? "no reason given"))"
        case "elsewhere": "systemd-resolved is not told (another network namespace)"
        case "off": "systemd-resolved is not told (dns.resolved: false)"
        default: "no systemd-resolved here"
        }
    }

    static func dnsmasq(_ zone: String, _ place: (address: String, port: String)) -> [String] {
        ["server=/\(zone)/\(place.address)#\(place.port)", "rebind-domain-ok=/\(zone)/"]
    }

    static func unbound(_ zone: String, _ place: (address: String, port: String)) -> [String] {
        [
            "server: domain-insecure: \"\(zone)\" private-domain: \"\(zone)\"",
            "stub-zone: name: \"\(zone)\" stub-addr: \(place.address)@\(place.port)",
        ]
    }
}
