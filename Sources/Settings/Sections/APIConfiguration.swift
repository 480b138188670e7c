package import API

/// What applications may do by the API, and who reaches it.
package struct APIConfiguration: Equatable, Sendable {
    /// Whom their nodes exchange messages with.
    package var allow = PortalAccess.any
    /// Whether `api_endpoint` and `listen` may be TCP on addresses that other machines reach.
    package var allowRemote = false
    package var limits = APILimitsConfiguration()
    /// A further listener, for metrics and status alone.
    package var listen: APIEndpoint?
}

extension APIConfiguration {
    static let table = Section(
        "api", expected: "a mapping such as {allow: [any]}",
        comment: "Applications that open nodes of their own on this box, by the same socket."
    ) {
        Setting(
            "api.allow", \.api.allow, .access, .reload,
            comment: """
                Whom their nodes may exchange messages with: any, peers, and names and addresses of nodes. Nodes of this
                box reach each other in any case.
                """,
            help: "whom applications' nodes exchange messages with: `any`, `peers`, names, addresses"
        )
        .turn(.behindNames).placed(in: .told, behind: "portal.except")
        Setting(
            "api.allow_remote", \.api.allowRemote, .flag, .restart,
            comment: """
                Whether api_endpoint and listen may be TCP addresses that other machines reach. There is no password and no
                encryption: whoever reaches api_endpoint then opens nodes on this box, and whoever is on the way there
                reads their private keys.
                """,
            help: "`true`: both may be TCP that other machines reach, **without password and encryption**"
        )
        .placed(in: .told, behind: "api.listen").placed(in: .shown, behind: "limits")
        Setting(
            "api.listen", \.api.listen, listener, .restart,
            comment: """
                A further listener on loopback for GET /metrics, /healthz and /admin/status, which every user of this
                machine may ask.
                """,
            help:
                "`tcp://127.0.0.1:PORT`: a further listener for `GET /metrics`, `/healthz`, `/admin/status` and `/admin/firewall` alone"
        )
        .turn(.behindLimits).placed(in: .words, behind: "limits").placed(in: .file, behind: "allow")
        .inFile(.sample("tcp://127.0.0.1:2560")).usually("none")
        APILimitsConfiguration.table
    }

    private static let listener = Form<APIEndpoint?> { value, reading in
        value.isNull
            ? .some(nil)
            : value.listener(
                such: "tcp://127.0.0.1:2560", allowingRemote: reading.configuration.api.allowRemote, in: "api",
                exposing: "this box's status, peers and metrics")
    } show: { endpoint, _ in
        endpoint.map { .word("\($0)") } ?? .nothing
    }

    /// Not that of the listener.
    static let endpoint = Form<APIEndpoint> { value, reading in
        let api = reading.configuration.api
        let endpoint = value.apiEndpoint(in: reading.directory, allowingRemote: api.allowRemote)
        if let endpoint, case .tcp = endpoint, api.listen == endpoint {
            value.complain(expected: "another port than that of api.listen", found: "\(endpoint) for both")
        }
        return endpoint
    } show: { endpoint, _ in
        .word("\(endpoint)")
    }
}

extension ConfigurationValue {
    /// Where commands and applications reach the daemon. A path is resolved in `directory`.
    func apiEndpoint(in directory: String, allowingRemote: Bool) -> APIEndpoint? {
        let expected = "unix:///path/to/socket or tcp://127.0.0.1:PORT"
        guard let text = text(expected: expected) else { return nil }
        do throws(APIEndpointError) {
            let endpoint = try APIEndpoint(parsing: text, allowingRemote: allowingRemote)
            guard case .unix(let path) = endpoint else { return endpoint }
            return try APIEndpoint(parsing: "unix://" + FilePath.resolve(path, in: directory))
        } catch .notLoopback(let address) {
            complain(
                expected:
                    "a loopback address, or allow_remote: true in api (whoever reaches that port can then open nodes on "
                    + "this box, and private keys cross the wire in clear text)",
                found: "\(found) (\(APIEndpointError.notLoopback(address)))")
        } catch {
            complain(expected: expected, found: "\(found) (\(error))")
        }
        return nil
    }

    /// "tcp://127.0.0.1:PORT": there is no way to tell clients apart there, so other machines stay out unless they are let in
    /// expressly.
    /// - Parameters:
    ///   - section: where `allow_remote` stands.
    ///   - exposed: what whoever reaches the port can read.
    func listener(
        such example: String, allowingRemote: Bool, in section: String, exposing exposed: String
    ) -> APIEndpoint? {
        let expected = "tcp:// with a loopback address and a port, such as \(example)"
        guard let text = text(expected: expected) else { return nil }
        do throws(APIEndpointError) {
            let endpoint = try APIEndpoint(parsing: text, allowingRemote: allowingRemote)
            if case .tcp = endpoint { return endpoint }
            complain(expected: expected)
        } catch .notLoopback(let address) {
            complain(
                expected:
                    "a loopback address, or allow_remote: true in \(section) (whoever reaches that port can then read \(exposed))",
                found: "\(found) (\(APIEndpointError.notLoopback(address)))")
        } catch {
            complain(expected: expected)
        }
        return nil
    }
}
