public import INET256

/// Where programs begin:
///
///     import INET256
///     import INET256Client
///
///     let node = try await INET256.connect().open(key)
///     for try await message in node.messages { try await node.send(message.payload, to: message.source) }
///
/// The name is that of the module too. In a file that imports both it means this type, so a declaration that needs its
/// module in front (`INET256.Message`) is imported by itself instead: `import struct INET256.Message`.
public enum INET256 {
    /// Finds the daemon: at `endpoint`, else where `ClientEndpoint.standard` says. With `reconnects`, nodes that are
    /// opened outlive the daemon: see `INET256Connection`. Throws `unavailable` when nobody listens there.
    public static func connect(
        to endpoint: ClientEndpoint? = nil, reconnects: Bool = false
    ) async throws(NodeError) -> INET256Connection {
        let found: ClientEndpoint
        do throws(ClientEndpointError) {
            if let endpoint { found = endpoint } else { found = try .standard() }
        } catch {
            throw .unavailable("\(error)")
        }
        let connection = INET256Connection(endpoint: found, reconnects: reconnects)
        try await LinkOpening.probe(found)
        return connection
    }

    /// Where tasks run that mostly send and receive: on the thread that reads from daemons, so that no message has to be
    /// handed from one thread to another and a round trip is shorter by a third. Tasks that send many messages are better
    /// off elsewhere: they go on while messages are read.
    ///
    ///     await withTaskExecutorPreference(INET256.executor) {
    ///         for try await message in node.messages { try await node.send(message.payload, to: message.source) }
    ///     }
    ///
    /// What runs there must not block or reckon for long: no node of the process gets its messages meanwhile.
    public static var executor: any TaskExecutor { LinkLoop.shared }
}
