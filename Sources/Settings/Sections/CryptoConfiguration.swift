package import INET256

/// What the handshake may agree on.
package struct CryptoConfiguration: Equatable, Sendable {
    /// The lowest handshake suite that is accepted.
    package var minSuite = 1
    /// In order of preference.
    package var ciphers = CipherName.allCases
    /// The libraries that a cipher may be taken from; the fastest that is there is.
    package var backends = CipherBackend.allCases
    /// In seconds: the age at which the side that began a session gives it new keys.
    package var rekeyAfter = longestAge

    /// In seconds: the longest that is safe, and what is usual. A handshake needs some round trips, and the old keys are kept for
    /// one change only, for datagrams that are still on their way.
    private static let longestAge = 120
}

package enum CipherName: String, CaseIterable, Codable, Sendable {
    case aes256GCM = "aes-256-gcm"
    case chaCha20Poly1305 = "chacha20-poly1305"
}

extension CryptoConfiguration {
    static let table = Section("crypto") {
        Setting(
            "crypto.min_suite", \.crypto.minSuite, suite, .restart,
            comment: "The lowest handshake suite that is accepted, 1 or 2.",
            help: "`2` insists on AES-256-GCM, which `ciphers` must have then"
        )
        .turn(.behindLimits)
        Setting(
            "crypto.ciphers", \.crypto.ciphers, .words(such: "[aes-256-gcm, chacha20-poly1305]", each: "cipher"),
            .restart,
            comment: "In order of preference; the one called chooses among those that both ends have.",
            help: "in order of preference; AES only where both processors have it")
        Setting(
            "crypto.backends", \.crypto.backends, .words(such: "[openssl, libsodium]", each: "backend"), .restart,
            comment: """
                The libraries that they may be taken from. Each is checked at start, and of those that are there the
                fastest is used.
                """,
            help: "libraries to take them from: the fastest that is there and passes its checks")
        Setting(
            "crypto.rekey_after", \.crypto.rekeyAfter, .number(2...longestAge), .restart,
            comment: "Sessions get new keys after this many seconds, {range}.",
            help: "age in seconds, {range}, at which the side that began a session gives it new keys")
    }

    /// Suite 2 is a cipher that has to be among those that are allowed.
    private static let suite = Form<Int>(range: "1 to 2") { value, reading in
        guard let suite = value.integer(in: 1...2) else { return nil }
        if suite > 1, !reading.configuration.crypto.ciphers.contains(.aes256GCM) {
            value.complain(
                expected: "1, or \(CipherName.aes256GCM.rawValue) among crypto.ciphers: suite 2 is that cipher",
                found: "the number \(suite)")
        }
        return suite
    } show: { suite, _ in
        .number(suite)
    }
}
