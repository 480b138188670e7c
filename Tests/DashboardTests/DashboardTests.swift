import AdminProtocol
import Testing

@testable import Dashboard

/// What a page is made from here.
enum Example {
    static let hostile = "<script>alert(1)</script>\u{202E}\"onload='x' & \u{0}\u{200F}\u{1b}[2J"

    static func model(name: String = "office") -> DashboardModel {
        var portal = PortalStatus(enabled: true)
        (portal.up, portal.interface) = (true, "inet256")
        portal.drops = ["late in queue": 3]
        var status = StatusReport(
            version: "1.2", pid: 1, uptimeSeconds: 3700, mainAddr: String(repeating: "A", count: 43),
            network: NetworkStatus(name: "beaconnet", statistics: ["reachable": 3, "known_origins": 4]), portal: portal)
        var up = PeerStatus(id: String(repeating: "B", count: 43), name: name, configured: true, state: .up)
        (up.rttMs, up.lossPercent, up.endpoint) = (12.34, 0.4, "192.0.2.1:25632")
        up.path = PathStatus(kind: .direct, sinceSeconds: 3)
        var stranger = PeerStatus(id: String(repeating: "C", count: 43), configured: false, state: .refused)
        stranger.detail = name
        status.peers = [stranger, up]
        var relayed = SessionStatus(
            local: status.mainAddr, remote: String(repeating: "D", count: 43), via: .relayed, ageSeconds: 1)
        relayed.nextHop = up.id
        status.sessions = [relayed]
        status.drops = ["forged": 7]
        status.warnings = ["NO FIREWALL: \(name)"]
        var firewall = FirewallReport(enforced: true, table: "inet inet256vpn")
        firewall.inbound = FirewallListReport(
            rules: [
                FirewallRuleReport(
                    rule: "allow ssh from \(name)", comment: name, count: PacketCount(packets: 5, bytes: 500),
                    counter: "in_0")
            ], fallback: "deny", fallbackCount: PacketCount(packets: 9, bytes: 1))
        firewall.groups = [FirewallGroupReport(name: name, members: 1)]
        var model = DashboardModel(status: status, firewall: firewall)
        model.events = [DashboardEvent(time: "2026-01-31 12:00:00Z", level: "warning", text: name)]
        model.routes = [DashboardRoute(prefix: "fd00::/8", way: "dev inet256", reason: name)]
        model.question = AllowedQuestion(from: name, to: name, at: name)
        model.answer = .answers([AllowedAnswer(action: "deny", reason: name, limit: nil, example: name)])
        model.history.take(status.peers, at: 0)
        model.history.take(status.peers, at: 10)
        return model
    }
}

@Suite struct PageTests {
    @Test func hostileWordsAreShownAndDoNothing() {
        let page = Page.html(Example.model(name: Example.hostile))
        // The one script is ours.
        #expect(page.components(of: "<script").count == 2 && page.contains("<script src=\"/page.js\" defer=\"\">"))
        #expect(
            page.contains("&lt;script&gt;alert(1)&lt;/script&gt;\u{27e8}U+202E\u{27e9}&quot;onload=&#39;x&#39; &amp;"))
        let json = Parts.json(Parts(Example.model(name: Example.hostile)).current)
        #expect(!json.contains("<") && json.contains("\\u003cscript>alert(1)"))
        for text in [page, json] {
            for scalar in text.unicodeScalars where scalar.value != 0x0a {
                #expect(scalar.value >= 0x20, "\(scalar.value)")
            }
        }
        #expect(!json.unicodeScalars.contains("\u{202E}") && !json.unicodeScalars.contains("\u{200F}"))
    }

    /// Without the script, and with it, the same is to be read.
    @Test func theTablesStandWithoutTheScript() {
        let page = Page.html(Example.model())
        for text in [
            "<th scope=\"row\"><bdi>office</bdi></th>", "12.3 ms", "0.4 %", "192.0.2.1:25632", "allow ssh from office",
            "forged", "did not decrypt", "Waited too long", "fd00::/8", "Set firewall.enabled: true", "2026-01-31",
            "1 of 1 up", "<strong>deny</strong> by <bdi>office</bdi>", "sudo inet256vpn peer add CCCC",
        ] { #expect(page.contains(text), "\(text)") }
        #expect(!page.contains("http-equiv"))
        var still = Example.model()
        still.question = nil
        #expect(Page.html(still).contains("<noscript><meta http-equiv=\"refresh\" content=\"10\"></noscript>"))
        // The policy forbids both.
        #expect(
            !page.contains(" style=") && !page.contains("<style") && !page.contains("http://")
                && !page.contains("https://"))
    }

    @Test func assetsAreSmallAndFromHere() {
        #expect(Style.text.utf8.count + Script.text.utf8.count + Icon.text.utf8.count < 20_000)
        for word in ["innerHTML", "outerHTML", "insertAdjacent", "eval(", "document.write"] {
            #expect(!Script.text.contains(word))
        }
        #expect(!Style.text.contains("url(") && !Style.text.contains("@import"))
    }

    /// Thousands of peers make no page of megabytes.
    @Test func manyPeersAreCounted() {
        var model = Example.model()
        model.status.peers = (0..<3000).map {
            PeerStatus(
                id: "peer\($0)" + String(repeating: "x", count: 35), name: "p\($0)", configured: true, state: .up)
        }
        model.status.sessions = model.status.peers.map {
            SessionStatus(local: model.status.mainAddr, remote: "z" + $0.id, via: .relayed, ageSeconds: 1)
        }
        let page = Page.html(model)
        #expect(page.contains("2744 more: inet256vpn peers") && page.contains("more are not drawn"))
        #expect(page.utf8.count < 600_000, "\(page.utf8.count)")
    }

    @Test func anEmptyBoxIsAPageToo() {
        let status = StatusReport(
            version: "1", pid: 1, uptimeSeconds: .nan, mainAddr: "", network: NetworkStatus(name: "x"),
            portal: PortalStatus(enabled: false))
        let page = Page.html(
            DashboardModel(status: status, firewall: FirewallReport(enforced: false, note: "no portal", table: "")))
        #expect(page.contains("No peers.") && page.contains("Not enforced. <bdi>no portal</bdi>"))
    }
}

extension String {
    fileprivate func components(of part: String) -> [Substring] {
        self.split(separator: part, omittingEmptySubsequences: false)
    }
}

@Suite struct NodeTests {
    @Test func jsonIsQuoted() {
        let node = Node.element("td", [.init("class", "a\"b")], "x\\\n<\u{2028}\u{1}")
        #expect(node.json == #"["td",{"class":"a\"b"},"x\\\u000a\u003c\u2028\u0001"]"#)
        #expect(node.html == "<td class=\"a&quot;b\">x\\\n&lt;\u{2028}\u{1}</td>")
    }

    @Test(arguments: [
        ("plain", "plain"), ("a\u{202E}b", "a\u{27e8}U+202E\u{27e9}b"), ("\u{0}", "\u{27e8}U+0000\u{27e9}"),
        ("\u{E0041}", "\u{27e8}U+E0041\u{27e9}"), ("\u{5E9}\u{5DC}", "\u{5E9}\u{5DC}"),
        ("\n", "\u{27e8}U+000A\u{27e9}"),
    ])
    func unseenCharactersAreShown(text: String, shown: String) { #expect(ForeignText.shown(text) == shown) }

    @Test func longTextsAreCut() {
        #expect(
            ForeignText.shown(String(repeating: "a", count: 201)) == String(repeating: "a", count: 200) + "\u{2026}")
        #expect(ForeignText.shown(String(repeating: "a", count: 200)) == String(repeating: "a", count: 200))
    }
}

@Suite struct WordsTests {
    @Test func numbersAreReadable() {
        #expect(Words.rate(0) == "0 bit/s" && Words.rate(187_500) == "1.5 Mbit/s" && Words.rate(.nan) == "-")
        #expect(Words.rate(1.25e9) == "10 Gbit/s" && Words.rate(-1) == "0 bit/s")
        #expect(Words.milliseconds(0.4) == "0.40 ms" && Words.milliseconds(12.34) == "12.3 ms")
        #expect(Words.bytes(1536) == "1.5 KiB" && Words.bytes(.max) == "16.0 EiB")
        #expect(Words.fixed(-0.04, 1) == "0.0" && Words.fixed(-1.25, 2) == "-1.25" && Words.fixed(.infinity, 1) == "-")
        #expect(Words.time(.nan) == "0 s" && Words.time(90061) == "1 d 1 h")
    }
}

@Suite struct HistoryTests {
    private func peer(_ id: String, rx: UInt64 = 0, state: PeerStatus.State = .up, configured: Bool = true)
        -> PeerStatus
    {
        var peer = PeerStatus(id: id, configured: configured, state: state)
        peer.rttMs = 5
        peer.traffic.rxBytes = rx
        return peer
    }

    @Test func ratesAreTakenFromDifferences() {
        var history = History()
        history.take([peer("a", rx: 1000)], at: 0)
        history.take([peer("a", rx: 3000)], at: 20)
        // A new session.
        history.take([peer("a", rx: 500)], at: 30)
        history.take([peer("a", rx: 500, state: .down)], at: 40)
        let samples = history.samples(of: "a")
        #expect(samples.count == History.samples)
        #expect(samples[356].received.isNaN && samples[356].rttMs == 5)
        #expect(samples[357].received == 100 && samples[358].received == 50)
        #expect(samples[359].rttMs.isNaN && samples[0].rttMs.isNaN)
    }

    /// The ring goes round, and what is an hour old is gone.
    @Test func anHourIsKept() {
        var history = History()
        for turn in 0..<1000 { history.take([peer("a", rx: UInt64(turn) * 10 * 7)], at: Double(turn) * 10) }
        #expect(history.samples(of: "a").allSatisfy { $0.received == 7 })
        for turn in 1000..<1359 { history.take([], at: Double(turn) * 10) }
        #expect(history.count == 1 && history.samples(of: "a").count { !$0.received.isNaN } == 1)
        history.take([], at: 13590)
        #expect(history.count == 0 && history.samples(of: "a").isEmpty)
    }

    @Test func itDoesNotGrow() {
        var history = History()
        history.take((0..<1000).map { peer("s\($0)", configured: false) }, at: 0)
        #expect(history.count == History.peers)
        // Who is configured takes the place of whoever is away, not of one that is there.
        history.take([peer("mine")], at: 10)
        #expect(history.count == History.peers && !history.samples(of: "mine").isEmpty)
        history.take([peer("x", rx: 5), peer("x", rx: 9)], at: 20)
        #expect(history.samples(of: "x").last?.rttMs == 5)
    }
}

@Suite struct SparklineTests {
    @Test func gapsAreGaps() {
        var samples = [Float](repeating: .nan, count: 360)
        for place in 0..<60 { samples[place] = 1 }
        for place in 300..<360 { samples[place] = 3 }
        let html = Sparkline(samples).nodes { "\(Int($0)) ms" }.map(\.html).joined()
        #expect(html.split(separator: "<polyline").count == 3, "\(html)")
        #expect(html.contains("<small>1 ms to 3 ms, last 3 ms</small>"))
        #expect(Sparkline([]).nodes { "\($0)" }.map(\.html) == ["-"])
        #expect(Sparkline([0, 0]).nodes { "\($0)" }.map(\.html).joined().contains("\"0,23 1,23\""))
        // Level stretches have two ends.
        let level = Sparkline([Float](repeating: 2, count: 360)).nodes { "\($0)" }.map(\.html).joined()
        #expect(level.contains("points=\"0,1 59,1\""), "\(level)")
    }
}
