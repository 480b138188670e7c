internal import API
internal import INET256
internal import Logging
internal import Netlink
internal import Portal
internal import Wire
internal import Yams

/// A configuration as `check` shows it: every key with its value, defaults filled in, names resolved. The YAML form
/// is itself a valid configuration that means the same. Values of types of their own, and no dictionaries: so the order is
/// always the same.
package struct EffectiveConfiguration: Encodable {
    private let configuration: Configuration

    package init(_ configuration: Configuration) { self.configuration = configuration }

    package func yaml() throws -> String {
        let encoder = YAMLEncoder()
        encoder.options.width = -1
        return try encoder.encode(self)
    }

    private enum Key: String, CodingKey {
        case privateKeyPath = "private_key_path"
        case apiEndpoint = "api_endpoint"
        case api, network, transports, threads, scheduling, peers, accept, crypto, portal, networks, groups, firewall
        case log, nodes
    }

    private struct Crypto: Encodable {
        let minSuite: Int
        let ciphers: [CipherName]
        let backends: [CipherBackend]
        let rekeyAfter: Int

        enum CodingKeys: String, CodingKey {
            case minSuite = "min_suite"
            case ciphers, backends
            case rekeyAfter = "rekey_after"
        }
    }

    private struct Transport: Encodable {
        let udp: String
        let offload: String
    }

    private struct Log: Encodable {
        let level: String
        let format: String
    }

    private struct Peer: Encodable {
        let id: String
        let name: String?
        let addrs: [String]
    }

    private struct Portal: Encodable {
        let enabled: Bool
        let interface: String
        let prefix: String
        let except: [String]
        let `guard`: String
        let mtu: NumberOrWord
        let offload: String
        let dscp: NumberOrWord
        let persistent: Bool
        let table: UInt32?
        let metric: UInt32?
        let allow: [String]
    }

    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: Key.self)
        try fields.encode(configuration.privateKeyPath, forKey: .privateKeyPath)
        try fields.encode(configuration.apiEndpoint.description, forKey: .apiEndpoint)
        try fields.encode(api, forKey: .api)
        let options = configuration.network == .beaconnet ? ["max_nodes": configuration.maxNodes] : [:]
        try fields.encode([configuration.network.rawValue: options], forKey: .network)
        try fields.encode(
            configuration.transports.map { Transport(udp: $0.udp.description, offload: $0.offload.rawValue) },
            forKey: .transports)
        try fields.encode(configuration.threads, forKey: .threads)
        try fields.encode(configuration.scheduling.rawValue, forKey: .scheduling)
        let peers = configuration.peers.map { peer in
            Peer(id: peer.id.description, name: peer.name, addrs: peer.endpoints.map(\.description))
        }
        try fields.encode(peers, forKey: .peers)
        try fields.encode(configuration.accept.rawValue, forKey: .accept)
        let crypto = Crypto(
            minSuite: configuration.crypto.minSuite, ciphers: configuration.crypto.ciphers,
            backends: configuration.crypto.backends, rekeyAfter: configuration.crypto.rekeyAfter)
        try fields.encode(crypto, forKey: .crypto)
        try fields.encode(portal, forKey: .portal)
        try fields.encode(EffectiveNetworks(configuration), forKey: .networks)
        try fields.encode(EffectiveGroups(configuration), forKey: .groups)
        try fields.encode(EffectiveFirewall(configuration), forKey: .firewall)
        try fields.encode(
            Log(level: configuration.log.level.rawValue, format: configuration.log.format.rawValue), forKey: .log)
        try fields.encode(configuration.nodes.map { ["private_key_path": $0.privateKeyPath] }, forKey: .nodes)
    }

    private var portal: Portal {
        let portal = configuration.portal
        return Portal(
            enabled: portal.enabled, interface: portal.interface, prefix: portal.prefix.description,
            except: portal.except.map(\.description), guard: portal.guarding.rawValue,
            mtu: NumberOrWord(number: portal.mtu, word: "auto"), offload: portal.offload.rawValue,
            dscp: portal.dscp.written, persistent: portal.persistent,
            table: portal.table, metric: portal.metric,
            allow: words(portal.allow))
    }

    private struct API: Encodable {
        let allow: [String]
        let allowRemote: Bool
        let listen: String?
        let limits: Limits

        enum CodingKeys: String, CodingKey {
            case allow, listen, limits
            case allowRemote = "allow_remote"
        }
    }

    private struct Limits: Encodable {
        let limits: APILimitsConfiguration

        private struct Key: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }

            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        func encode(to encoder: any Encoder) throws {
            var fields = encoder.container(keyedBy: Key.self)
            for (key, field) in APILimitsConfiguration.counts {
                try fields.encode(limits[keyPath: field], forKey: Key(stringValue: key))
            }
            for (key, field) in APILimitsConfiguration.sizes {
                try fields.encode(ByteCount.text(limits[keyPath: field]), forKey: Key(stringValue: key))
            }
        }
    }

    private var api: API {
        let api = configuration.api
        return API(
            allow: words(api.allow), allowRemote: api.allowRemote, listen: api.listen?.description,
            limits: Limits(limits: api.limits))
    }

    private func words(_ access: PortalAccess) -> [String] {
        switch access {
        case .any: ["any"]
        case .only(let addresses, let peers): (peers ? ["peers"] : []) + addresses.sorted().map(\.description)
        }
    }
}

/// A number, or the word that stands there instead.
private struct NumberOrWord: Encodable {
    let number: Int?
    let word: String

    func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        if let number { try value.encode(number) } else { try value.encode(word) }
    }
}

extension DSCPChoice {
    fileprivate var written: NumberOrWord {
        switch self {
        case .clear: NumberOrWord(number: nil, word: "clear")
        case .inherit: NumberOrWord(number: nil, word: "inherit")
        case .fixed(let dscp): NumberOrWord(number: Int(dscp), word: "")
        }
    }
}
