package import Wire

/// How a box uses one central server.
package struct CentralSettings: Equatable, Sendable {
    /// Who may read where this box is.
    package enum Visibility: String, CaseIterable, Sendable {
        /// Whoever knows the box's address and asks.
        case all
        /// Configured peers that announce themselves there too.
        case peers
    }

    /// Between two announcements while a peer is missing, and between two questions about one; eight times as long else.
    package var period: Interval = .seconds(15)
    package var visibility = Visibility.all

    package init() {}
}

/// What asking a central server has come to.
package struct CentralClientCounters: Equatable, Sendable {
    package var announced: UInt64 = 0
    /// Announcements that the server took.
    package var taken: UInt64 = 0
    package var asked: UInt64 = 0
    package var found: UInt64 = 0
    package var calls: UInt64 = 0
    /// Answers that are not what they should be, or that nobody asked for.
    package var refused: UInt64 = 0

    package init() {}
}
