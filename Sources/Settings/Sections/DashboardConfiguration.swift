package import API

/// The page that shows how the box is doing.
package struct DashboardConfiguration: Equatable, Sendable {
    /// Nil: there is none.
    package var listen: APIEndpoint?
    /// Whether `listen` may be an address that other machines reach.
    package var allowRemote = false
}

extension DashboardConfiguration {
    static let table = Section(
        "dashboard", expected: "a mapping such as {listen: tcp://127.0.0.1:2580}",
        comment: "A page for the browser that shows how the box is doing, and changes nothing (docs/dashboard.md)."
    ) {
        Setting(
            "dashboard.listen", \.dashboard.listen, listener, .restart,
            comment: "Where it is; every user of this machine may look.",
            help:
                "`tcp://127.0.0.1:PORT`: a [page for the browser](docs/dashboard.md), read-only, for every user of this machine"
        )
        .turn(.last).inFile(.sample("tcp://127.0.0.1:2580")).usually("none")
        Setting(
            "dashboard.allow_remote", \.dashboard.allowRemote, .flag, .restart,
            comment: """
                Whether listen may be an address that other machines reach, such as the portal's. There is no password:
                firewall.rules say who in the mesh may come to that port.
                """,
            help: "`true`: it may be an address that other machines reach, **without password**; "
                + "on the portal's own, [`firewall.rules` let in](docs/dashboard.md#over-the-mesh)")
    }

    private static let listener = Form<APIEndpoint?> { value, reading in
        if value.isNull { return .some(nil) }
        let configuration = reading.configuration
        let purpose = "this box's status, peers, rules and log"
        guard
            let endpoint = value.listener(
                such: "tcp://127.0.0.1:2580", allowingRemote: configuration.dashboard.allowRemote, in: "dashboard",
                exposing: purpose)
        else { return nil }
        if endpoint == configuration.api.listen || endpoint == configuration.apiEndpoint {
            value.complain(
                expected: "another port than those of api_endpoint and api.listen", found: "\(endpoint) for both")
            return nil
        }
        return .some(endpoint)
    } show: { endpoint, _ in
        endpoint.map { .word("\($0)") } ?? .nothing
    }
}
