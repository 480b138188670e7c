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
    /// Takes in the mapping but for `allow`, which it gives back: that one needs the peers' names.
    mutating func read(_ value: ConfigurationValue) -> ConfigurationValue? {
        var allow: ConfigurationValue?
        var listener: ConfigurationValue?
        value.fields(["allow", "allow_remote", "limits", "listen"], expected: "a mapping such as {allow: [any]}") {
            key, value in
            switch key {
            case "allow": allow = value
            case "allow_remote": if let permission = value.bool() { allowRemote = permission }
            case "listen": listener = value
            default: limits.read(value)
            }
        }
        // Behind allow_remote, wherever that stands.
        if let listener { listen = listener.listener(allowingRemote: allowRemote) }
        return allow
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

    /// Nothing, or "tcp://127.0.0.1:PORT": there is no way to tell clients apart there, so other machines stay out unless they
    /// are let in expressly.
    fileprivate func listener(allowingRemote: Bool) -> APIEndpoint? {
        if isNull { return nil }
        let expected = "tcp:// with a loopback address and a port, such as tcp://127.0.0.1:2560"
        guard let text = text(expected: expected) else { return nil }
        do throws(APIEndpointError) {
            let endpoint = try APIEndpoint(parsing: text, allowingRemote: allowingRemote)
            if case .tcp = endpoint { return endpoint }
            complain(expected: expected)
        } catch .notLoopback(let address) {
            complain(
                expected:
                    "a loopback address, or allow_remote: true in api (whoever reaches that port can then read this box's "
                    + "status, peers and metrics)",
                found: "\(found) (\(APIEndpointError.notLoopback(address)))")
        } catch {
            complain(expected: expected)
        }
        return nil
    }
}
