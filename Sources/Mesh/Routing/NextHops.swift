/// Neighbours to hand a packet to, the best one first; only so many, and none is stored elsewhere.
package struct NextHops: Equatable, Sendable {
    package static let most = 4

    package private(set) var count = 0
    private var places = SIMD4<UInt32>()

    package init() {}

    package init(_ only: NeighbourID?) {
        if let only { append(only) }
    }

    /// What finds no room is left out.
    package mutating func append(_ hop: NeighbourID) {
        guard count < Self.most else { return }
        places[count] = hop.rawValue
        count += 1
    }

    package subscript(_ place: Int) -> NeighbourID {
        precondition(place < count)
        return NeighbourID(rawValue: places[place])
    }

    package var first: NeighbourID? { count > 0 ? self[0] : nil }
}
