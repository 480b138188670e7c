/// With whom straight paths are sought, so that what would ride through relays goes from box to box: it tells the other end where this
/// box is.
package enum DirectChoice: String, CaseIterable, Sendable {
    /// Peers, and whoever may use the portal.
    case allowed
    case any
    case peers
    case off
}

extension DirectChoice {
    static let setting = Setting(
        "direct", \.direct, .word, .reload,
        comment: """
            With whom a straight path is sought where there are only relays: allowed (peers, and whom portal.allow
            admits), any, peers or off. It tells the other end where this box is.
            """,
        help: "with whom a [straight path](docs/reach.md) is sought where there are only relays: `allowed` "
            + "(peers, and whom `portal.allow` admits), `any`, `peers`, `off`; it tells the other end where this box is"
    )
}
