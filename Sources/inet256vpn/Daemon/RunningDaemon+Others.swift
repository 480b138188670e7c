internal import AdminProtocol
internal import DNS
internal import DataPlane
internal import Foundation
internal import Glibc
internal import INET256
internal import Logging
internal import Mesh
internal import Settings
internal import System

/// What follows from what other boxes say: who passes, and what they are called.
extension RunningDaemon {
    /// What the daemon of another box says.
    func heard(_ from: Address, _ purpose: UInt8, _ body: [UInt8]) async {
        await joins.heard(from, purpose, body, configuration)
        await keys.heard(from, purpose, body, configuration)
        if purpose == KeyKeeper.Purpose.statement { await settleFormerAddresses() }
        if purpose == PeerNames.purpose, await peerNames.heard(from, body, configuration) { await settleNames() }
    }

    /// Whoever may pass by an address that is a peer's now may do so by the one that it had before, while it answers there.
    func settleFormerAddresses() async {
        let found = await keys.formerAddresses(configuration)
        guard found != formerAddresses else { return }
        formerAddresses = found
        if let map { try? mailbox.post(.setAccess(portalGate(configuration, map))) }
        try? mailbox.post(nodeAccess(configuration))
    }

    func portalGate(_ configuration: Configuration, _ map: IPv6Map) -> PortalGate {
        PortalGate(portalOf: configuration, map).admitting(formerAddresses)
    }

    func nodeAccess(_ configuration: Configuration) -> EngineCommand {
        let gate = PortalGate(configuration.api.allow, configuration).admitting(formerAddresses)
        return .setNodeAccess(gate, limit: configuration.api.limits.nodes)
    }

    /// Whom networks are behind, by their keys, the data plane knows from its start. Where a peer that has some has another key, and nothing
    /// else waits for a restart, the daemon begins again in its own place: they would be nobody's until somebody does that.
    func followOwners(of networks: [NetworkConfiguration]) {
        let followed = configuration.networks.map { network in
            var network = network
            network.via = network.via.map { formerAddresses[$0] ?? $0 }
            return network
        }
        guard networks != configuration.networks, networks == followed, waiting == ["networks"] else { return }
        do {
            _ = try restart()
            logger.notice("networks are behind a peer that has a new key: this daemon begins again in its own place")
        } catch {
            logger.warning(
                "networks are behind a peer that has a new key, and cannot be reached before a restart",
                metadata: ["reason": "\(error)"])
        }
    }

    /// Names follow what peers call themselves now.
    func settleNames() async { names?.set(configuration, called: await peerNames.of(configuration)) }

    /// Tells peers what this box calls itself, and forgets what those called themselves who have long said nothing.
    func tellNames() async {
        if await peerNames.forget() { await settleNames() }
        guard await peerNames.hasNews(configuration.dns.ownNames), let snapshot = await snapshot() else { return }
        await peerNames.tell(snapshot.box.links.filter { $0.configured && $0.state == .up }.map(\.address))
    }
}

/// Begins again.
extension RunningDaemon {
    /// Begins again in its own place, in a moment.
    /// - Throws: what would keep the next run from its start, or from seeing what is new.
    func restart() throws -> RestartAnswer {
        let (_, change) = try setup.reread(after: configuration)
        let handed = setup.handedKeys.keys.filter {
            change.needsRestart.contains("private_key_path") && $0 == setup.configuration.privateKeyPath
        }
        guard handed.isEmpty else {
            throw CommandFailure(
                .failure,
                "the key was handed to the daemon when it was started, and it may not read the new one itself: stop it and start it again"
            )
        }
        Task {
            // Behind the answer.
            try? await Task.sleep(for: .milliseconds(100))
            kill(getpid(), SIGUSR2)
        }
        return RestartAnswer(pid: getpid())
    }
}
