internal import AdminProtocol
internal import Settings

/// A change of key for people: what `status` says of it, and what is to be done.
enum KeyWords {
    /// So long before the end whoever has not taken the new address is spoken of.
    private static let soon: Int64 = 3 * 86_400

    static func warnings(_ report: StatusReport, now: Int64) -> [String] {
        var warnings = (report.newKeys ?? []).map { offer in
            "peer \(offer.name ?? offer.former) has a new key, with the address \(offer.new): take it with "
                + "`sudo inet256vpn peer accept \(offer.name ?? offer.former)`"
        }
        if let former = report.formerKey, former.until - now < soon {
            let others = former.told.filter { $0.state != "replaced" && $0.state != "not_a_peer" }
            if !others.isEmpty {
                warnings.append(
                    "the former key ends at \(time(former.until)), and \(names(others)) ha\(others.count == 1 ? "s" : "ve") not taken "
                        + "the new address")
            }
        }
        return warnings
    }

    /// "yz...  fd00::1  until 2026-12-29T10:00:00Z; 3 have the new one; not yet: carol (waiting)".
    static func line(_ former: FormerKeyStatus) -> String {
        var parts = ["\(former.address)  \(former.ip6Addr ?? "")  until \(time(former.until))"]
        let have = former.told.count { $0.state == "replaced" }
        let others = former.told.filter { $0.state != "replaced" && $0.state != "not_a_peer" }
        if have > 0 { parts.append("\(have) ha\(have == 1 ? "s" : "ve") the new one") }
        if !others.isEmpty {
            let words = others.prefix(shown).map { "\($0.name ?? $0.id) (\($0.state.replacing("_", with: " ")))" }
            parts.append("not yet: " + words.joined(separator: ", ") + rest(others.count))
        }
        return parts.joined(separator: "; ")
    }

    /// Of many no more are named.
    private static let shown = 4
    private static func rest(_ count: Int) -> String { count > shown ? " and \(count - shown) more" : "" }

    private static func names(_ told: [FormerKeyStatus.Told]) -> String {
        told.prefix(shown).map { $0.name ?? $0.id }.joined(separator: ", ") + rest(told.count)
    }

    /// As `former_key.until` has it.
    static func time(_ seconds: Int64) -> String { UTCTime.text(seconds) }
}
