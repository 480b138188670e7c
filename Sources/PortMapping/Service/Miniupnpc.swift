internal import CPortMapping

/// libminiupnpc, where it is installed. Used by one thread at a time.
package final class Miniupnpc: IGDLibrary, @unchecked Sendable {
    /// As the last search has found it.
    private var gateway: igd_gateway?

    /// What routers show as the mapping's purpose.
    private static let purpose = "inet256vpn"
    /// How long answers to a search are waited for.
    private static let searchMilliseconds: Int32 = 2000

    package init() {}

    package func load() -> String? { igd_load().map { String(cString: $0) } }

    package func find(own: String) -> Int32 {
        var found = igd_gateway()
        let code = igd_find(own, Self.searchMilliseconds, &found)
        gateway = code == 0 ? found : nil
        return code
    }

    package func externalAddress() -> (code: Int32, text: String) {
        guard var gateway else { return (-1, "") }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(IGD_ADDRESS)) { text in
            guard let base = text.baseAddress else { return (-1, "") }
            base.initialize(repeating: 0, count: text.count)
            let code = igd_external_address(&gateway, base)
            return (code, String(cString: base))
        }
    }

    package func map(port: UInt16, own: String, ownPort: UInt16, seconds: UInt32) -> Int32 {
        guard var gateway else { return -1 }
        return igd_map(&gateway, port, own, ownPort, Self.purpose, seconds)
    }

    package func unmap(port: UInt16) -> Int32 {
        guard var gateway else { return -1 }
        return igd_unmap(&gateway, port)
    }
}
