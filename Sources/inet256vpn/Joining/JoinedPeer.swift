internal import INET256
internal import Settings

/// Somebody who has come by an invitation, on the way into the configuration.
struct JoinedPeer {
    private let steps: [ConfigurationStep]

    /// - Parameter configuration: as it is now. Who is a peer there already is not added again.
    init(_ joined: InvitationStore.Joined, _ configuration: Configuration) throws {
        guard let address = Address(joined.address) else {
            throw CommandFailure(.usage, "\(joined.address) is no address")
        }
        if let text = joined.former {
            guard let former = Address(text) else { throw CommandFailure(.usage, "\(text) is no address") }
            // Done before, or by hand.
            let isThere = configuration.peers.contains { $0.id == address }
            steps = isThere ? [] : [.replacePeer(former, with: address)]
            return
        }
        var steps: [ConfigurationStep] = []
        var name = configuration.peers.first { $0.id == address }?.name
        if !configuration.peers.contains(where: { $0.id == address }) {
            name = joined.name.map { Self.free($0, configuration) }
            steps.append(.addPeer(PeerConfiguration(id: address, name: name)))
        }
        let member = name ?? address.description
        for group in joined.groups where !configuration.hasMember(member, address, of: group) {
            steps.append(.addGroupMember(group: group, member: member))
        }
        self.steps = steps
    }

    /// A second box by one invitation has the same name but for a number.
    private static func free(_ name: String, _ configuration: Configuration) -> String {
        let taken = Set(configuration.peers.compactMap(\.name) + configuration.groups.map(\.name))
        guard taken.contains(name) else { return name }
        return (2...10_000).lazy.map { "\(name)-\($0)" }.first { !taken.contains($0) } ?? name
    }

    /// Writes the file and has the daemon take it over; all of it or nothing.
    func write(into file: String) async throws {
        guard !steps.isEmpty else { return }
        var daemon = DaemonAccess()
        daemon.config = FileArgument(argument: file)
        _ = try await ConfigurationEdit(path: file, daemon: daemon).apply(steps)
    }
}

extension Configuration {
    fileprivate func hasMember(_ name: String, _ address: Address, of group: String) -> Bool {
        groups.first { $0.name == group }?.members.contains(.node(address)) ?? false
    }
}
