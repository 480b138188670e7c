internal import AdminProtocol
internal import Discovery
internal import Settings
internal import System
internal import Wire

extension DiscoveryThread {
    /// What there is to tell people.
    func report(_ now: Instant) -> DiscoveryStatus {
        var status = DiscoveryStatus()
        if let local {
            status.links = linkNames
            status.strangers = local.strangers(now: now).count
            let counts = local.counters
            status.counters = [
                "link_announced": counts.announced, "link_heard": counts.heard, "link_replayed": counts.replayed,
                "link_challenged": counts.challenged, "link_answered": counts.answered,
                "link_limited": counts.limited, "link_foreign": counts.foreign,
            ]
        }
        for (client, configured) in zip(clients, plan.central) {
            let server = DiscoveryServerStatus(
                server: configured.endpoint, endpoint: client.server.map { "\($0)" },
                observed: client.observed.map { "\($0)" })
            status.servers.append(server)
            let counts = client.counters
            for (name, count) in [
                ("server_announced", counts.announced), ("server_taken", counts.taken),
                ("server_asked", counts.asked), ("server_found", counts.found), ("server_calls", counts.calls),
                ("server_refused", counts.refused),
            ] {
                status.counters[name, default: 0] &+= count
            }
        }
        if let server {
            status.held = server.count
            let counts = server.counters
            status.counters.merge(
                [
                    "served_announcements": counts.announcements, "served_lookups": counts.lookups,
                    "served_calls": counts.calls, "served_cookies": counts.cookies, "served_forged": counts.forged,
                    "served_malformed": counts.malformed, "served_limited": counts.limited, "served_full": counts.full,
                ]) { $1 }
        }
        return status
    }
}

extension DiscoveryPlan {
    /// Asks the thread; nil where it does not answer.
    func status() async -> DiscoveryStatus? {
        guard looks || serves else { return nil }
        return await withCheckedContinuation { (answer: CheckedContinuation<DiscoveryStatus?, Never>) in
            do {
                try commands.post(.inspect { answer.resume(returning: $0) })
            } catch {
                answer.resume(returning: nil)
            }
        }
    }
}
