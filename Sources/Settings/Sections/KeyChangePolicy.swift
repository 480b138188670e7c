/// What this box does when a configured peer says that it has a new key, and both its keys have signed that.
package enum KeyChangePolicy: String, CaseIterable, Sendable {
    /// It writes the peer's new address into its configuration.
    case accept
    /// It says so, and waits until somebody accepts it.
    case ask
    /// It does nothing.
    case refuse
}

extension KeyChangePolicy {
    static let setting = Setting(
        "key_changes", \.keyChanges, .word, .reload,
        comment: """
            When a peer says that it has a new key, signed by the old and the new one: accept (its new address is written
            here at once), ask (it waits for `inet256vpn peer accept NAME`) or refuse (nothing is done).
            """,
        help:
            "when a peer says, signed by its old and its new key, that it has a new one: `accept` writes its new address "
            + "into this file, `ask` says so and waits for `peer accept NAME`, `refuse` does nothing")
}
