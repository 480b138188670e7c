internal import Firewall
internal import Wire

/// The firewall's lists as `check` shows them. Values of types of their own, and no dictionaries: so the order is always the
/// same.
enum EffectiveFirewall {
    static func networks(_ configuration: Configuration) -> Shown {
        .mapping(
            configuration.networks.map { network in
                let via = network.via.map { Shown.word(RuleText.word(.node($0), peers: configuration.peers)) }
                let prefixes = Shown.words(network.prefixes.map(\.description))
                return (network.name, .mapping([("via", via ?? .nothing), ("prefixes", prefixes)]))
            })
    }

    static func groups(_ configuration: Configuration) -> Shown {
        .mapping(
            configuration.groups.map { group in
                (group.name, .words(group.members.map { RuleText.word($0, peers: configuration.peers) }))
            })
    }

    static func rules(_ rules: [ConfiguredRule], _ way: FirewallTest.Way, _ peers: [PeerConfiguration]) -> Shown {
        .list(rules.map { .other(Rule($0, way, peers)) })
    }

    static func masquerades(_ list: [Masquerade]) -> Shown { .list(list.map { .other(Translation($0)) }) }

    static func tests(_ tests: [FirewallTest], _ peers: [PeerConfiguration]) -> Shown {
        .list(tests.map { .other(Test($0, peers)) })
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
