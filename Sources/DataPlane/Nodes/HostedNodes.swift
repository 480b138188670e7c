internal import API
internal import INET256
internal import Mesh
internal import Wire

/// The nodes of this box besides its own: who has them open, what goes out for them and what comes in. No I/O and no clock; it
/// belongs to the data plane's thread.
///
/// Messages between nodes of one box never leave it, and `api.allow` is not asked about them: it is about the others. The
/// ways of messages stand in `HostedNodes+Messages`, questions in `HostedNodes+Questions`.
final class HostedNodes {
    let box: MeshBox
    /// Nodes that applications may have open in all.
    var limit: Int
    /// Whom nodes may exchange messages with.
    var gate: PortalGate { didSet { lastHop = nil } }
    var counters = HostedCounters()

    private var byAddress: [Address: HostedNode] = [:]
    /// By the box's number of the node.
    private var places: [HostedNode?] = []
    private var holds: [UInt64: HostedNode] = [:]
    private var nextHold: UInt64 = 1
    private var openByApplications = 0

    /// Nodes with output that was not handed over.
    var filled: [HostedNode] = []
    /// Memory for the output of those.
    var spare: [[UInt8]] = []
    /// A burst goes to one destination.
    var lastHop: (address: Address, hop: Hop)?
    var questions: [WaitingQuestion] = []
    var questionsDue: Instant = .distantFuture
    var routesSeen: UInt64 = 0

    /// Where messages to an address go.
    enum Hop {
        case main
        case local(HostedNode)
        case remote
        case prohibited
    }

    init(box: MeshBox, gate: PortalGate, limit: Int) {
        self.box = box
        self.gate = gate
        self.limit = limit
    }

    /// The nodes that are open because applications opened them.
    var applications: Set<Address> { Set(byAddress.values.lazy.filter { !$0.isConfigured }.map(\.address)) }

    /// Whether an address is the box's own, or was before and still answers.
    func isBox(_ address: Address) -> Bool { address == box.mainAddress || address == box.formerAddress }

    func node(_ address: Address) -> HostedNode? { byAddress[address] }

    func node(hold: UInt64) -> HostedNode? { holds[hold] }

    @inline(__always)
    func node(_ id: NodeID) -> HostedNode? { id.rawValue < places.count ? places[id.rawValue] : nil }

    // MARK: Opening

    /// Opens a node that the configuration names.
    func addConfigured(_ key: PrivateKey, now: Instant) throws(MeshBox.NodeError) {
        add(HostedNode(id: try box.open(key, now: now), address: key.address, isConfigured: true))
    }

    /// Opens the node of `key`, or joins it; what is given is the connection's hold on it.
    func open(_ key: PrivateKey, sink: any APINodeSink, now: Instant) throws(APINodeError) -> UInt64 {
        guard !isBox(key.address) else { throw .reserved }
        let node: HostedNode
        if let open = byAddress[key.address] {
            node = open
        } else {
            guard openByApplications < limit else { throw .tooMany("on this box (api.limits.nodes is \(limit))") }
            do throws(MeshBox.NodeError) {
                node = HostedNode(id: try box.open(key, now: now), address: key.address, isConfigured: false)
            } catch {
                throw .tooMany("on this box")
            }
            add(node)
        }
        let hold = nextHold
        nextHold += 1
        holds[hold] = node
        node.join(HostedNode.Member(hold: hold, sink: sink))
        return hold
    }

    private func add(_ node: HostedNode) {
        byAddress[node.address] = node
        while places.count <= node.id.rawValue { places.append(nil) }
        places[node.id.rawValue] = node
        if !node.isConfigured { openByApplications += 1 }
        lastHop = nil
    }

    // MARK: Closing

    /// A connection lets go of its node. Fine when it was ended before.
    func leave(_ hold: UInt64, now: Instant) {
        guard let node = holds.removeValue(forKey: hold) else { return }
        // What came before is for those who had it open until now.
        handOver(node)
        node.leave(hold)
        if !node.isRead, !node.isConfigured { remove(node, now) }
    }

    /// Ends every connection of the node of `key`, and the node unless the configuration names it.
    func drop(_ key: PrivateKey, now: Instant) throws(APINodeError) {
        guard !isBox(key.address) else { throw .reserved }
        guard let node = byAddress[key.address] else { return }
        handOver(node)
        for hold in node.endAll() { holds[hold] = nil }
        if !node.isConfigured { remove(node, now) }
    }

    private func remove(_ node: HostedNode, _ now: Instant) {
        byAddress[node.address] = nil
        places[node.id.rawValue] = nil
        openByApplications -= 1
        lastHop = nil
        box.close(node.id, now: now)
    }

    /// The daemon stops: nobody is left without a word.
    func endAll() {
        handOverAll()
        for node in byAddress.values {
            for hold in node.endAll() { holds[hold] = nil }
        }
        questions.removeAll()
    }
}
