import AdminProtocol
import Testing

@testable import inet256vpn

/// A change of key in words.
@Suite struct KeyWordsTests {
    private static func former(_ states: [String]) -> FormerKeyStatus {
        FormerKeyStatus(
            address: "OLD", ip6Addr: "fd00::1", until: 1_798_538_400,
            told: states.enumerated().map { FormerKeyStatus.Told(id: "id\($0)", name: "n\($0)", state: $1) })
    }

    @Test func statusSaysWhoHasIt() {
        let line = KeyWords.line(Self.former(["replaced", "waiting", "not_a_peer", "no_answer", "replaced"]))
        #expect(
            line
                == "OLD  fd00::1  until 2026-12-29T10:00:00Z; 2 have the new one; not yet: n1 (waiting), n3 (no answer)"
        )
        #expect(KeyWords.line(Self.former(["replaced"])).hasSuffix("; 1 has the new one"))
        #expect(KeyWords.line(Self.former(Array(repeating: "no_answer", count: 7))).hasSuffix("(no answer) and 3 more"))
        #expect(KeyWords.line(Self.former([])) == "OLD  fd00::1  until 2026-12-29T10:00:00Z")
    }

    /// Three days before the end those are named who have not taken the new address; and whoever has a new key, always.
    @Test func whatIsToBeDoneIsAWarning() {
        var report = StatusReport(
            version: "1", pid: 1, uptimeSeconds: 1, mainAddr: "NEW", network: NetworkStatus(name: "beaconnet"),
            portal: PortalStatus(enabled: true))
        report.formerKey = Self.former(["replaced", "waiting", "not_a_peer"])
        let end = Int64(1_798_538_400)
        #expect(KeyWords.warnings(report, now: end - 4 * 86_400).isEmpty)
        let late = KeyWords.warnings(report, now: end - 2 * 86_400)
        #expect(late.count == 1 && late[0].contains("n1 has not taken"), "\(late)")
        report.formerKey = Self.former(["replaced", "not_a_peer"])
        #expect(KeyWords.warnings(report, now: end - 1).isEmpty)
        report.newKeys = [NewKeyStatus(name: "bob", former: "A", new: "B", newIP6Addr: nil, until: end)]
        let offered = KeyWords.warnings(report, now: end - 1)
        #expect(offered.count == 1 && offered[0].contains("sudo inet256vpn peer accept bob"), "\(offered)")
    }
}
