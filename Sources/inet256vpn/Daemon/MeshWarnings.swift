internal import INET256
internal import Mesh
internal import Wire

/// What is wrong with the mesh as this box sees it, one sentence each.
enum MeshWarnings {
    /// - Parameters:
    ///   - maxNodes: places in the routing table, as configured.
    ///   - name: what the configuration calls a peer.
    static func list(_ box: BoxStatus, maxNodes: Int, name: (Address) -> String?) -> [String] {
        var list = box.twins.map { twin in
            let isHere = box.nodes.contains(twin.address)
            let whose =
                isHere ? "\(twin.address), a node of this box," : name(twin.address) ?? "\(twin.address)"
            return
                "the key of \(whose) is used on two machines (last sign \(Int(twin.age.inSeconds)) s ago): only one of "
                + "them is reached; give one a key of its own (inet256vpn keygen)"
        }
        let refused = Int(box.network[NetworkStatistics.refusedNodes])
        if refused > 0 {
            list.append(
                "the routing table has no room for \(Units.count(refused, "node")), not reached from here: raise "
                    + "network: {beaconnet: {max_nodes: \(maxNodes)}}")
        }
        return list
    }
}
