internal import Firewall
internal import INET256
internal import Wire

/// What passes between this box and the mesh, as the file says it: names of groups and networks stay names, so that
/// it can be shown again. `Configuration.firewallPolicy` resolves them.
struct FirewallConfiguration: Equatable, Sendable {
    /// Whether anything is filtered at all.
    var enabled = true
    /// From the mesh.
    var inbound = ConfiguredRules(fallback: .deny)
    /// Into the mesh.
    var outbound = ConfiguredRules(fallback: .allow)
    var nat: [Masquerade] = []
    var clampMSS = ClampMSS.auto
    /// Absolute paths and patterns of files with raw nft text. They are read when the rules are loaded.
    var include: [String] = []
    /// What has to come out before a policy is loaded.
    var tests: [FirewallTest] = []
    /// Whether every reload ends what is open and would not be let begin, and what removed peers have open.
    var cutRemoved = false
    /// The table's name. A second daemon on one machine has another.
    var table = Ruleset.standardTable
}

/// Rules in order, and what becomes of the rest.
struct ConfiguredRules: Equatable, Sendable {
    var rules: [ConfiguredRule] = []
    var fallback: FirewallAction
}

struct ConfiguredRule: Hashable, Sendable {
    var action: FirewallAction
    var services: [ConfiguredService]
    /// The mesh's side: `from` inbound, `to` outbound.
    var peers: [ConfiguredSubject] = [.any]
    /// Our side: `to` inbound, `from` outbound.
    var places: [ConfiguredPlace]
    var limit: RateLimit?
    var log: RuleLog?
    var comment: String?
}

/// A service by the name that people gave it, and what that stands for.
struct ConfiguredService: Hashable, Sendable {
    var text: String
    var services: [Firewall.Service]
}

/// Who is on the mesh's side.
enum ConfiguredSubject: Hashable, Sendable {
    case any
    /// Every configured peer.
    case peers
    case node(Address)
    case group(String)
    /// One behind another box.
    case network(String)
    case prefix(IPv6Prefix)
}

/// What is on our side.
enum ConfiguredPlace: Hashable, Sendable {
    case box
    /// One behind this box.
    case network(String)
    /// The box and every network behind it.
    case any
}

enum RuleLog: Hashable, Sendable {
    /// With a prefix that tells the rule.
    case standard
    case prefix(String)
}

/// Whether the segment size of forwarded TCP is fitted to the path.
enum ClampMSS: String, CaseIterable, Sendable {
    /// When there are networks behind this box.
    case auto
    case on = "true"
    case off = "false"
}

/// A named set of members on the mesh's side.
struct GroupConfiguration: Hashable, Sendable {
    var name: String
    /// Never `any`.
    var members: [ConfiguredSubject]
}

/// IPv6 prefixes behind a box.
struct NetworkConfiguration: Hashable, Sendable {
    var name: String
    /// The node that they are behind; nil is this box.
    var via: Address?
    var prefixes: [IPv6Prefix]
}

/// What a new packet has to meet with: every member of the subject and every reading of the service alike.
struct FirewallTest: Hashable, Sendable {
    enum Way: String, CaseIterable, Sendable {
        case inbound = "in"
        case outbound = "out"
    }

    /// The end on our side.
    enum End: Hashable, Sendable {
        case box
        /// Any address in there.
        case network(String)
        case address(IPv6Address)
        /// The box and every network behind it.
        case any
    }

    var way = Way.inbound
    /// On the mesh's side. Never empty, as the services and the ends.
    var subjects: [ConfiguredSubject]
    var services: [ConfiguredService]
    var ends = [End.box]
    var expect: FirewallAction
}
