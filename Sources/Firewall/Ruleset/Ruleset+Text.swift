internal import Wire

/// The table in the words of nft(8): `nft -f` makes the same table of it.
extension Ruleset {
    package var nftText: String {
        var lines: [String] = ["table inet \(table) {"]
        for name in counters { lines += ["\tcounter \(name) {", "\t}", ""] }
        for limit in limits { lines += ["\tlimit \(limit.name) {", "\t\trate \(limit.limit.text)", "\t}", ""] }
        for set in sets { lines += set.lines + [""] }
        for map in maps { lines += map.lines + [""] }
        for chain in chains { lines += chain.lines + [""] }
        if lines.last == "" { lines.removeLast() }
        lines.append("}")
        return lines.joined(separator: "\n") + "\n"
    }
}

extension RulesetSet {
    fileprivate var lines: [String] {
        var lines = ["\tset \(name) {"]
        let texts: [String]
        switch elements {
        case .hosts(let hosts):
            lines.append("\t\ttype ipv6_addr")
            texts = hosts.map(\.description)
        case .prefixes(let prefixes):
            lines += ["\t\ttype ipv6_addr", "\t\tflags interval"]
            texts = prefixes.map(\.short)
        case .services(let ranges):
            lines += ["\t\ttype inet_proto . inet_service", "\t\tflags interval"]
            texts = ranges.map(\.text)
        case .flows(let flows):
            lines.append("\t\ttype ipv6_addr . ipv6_addr . inet_proto . inet_service . inet_service")
            texts = flows.map {
                "\($0.theirs) . \($0.ours) . \($0.transport) . \($0.theirPort) . \($0.ourPort)"
            }
        case .met:
            lines += [
                "\t\ttype ipv6_addr", "\t\tsize \(Self.mostMet)", "\t\tflags dynamic,timeout",
                "\t\ttimeout \(Self.metFor / 1000)s",
            ]
            texts = []
        }
        return lines + Ruleset.elements(texts) + ["\t}"]
    }
}

extension RulesetMap {
    fileprivate var lines: [String] {
        var lines = ["\tmap \(name) {"]
        let texts: [String]
        switch elements {
        case .services(let jumps):
            lines += ["\t\ttype inet_proto . inet_service : verdict", "\t\tflags interval"]
            texts = jumps.map { "\($0.range.text) : jump \($0.chain)" }
        case .hosts(let jumps):
            lines.append("\t\ttype ipv6_addr : verdict")
            texts = jumps.map { "\($0.host) : jump \($0.chain)" }
        }
        return lines + Ruleset.elements(texts) + ["\t}"]
    }
}

extension Ruleset {
    fileprivate static func elements(_ texts: [String]) -> [String] {
        if texts.isEmpty { return [] }
        return ["\t\telements = {"] + texts.map { "\t\t\t\($0)," } + ["\t\t}"]
    }
}

extension RulesetChain {
    fileprivate var lines: [String] {
        var lines = ["\tchain \(name) {"]
        if let hook {
            lines.append("\t\ttype \(hook.kind.rawValue) hook \(hook.hook) priority \(hook.priority); policy accept;")
        }
        return lines + rules.map { "\t\t" + $0.nftText } + ["\t}"]
    }
}

extension RulesetRule {
    /// One line, as `nft` takes it.
    package var nftText: String {
        let text = statements.map(\.nftText).joined(separator: " ")
        return comment.map { "\(text) comment \"\($0)\"" } ?? text
    }
}

extension Statement {
    fileprivate var nftText: String {
        switch self {
        case .inputInterface(let name, let isNot): "iifname \(isNot ? "!= " : "")\"\(name)\""
        case .outputInterface(let name, let isNot): "oifname \(isNot ? "!= " : "")\"\(name)\""
        case .inputIndex(let index, let isNot): "iif \(isNot ? "!= " : "")\(index)"
        case .outputIndex(let index, let isNot): "oif \(isNot ? "!= " : "")\(index)"
        case .notIPv6: "meta nfproto != ipv6"
        case .connection(let states):
            "ct state " + states.sorted { $0.rawValue < $1.rawValue }.map { "\($0)" }.joined(separator: ",")
        case .transport(let number): "meta l4proto \(number)"
        case .address(let side, let prefix): "ip6 \(side.text) \(prefix.short)"
        case .addressIn(let side, let set): "ip6 \(side.text) @\(set)"
        case .destinationPort(let ports): "th dport \(ports.text)"
        case .serviceIn(let set): "meta l4proto . th dport @\(set)"
        case .icmpv6Type(let type): "icmpv6 type \(type)"
        case .icmpv6Types(let types): "icmpv6 type \(types.lowerBound)-\(types.upperBound)"
        case .icmpv6Code(let code): "icmpv6 code \(code)"
        case .tcpSyn: "tcp flags & (syn | rst) == syn"
        case .tcpMidway: "tcp flags & (fin | syn | rst | ack) != syn"
        case .notTransport(let number): "meta l4proto != \(number)"
        case .flowIn(let side, let set):
            "ip6 \(side.text) . ip6 \(side.other.text) . meta l4proto . th \(side.portText) . th \(side.other.portText) @\(set)"
        case .jumpByService(let map): "meta l4proto . th dport vmap @\(map)"
        case .jumpByAddress(let side, let map): "ip6 \(side.text) vmap @\(map)"
        case .limit(let name): "limit name \"\(name)\""
        case .limitRate(let limit): "limit rate \(limit.text)"
        case .isOver(let limit, let side, let set): "update @\(set) { ip6 \(side.text) limit rate over \(limit.text) }"
        case .counter(let name): "counter name \"\(name)\""
        case .log(let prefix): "log prefix \"\(prefix.replacing("\"", with: "'"))\" level info"
        case .clampMSS: "tcp option maxseg size set rt mtu"
        case .masquerade: "masquerade"
        case .accept: "accept"
        case .drop: "drop"
        case .rejectReset: "reject with tcp reset"
        case .rejectProhibited: "reject with icmpv6 admin-prohibited"
        case .jump(let chain): "jump \(chain)"
        case .goto(let chain): "goto \(chain)"
        }
    }
}

extension Statement.Side {
    fileprivate var text: String {
        switch self {
        case .source: "saddr"
        case .destination: "daddr"
        }
    }

    fileprivate var portText: String {
        switch self {
        case .source: "sport"
        case .destination: "dport"
        }
    }
}

extension RateLimit {
    /// "10/minute burst 5 packets".
    fileprivate var text: String { "\(description) packets" }
}

extension ClosedRange<UInt16> {
    fileprivate var text: String { lowerBound == upperBound ? "\(lowerBound)" : "\(lowerBound)-\(upperBound)" }
}

extension PortRange {
    fileprivate var text: String { "\(self.protocol) . \(ports.text)" }
}

extension IPv6Prefix {
    /// A single address without its length.
    fileprivate var short: String { length == 128 ? "\(address)" : description }
}
