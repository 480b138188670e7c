package import Firewall
package import INET256

/// What commands change of a configuration.
package enum ConfigurationStep: Hashable, Sendable {
    case addPeer(PeerConfiguration)
    /// By name or address. `everywhere`: what else names it, too.
    case removePeer(String, everywhere: Bool = false)
    /// What names it follows.
    case renamePeer(String, to: String)
    /// It has a new key: its new address stands wherever its old one did.
    case replacePeer(Address, with: Address)
    /// Makes the group where it is not there yet. The member as a file would name it.
    case addGroupMember(group: String, member: String)
    case removeGroupMember(group: String, member: String)
    case removeGroup(String)
    case addRule(RuleDraft)
    /// Adds the key by which this box answers as well, or puts other values in. The path is as it is to stand in the file, the time in
    /// seconds since 1970.
    case setFormerKey(path: String, until: Int64)
    /// Where there is none, nothing.
    case removeFormerKey
}

/// A firewall rule as people say it; what its words mean, the configuration that it goes into says.
package struct RuleDraft: Hashable, Sendable {
    package var action: FirewallAction
    package var way = FirewallTest.Way.inbound
    package var services: [String]
    /// On the mesh's side; none for everybody.
    package var subjects: [String]
    /// On our side; none for what rules say by default.
    package var places: [String] = []
    package var limit: String?
    package var comment: String?
    /// Before which rule, from 0; nil: the last place where it has an effect.
    package var before: Int?

    package init(_ action: FirewallAction, services: [String], subjects: [String]) {
        self.action = action
        self.services = services
        self.subjects = subjects
    }
}

/// A configuration with its text, which are changed together.
package struct EditedConfiguration: Sendable {
    package private(set) var text: YAMLText
    package private(set) var configuration: Configuration
    /// Its name in complaints.
    package let file: String
    /// What was done, a sentence each.
    package internal(set) var done: [String] = []
    /// The rules that came in, with the list of each.
    package internal(set) var addedRules: [(way: FirewallTest.Way, rule: ConfiguredRule)] = []

    /// Reads `bytes` as the file `file`, which decides what relative paths in there mean.
    package init(_ bytes: [UInt8], file: String) throws {
        self.file = file
        let text = try YAMLText(bytes)
        self.text = text
        configuration = try Configuration.parse(text.text, file: file)
    }

    /// All of the steps or, where one is refused, none.
    /// Throws `EditRefusal`, or `ConfigurationError` where the outcome would be no configuration.
    package func applying(_ steps: [ConfigurationStep]) throws -> EditedConfiguration {
        var edited = self
        for step in steps { try edited.apply(step) }
        return edited
    }

    private mutating func apply(_ step: ConfigurationStep) throws {
        switch step {
        case .addPeer(let peer): try add(peer)
        case .removePeer(let who, let everywhere): try removePeer(who, everywhere: everywhere)
        case .renamePeer(let who, let name): try renamePeer(who, to: name)
        case .replacePeer(let old, let new): try replacePeer(old, with: new)
        case .addGroupMember(let group, let member): try add(member, to: group)
        case .removeGroupMember(let group, let member): try remove(member, from: group)
        case .removeGroup(let group): try removeGroup(group)
        case .addRule(let draft): try add(draft)
        case .setFormerKey(let path, let until): try setFormerKey(path: path, until: until)
        case .removeFormerKey: try removeFormerKey()
        }
    }

    /// Makes changes of the text, and reads it again. Where it is known what must come of it, nothing else may.
    mutating func take(
        _ changes: [YAMLChange], _ words: String?, expecting expected: Configuration? = nil
    ) throws {
        var next = text
        for change in changes { next = try next.applying(change) }
        let read = try Configuration.parse(next.text, file: file)
        if let expected, read != expected {
            throw EditRefusal(
                "the file was left as it is, since it would mean something else besides",
                advice: changes.compactMap(\.advice).joined(separator: "\n"))
        }
        text = next
        configuration = read
        if let words { done.append(words) }
    }

    /// The place of a peer in the list.
    func peerIndex(_ who: String) throws(EditRefusal) -> Int {
        let peers = configuration.peers
        if let index = peers.firstIndex(where: { $0.name == who || $0.id.description == who }) { return index }
        let near = NearMiss.of(who, among: peers.compactMap(\.name))
        throw EditRefusal("no peer is called \(who)", advice: near.map { "Did you mean \($0)?" })
    }

    /// Refuses an address that a peer has.
    func requireNoPeer(_ address: Address) throws(EditRefusal) {
        guard let index = configuration.peers.firstIndex(where: { $0.id == address }) else { return }
        let name = configuration.peers[index].name.map { ", called \($0)" } ?? ""
        throw EditRefusal("\(address) is a peer already: peers[\(index)]\(name)")
    }

    /// Refuses what cannot be the name of something new.
    func requireFree(_ name: String) throws(EditRefusal) {
        if let fault = PeerName.fault(in: name) {
            throw EditRefusal("\"\(name)\" is not possible: expected \(PeerName.rule) (\(fault))")
        }
        let owner: String? =
            if configuration.peers.contains(where: { $0.name == name }) {
                "a peer"
            } else if configuration.groups.contains(where: { $0.name == name }) {
                "a group"
            } else if configuration.networks.contains(where: { $0.name == name }) {
                "a network"
            } else {
                nil
            }
        if let owner { throw EditRefusal("\(owner) is called \(name) already") }
    }
}
