package import Wire

/// One thing that a cable does to datagrams. What `permille` says happens to so many of a thousand.
package enum CableElement: Sendable, Equatable {
    /// The largest IP packet that the interface at either end takes; a box is told of larger ones.
    case interface(mtu: Int)
    /// The largest IP packet, in bytes; larger ones vanish, as behind a router that sends no ICMP.
    case size(mtu: Int)
    /// So many bytes of IP packets a second each way. What would wait for longer than `queue` is lost.
    case rate(bytesPerSecond: Int, queue: Interval)
    case loss(permille: UInt32)
    case duplication(permille: UInt32)
    case delay(Interval)
    /// Up to this much more, at random.
    case jitter(Interval)
    /// Some are held back for so long that later ones overtake.
    case reordering(permille: UInt32, by: Interval)
    /// The node `inside`, one of the ends, is behind a NAT of the simulation, by its number. The nearest stands first. Links of bare
    /// algorithms have no endpoints, hence none of this.
    case nat(Int, inside: Int)

    /// Where it stands unless somebody says otherwise.
    fileprivate var rank: Int {
        switch self {
        case .interface: 0
        case .size: 1
        case .rate: 2
        case .loss: 3
        case .duplication: 4
        case .delay: 5
        case .jitter: 6
        case .reordering: 7
        case .nat: 8
        }
    }
}

/// What a cable between two nodes does to datagrams: its elements, in the order in which a datagram meets them, both ways.
package struct CableQuality: Sendable, Equatable {
    package private(set) var elements: [CableElement]

    package init(_ elements: CableElement...) { self.elements = elements }

    /// Ethernet over some distance.
    package static let clean = CableQuality(.size(mtu: 1500), .delay(.milliseconds(5)))

    /// A bad wireless line.
    package static let poor = CableQuality(
        .size(mtu: 1500), .loss(permille: 50), .duplication(permille: 20), .delay(.milliseconds(20)),
        .jitter(.milliseconds(10)), .reordering(permille: 50, by: .milliseconds(30)))

    /// Nothing is lost, and much overtakes.
    package static let uneven = CableQuality(.size(mtu: 1500), .delay(.milliseconds(5)), .jitter(.milliseconds(10)))

    /// One in ten lost, one in twenty repeated, and latencies that reorder.
    package static let bad = CableQuality(
        .size(mtu: 1500), .loss(permille: 100), .duplication(permille: 50), .delay(.milliseconds(2)),
        .jitter(.milliseconds(38)))

    /// The same with one element more: in the place of one of its kind, else where it belongs. NATs stand beside one another.
    package func with(_ element: CableElement) -> CableQuality {
        var changed = self
        changed.set(element)
        return changed
    }

    package mutating func set(_ element: CableElement) {
        if case .nat = element {
            elements.append(element)
        } else if let place = elements.firstIndex(where: { $0.rank == element.rank }) {
            elements[place] = element
        } else {
            elements.insert(element, at: elements.firstIndex { $0.rank > element.rank } ?? elements.count)
        }
    }

    /// One more, behind all others and beside others of its kind.
    package mutating func append(_ element: CableElement) { elements.append(element) }

    private mutating func remove(like element: CableElement) { elements.removeAll { $0.rank == element.rank } }

    private func first<Value>(_ value: (CableElement) -> Value?) -> Value? {
        for element in elements { if let found = value(element) { return found } }
        return nil
    }

    // MARK: One by one

    package var latency: Interval {
        get { first { if case .delay(let span) = $0 { span } else { nil } } ?? .zero }
        set { set(.delay(newValue)) }
    }
    package var jitter: Interval {
        get { first { if case .jitter(let span) = $0 { span } else { nil } } ?? .zero }
        set { set(.jitter(newValue)) }
    }
    package var lossPermille: UInt32 {
        get { first { if case .loss(let permille) = $0 { permille } else { nil } } ?? 0 }
        set { set(.loss(permille: newValue)) }
    }
    package var duplicationPermille: UInt32 {
        get { first { if case .duplication(let permille) = $0 { permille } else { nil } } ?? 0 }
        set { set(.duplication(permille: newValue)) }
    }
    package var reorderPermille: UInt32 {
        get { first { if case .reordering(let permille, _) = $0 { permille } else { nil } } ?? 0 }
        set { set(.reordering(permille: newValue, by: reorderDelay)) }
    }
    /// How long a held-back one is late.
    package var reorderDelay: Interval {
        get { first { if case .reordering(_, let span) = $0 { span } else { nil } } ?? .milliseconds(30) }
        set { set(.reordering(permille: reorderPermille, by: newValue)) }
    }
    package var mtu: Int {
        get { first { if case .size(let mtu) = $0 { mtu } else { nil } } ?? .max }
        set { set(.size(mtu: newValue)) }
    }
    /// Nil: it takes all.
    package var interfaceMTU: Int? {
        get { first { if case .interface(let mtu) = $0 { mtu } else { nil } } }
        set {
            if let newValue { set(.interface(mtu: newValue)) } else { remove(like: .interface(mtu: 0)) }
        }
    }
}
