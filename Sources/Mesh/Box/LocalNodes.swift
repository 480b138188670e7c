internal import INET256

/// The nodes of this box: by number, by address, and by the hint with which they are called.
struct LocalNodes {
    private(set) var places: [BoxNode?] = []
    private var byAddress: [Address: BoxNode] = [:]
    private var byHint: [UInt32: [BoxNode]] = [:]

    /// How many there are.
    var count: Int { byAddress.count }
    /// Hints that somebody of them is called by.
    var hints: Int { byHint.count }
    var all: [BoxNode] { places.compactMap(\.self) }

    @inline(__always)
    subscript(id: NodeID) -> BoxNode? { id.rawValue < places.count ? places[id.rawValue] : nil }

    @inline(__always)
    subscript(address: Address) -> BoxNode? { byAddress[address] }

    /// Those who may be meant by a call.
    func called(by hint: UInt32) -> [BoxNode] { byHint[hint] ?? [] }

    /// Adds a node under the lowest number that is free. Its address is nobody's yet.
    mutating func add(_ key: PrivateKey, isBox: Bool = false) -> BoxNode {
        let place = places.firstIndex { $0 == nil } ?? places.count
        let node = BoxNode(id: NodeID(rawValue: place), key: key, isBox: isBox || place == 0)
        if place == places.count { places.append(node) } else { places[place] = node }
        byAddress[node.address] = node
        byHint[node.keys.hint, default: []].append(node)
        return node
    }

    mutating func remove(_ node: BoxNode) {
        places[node.id.rawValue] = nil
        byAddress[node.address] = nil
        byHint[node.keys.hint]?.removeAll { $0 === node }
        if byHint[node.keys.hint]?.isEmpty == true { byHint[node.keys.hint] = nil }
    }
}
