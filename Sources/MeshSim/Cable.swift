public import Wire

/// What a cable between two boxes does to datagrams.
public struct CableQuality: Sendable, Equatable {
    public var latency: Interval = .milliseconds(5)
    /// Up to this much more, at random.
    public var jitter: Interval = .zero
    /// Of a thousand datagrams, how many are lost, come twice, or are held back so that later ones overtake.
    public var lossPermille: UInt32 = 0
    public var duplicationPermille: UInt32 = 0
    public var reorderPermille: UInt32 = 0
    /// How long a held-back one is late.
    public var reorderDelay: Interval = .milliseconds(30)
    /// The largest IP packet, in bytes; larger ones vanish, as behind a router that sends no ICMP.
    public var mtu = 1500
    /// The largest IP packet that the interface at either end takes; the box is told of larger ones. Nil: it takes all.
    public var interfaceMTU: Int?

    public init() {}

    public static let clean = CableQuality()

    /// A bad wireless line.
    public static var poor: CableQuality {
        var quality = CableQuality()
        quality.latency = .milliseconds(20)
        quality.jitter = .milliseconds(10)
        quality.lossPermille = 50
        quality.duplicationPermille = 20
        quality.reorderPermille = 50
        return quality
    }
}

/// A cable between two nodes, by their places in the simulation.
struct Cable {
    let ends: (Int, Int)
    var quality: CableQuality
    var isUp = true
}

/// An unordered pair of nodes.
struct CableKey: Hashable {
    let low: Int
    let high: Int

    init(_ a: Int, _ b: Int) {
        low = min(a, b)
        high = max(a, b)
    }
}
