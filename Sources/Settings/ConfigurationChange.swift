/// What a reload has to do: the difference of two configurations.
package struct ConfigurationChange: Equatable, Sendable {
    package var peersAdded: [PeerConfiguration] = []
    package var peersRemoved: [PeerConfiguration] = []
    /// The new form of peers whose name or endpoints differ; their id is the same.
    package var peersChanged: [PeerConfiguration] = []
    /// What the former key is from now on, where a reload changes that: the inner nil says that there is none any more.
    package var formerKey: FormerKeyConfiguration??
    /// Other keys that take effect at once.
    package var applied: [String] = []
    /// Keys whose new value waits for a restart.
    package var needsRestart: [String] = []

    /// The keys that a reload applies, for people: with all that stands below them.
    package static let reloadable: [String] = {
        let whole = Configuration.table.sections.filter { $0.isSame != nil }.map(\.path)
        var keys: [String] = []
        for setting in toldInOrder where setting.effect != .restart || setting.exception != nil {
            let own = setting.exception.map { "\(setting.path) (\($0.words))" } ?? setting.path
            let key = whole.first { setting.path.hasPrefix($0 + ".") } ?? own
            if !keys.contains(key) { keys.append(key) }
        }
        return keys
    }()

    private static let toldInOrder = Arrangement.of(
        Configuration.table.settings, name: \.path, behind: { $0.places[.told] })

    package var isEmpty: Bool { self == ConfigurationChange() }

    private init() {}

    package init(from old: Configuration, to new: Configuration) {
        for peer in new.peers {
            if let before = old.peers.first(where: { $0.id == peer.id }) {
                if before != peer { peersChanged.append(peer) }
            } else {
                peersAdded.append(peer)
            }
        }
        if FormerKeyConfiguration.isAtOnce(old.formerKey, new.formerKey) { formerKey = .some(new.formerKey) }
        peersRemoved = old.peers.filter { peer in !new.peers.contains { $0.id == peer.id } }

        for setting in Self.toldInOrder where !setting.isSame(old, new) {
            switch setting.effect(from: old, to: new) {
            case .reload: applied.append(setting.path)
            case .restart: needsRestart.append(setting.path)
            case .together: break
            }
        }
        for section in Configuration.table.sections where section.isSame?(old, new) == false {
            // Behind its own keys.
            let place = applied.lastIndex { $0.hasPrefix(section.path + ".") } ?? Self.place(of: section, in: applied)
            applied.insert(section.path, at: place + 1)
        }
    }

    /// The place of the last key that is told before those of `section`; -1 for none.
    private static func place(of section: Section, in keys: [String]) -> Int {
        guard let first = toldInOrder.firstIndex(where: { $0.path.hasPrefix(section.path + ".") }) else { return -1 }
        return keys.lastIndex { key in toldInOrder[..<first].contains { $0.path == key } } ?? -1
    }

    /// The key's file has something else in it, though it is called the same.
    package mutating func waits(for key: String) {
        if !needsRestart.contains(key) { needsRestart.append(key) }
    }
}

extension Configuration {
    /// This one with all that a reload may change as `new` has it; what needs a restart stays as it is until then.
    package func reloaded(from new: Configuration) -> Configuration {
        var next = self
        for setting in Self.table.settings where setting.effect(from: self, to: new) != .restart {
            setting.copy(new, &next)
        }
        next.fileWarnings = new.fileWarnings
        return next
    }

    /// Whether neither other rules have to be loaded nor other tests run: a peer's new address can be enough. The portal stays
    /// as it is until a restart, so that its changes are none here.
    func hasSameFilters(as new: Configuration) -> Bool {
        var next = new
        next.portal = portal
        next.firewall.enabled = firewall.enabled
        next.firewall.table = firewall.table
        return next.firewall == firewall && next.groups == groups && next.firewallPolicy() == firewallPolicy()
    }
}
