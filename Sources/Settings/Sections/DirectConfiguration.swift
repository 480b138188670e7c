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
    static let table = Section(
        "direct", expected: "allowed, any, peers or off, or a mapping such as {with: allowed, spray: true}",
        comment: "Straight paths where there are only relays. `direct: peers` is short for `direct: {with: peers}`."
    ) {
        Setting(
            "direct.with", \.direct, .word, .reload,
            comment: """
                With whom they are sought: allowed (peers, and whom portal.allow admits), any, peers or off. It tells the
                other end where this box is.
                """,
            help: "with whom a [straight path](docs/reach.md) is sought where there are only relays: `allowed` "
                + "(peers, and whom `portal.allow` admits), `any`, `peers`, `off`; it tells the other end where this box is; "
                + "`direct: peers` is short for it")
        Setting(
            "direct.spray", \.sprays, .flag, .reload,
            comment: """
                Where a symmetric router stands against one that filters: some hundred small packets to a peer that says
                true as well, once in ten minutes. With one thread.
                """,
            help:
                "`true`: where nothing else leads to a peer that says so too, and one router of the two is symmetric, "
                + "[some hundred small packets](docs/reach.md#symmetric-against-filtering), once in ten minutes")
    }
    .short(for: "with")
}
