package import Wire

/// A routing algorithm that the configuration can name: what people are told of it, what they may set, what it promises, and how
/// one is made. All of that stands with the algorithm; `RoutingAlgorithms` lists them.
package protocol RoutingAlgorithm: Network, Sendable {
    /// The name by which the configuration selects it.
    static var name: String { get }
    /// What it does, in one line for `list-networks`.
    static var summary: String { get }
    /// What can be set of it, in the order in which it is told.
    static var options: [RoutingOption] { get }
    static var promises: RoutingPromises { get }

    init(_ start: RoutingStart)
}

extension RoutingAlgorithm {
    package static var options: [RoutingOption] { [] }
}

/// What an algorithm begins with.
package struct RoutingStart: Sendable {
    /// Wall-clock milliseconds since 1970: what a box says that starts again outranks its own old words.
    package let sequence: UInt64
    package let now: Instant
    package let options: RoutingOptions

    package init(sequence: UInt64, now: Instant, options: RoutingOptions = RoutingOptions()) {
        self.sequence = sequence
        self.now = now
        self.options = options
    }
}

/// What an algorithm promises, be it alone or in boxes: the conformance suite asks it for all of that, and for no more.
package struct RoutingPromises: Hashable, Sendable {
    /// How many links away a node may be that is reached; nil: any number.
    package let reach: Int?
    /// Next hops never lead in a circle, at no moment and whatever is lost.
    package let isLoopFree: Bool
    /// A node that is gone has no next hop any more, soon after its neighbours noticed.
    package let knowsWhoIsGone: Bool

    package init(reach: Int?, isLoopFree: Bool, knowsWhoIsGone: Bool) {
        self.reach = reach
        self.isLoopFree = isLoopFree
        self.knowsWhoIsGone = knowsWhoIsGone
    }
}
