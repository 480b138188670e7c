internal import INET256

/// What a client's connections, or all together, cost at the moment. It belongs to the thread of the connections.
final class ClientUse {
    var connections = 0
    /// Bytes that wait to be read.
    var queued = 0
    /// Questions that are being answered.
    var requests = 0
    /// How many connections have which node open.
    private(set) var nodes: [Address: Int] = [:]

    func opened(_ node: Address) {
        connections += 1
        nodes[node, default: 0] += 1
    }

    func closed(_ node: Address) {
        connections -= 1
        let count = nodes[node, default: 1] - 1
        nodes[node] = count > 0 ? count : nil
    }
}
