internal import Firewall
internal import INET256
internal import Wire

/// A key of the author's own: the name of a network or group.
private struct NameKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

/// The key `networks` of a configuration as `check` shows it.
struct EffectiveNetworks: Encodable {
    private let configuration: Configuration

    init(_ configuration: Configuration) { self.configuration = configuration }

    private struct Network: Encodable {
        let via: String?
        let prefixes: [String]
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: NameKey.self)
        for network in configuration.networks {
            let via = network.via.map { RuleText.word(.node($0), peers: configuration.peers) }
            try fields.encode(
                Network(via: via, prefixes: network.prefixes.map(\.description)),
                forKey: NameKey(stringValue: network.name))
        }
    }
}

/// The key `groups`.
struct EffectiveGroups: Encodable {
    private let configuration: Configuration

    init(_ configuration: Configuration) { self.configuration = configuration }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: NameKey.self)
        for group in configuration.groups {
            let members = group.members.map { RuleText.word($0, peers: configuration.peers) }
            try fields.encode(members, forKey: NameKey(stringValue: group.name))
        }
    }
}

/// The key `firewall`. Values of types of their own, and no dictionaries: so the order is always the same.
struct EffectiveFirewall: Encodable {
    private let enabled: Bool
    private let fallback: String
    private let rules: [Rule]
    private let outbound: Outbound
    private let nat: [Translation]
    private let clampMSS: WordOrFlag
    private let include: [String]
    private let tests: [Test]
    private let cutRemoved: Bool
    private let table: String

    init(_ configuration: Configuration) {
        let firewall = configuration.firewall
        let peers = configuration.peers
        enabled = firewall.enabled
        fallback = firewall.inbound.fallback.rawValue
        rules = firewall.inbound.rules.map { Rule($0, .inbound, peers) }
        outbound = Outbound(
            fallback: firewall.outbound.fallback.rawValue,
            rules: firewall.outbound.rules.map { Rule($0, .outbound, peers) })
        nat = firewall.nat.map(Translation.init)
        clampMSS =
            switch firewall.clampMSS {
            case .auto: .word(firewall.clampMSS.rawValue)
            case .on: .flag(true)
            case .off: .flag(false)
            }
        include = firewall.include
        tests = firewall.tests.map { Test($0, peers) }
        cutRemoved = firewall.cutRemoved
        table = firewall.table
    }

    private enum CodingKeys: String, CodingKey {
        case enabled
        case fallback = "default"
        case rules, outbound, nat
        case clampMSS = "clamp_mss"
        case include, tests
        case cutRemoved = "cut_removed"
        case table
    }

    private struct Outbound: Encodable {
        let fallback: String
        let rules: [Rule]

        enum CodingKeys: String, CodingKey {
            case fallback = "default"
            case rules
        }
    }

    private struct Rule: Encodable {
        var allow: [String]?
        var deny: [String]?
        var reject: [String]?
        let from: [String]
        let to: [String]
        let limit: Limit?
        let log: WordOrFlag?
        let comment: String?

        init(_ rule: ConfiguredRule, _ way: FirewallTest.Way, _ peers: [PeerConfiguration]) {
            let services = rule.services.map(\.text)
            switch rule.action {
            case .allow: allow = services
            case .deny: deny = services
            case .reject: reject = services
            }
            let theirs = rule.peers.map { RuleText.word($0, peers: peers) }
            let ours = rule.places.map(RuleText.word)
            (from, to) = way == .inbound ? (theirs, ours) : (ours, theirs)
            limit = rule.limit.map { Limit(rate: "\($0.rate)/\($0.unit)", burst: $0.burst) }
            log =
                switch rule.log {
                case nil: nil
                case .standard?: .flag(true)
                case .prefix(let prefix)?: .word(prefix)
                }
            comment = rule.comment
        }
    }

    private struct Limit: Encodable {
        let rate: String
        let burst: UInt32
    }

    private struct Translation: Encodable {
        let masquerade: String
        let to: String?

        init(_ translation: Masquerade) {
            switch translation {
            case .intoMesh(let network): (masquerade, to) = (network, nil)
            case .intoNetwork(let network): (masquerade, to) = ("mesh", network)
            }
        }
    }

    private struct Test: Encodable {
        let way: String
        var from: OneOrMore?
        let to: OneOrMore
        var service: OneOrMore?
        let at: OneOrMore
        let expect: String

        init(_ test: FirewallTest, _ peers: [PeerConfiguration]) {
            let subjects = OneOrMore(words: test.subjects.map { RuleText.word($0, peers: peers) })
            let services = OneOrMore(words: test.services.map(\.text))
            way = test.way.rawValue
            switch test.way {
            case .inbound: (from, to) = (subjects, services)
            case .outbound: (to, service) = (subjects, services)
            }
            at = OneOrMore(words: test.ends.map(\.word))
            expect = test.expect.rawValue
        }
    }

    private struct OneOrMore: Encodable {
        let words: [String]

        func encode(to encoder: any Encoder) throws {
            var value = encoder.singleValueContainer()
            if words.count == 1, let word = words.first { try value.encode(word) } else { try value.encode(words) }
        }
    }

    private enum WordOrFlag: Encodable {
        case word(String)
        case flag(Bool)

        func encode(to encoder: any Encoder) throws {
            var value = encoder.singleValueContainer()
            switch self {
            case .word(let word): try value.encode(word)
            case .flag(let flag): try value.encode(flag)
            }
        }
    }
}
