internal import Firewall
internal import INET256
internal import Wire

/// Rules in one line, as people would say them: "allow ssh from admins".
package enum RuleText {
    /// In bytes: half of what the kernel's log takes for a prefix (NF_LOG_PREFIXLEN).
    static let longestLogPrefix = 64
    /// In bytes, as `nft` has it (NFTNL_UDATA_COMMENT_MAXLEN).
    static let longestComment = 128

    package static func line(_ rule: ConfiguredRule, _ way: FirewallTest.Way, peers: [PeerConfiguration]) -> String {
        let theirs = rule.peers.map { word($0, peers: peers) }.joined(separator: ", ")
        let ours = rule.places.map(word).joined(separator: ", ")
        var text = "\(rule.action.rawValue) \(rule.services.map(\.text).joined(separator: ", "))"
        switch way {
        case .inbound:
            text += " from \(theirs)"
            if rule.places != [.box] { text += " to \(ours)" }
        case .outbound:
            text += " to \(theirs)"
            if rule.places != [.any] { text += " from \(ours)" }
        }
        if let limit = rule.limit { text += " limit \(limit)" }
        return text
    }

    /// The name that the file may use for it.
    package static func word(_ subject: ConfiguredSubject, peers: [PeerConfiguration]) -> String {
        switch subject {
        case .any: "any"
        case .peers: ConfiguredSubject.peersName
        case .node(let address): peers.first { $0.id == address }?.label ?? address.description
        case .group(let name), .network(let name): name
        case .prefix(let prefix): prefix.description
        }
    }

    package static func word(_ place: ConfiguredPlace) -> String {
        switch place {
        case .box: "box"
        case .network(let name): name
        case .any: "any"
        }
    }

    static func logPrefix(_ log: RuleLog, _ rule: ConfiguredRule) -> String {
        switch log {
        case .prefix(let prefix): return prefix
        case .standard:
            let end = ": "
            let services = rule.services.map(\.text).joined(separator: ",")
            var text = "inet256 \(rule.action.rawValue) \(services)"
            while text.utf8.count + end.utf8.count > longestLogPrefix { text.removeLast() }
            return text + end
        }
    }
}
