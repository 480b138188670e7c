import API
import AdminProtocol
import Firewall
import Foundation
import Logging
import Mesh
import Portal
import Settings
import TestSupport
import Testing

@testable import Dashboard
@testable import inet256vpn

/// The page as the daemon serves it.
@Suite struct DashboardRoutesTests {
    private func routes(_ daemon: FakeDaemon = FakeDaemon()) -> DashboardRoutes<FakeDaemon> {
        DashboardRoutes(control: daemon, keeper: DashboardKeeper(control: daemon, events: EventRing()))
    }

    private func get(_ path: String, _ query: String = "") async -> APIResponse {
        await routes().respond(to: APIRequest(method: "GET", path: path, query: query))
    }

    @Test(arguments: [
        ("/", "text/html; charset=utf-8"), ("/data.json", "application/json"), ("/history.json", "application/json"),
        ("/style.css", "text/css; charset=utf-8"), ("/page.js", "text/javascript; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"), ("/allowed", "text/html; charset=utf-8"), ("/allowed.json", "application/json"),
    ])
    func everythingIsServedUnderThePolicy(path: String, type: String) async throws {
        let answer = await get(path)
        #expect(answer.status == 200 && answer.contentType == type && !answer.body.isEmpty)
        #expect(answer.fields.contains(.init("content-security-policy", Page.policy)))
        #expect(answer.fields.contains(.init("x-content-type-options", "nosniff")))
        #expect(Page.policy.contains("default-src 'none'") && !Page.policy.contains("unsafe"))
        if type == "application/json" {
            #expect(try JSONSerialization.jsonObject(with: Data(answer.body)) is [String: [Any]])
        }
        for method in ["POST", "PUT", "DELETE", "HEAD"] {
            let refused = await routes().respond(to: APIRequest(method: method, path: path))
            #expect(refused.status == 405 && refused.allow == "GET")
        }
    }

    /// What commands ask of the daemon is not to be had here.
    @Test func nothingElseIsServed() async {
        for path in Admin.all.map(\.path) + ["/nodes", "/favicon.ico", "/../etc/passwd", ""] {
            #expect(await get(path).status == 404, "\(path)")
        }
    }

    @Test func theFormIsAnsweredWithTheScriptAndWithout() async {
        for path in ["/allowed", "/allowed.json"] {
            func text(_ query: String) async -> String { String(decoding: await get(path, query).body, as: UTF8.self) }
            #expect(await text("from=bob&to=tcp%2F22").contains("bob to tcp/22"))
            #expect(await text("from=&to=ssh").contains("say who"))
            #expect(await text("from=a%00b&to=ssh").contains("control characters"))
            #expect(await text("to=ssh&from=" + String(repeating: "a", count: 257)).contains("at most 256 bytes"))
            #expect(await !text("from=%3Cscript%3E&to=x").contains("<script>"))
        }
    }

    /// However many ask, the daemon is asked once.
    @Test func theDaemonIsAskedOnceASecond() async {
        var daemon = FakeDaemon()
        daemon.report.mainAddr = "first"
        let keeper = DashboardKeeper(control: daemon, events: EventRing())
        await withTaskGroup(of: String.self) { group in
            for _ in 0..<50 { group.addTask { await keeper.model().status.mainAddr } }
            for await address in group { #expect(address == "first") }
        }
    }

    @Test func eventsAreTheLastThatMatter() {
        let log = LogOutput(LogConfiguration(), journal: false) { _ in }
        for number in 0..<100 {
            log.emit(LogLine(level: .notice, label: "x", message: "said", metadata: ["n": "\(number)"]))
            log.emit(LogLine(level: .info, label: "x", message: "unimportant", metadata: [:]))
        }
        log.emit(
            LogLine(
                level: .warning, label: "x", message: "bad \u{1b}[2J" + String(repeating: "x", count: 5000),
                metadata: ["seed": "hush"]))
        let events = log.events.all
        #expect(events.count == EventRing.most && events.first?.text == "said n=37")
        #expect(events.last?.level == "warning" && events.last?.text.hasPrefix("bad \\u{1b}[2Jxx") == true)
        #expect(events.last?.text.count == EventRing.longest && events.allSatisfy { !$0.text.contains("hush") })
    }

    /// Whatever is counted has its sentence.
    @Test func everyReasonHasAMeaning() {
        let names =
            MeshDropReason.allCases.map(\.name) + PortalDropReason.allCases.map { "\($0)" }
            + [
                "no_reader", "handover_full", "api_prohibited", "api_full", "api_malformed", "api_closed",
                "socket_full",
                "socket_overflow", "socket_truncated", "socket_unreachable", "socket_denied", "socket_failed",
                "prohibited",
                "no such node", "own datagram", "interface down", "interface full", "refused by kernel",
                "late in queue",
                "queue full", "congestion", Ruleset.cutCounter,
            ] + PolicyCompiler.Counter.allCases.map(\.rawValue).filter { !$0.hasPrefix("default_") }
        for name in names { #expect(DropMeaning.of(name) != nil, "\(name)") }
        for name in DropMeaning.sentences.keys { #expect(names.contains(name), "\(name)") }
    }

    @Test func theEvaluatorIsAskedAsTheCommandAsks() async throws {
        let configuration = try Sample.parse(
            """
            peers: [{id: "\(Sample.plain)", name: bob}]
            firewall: {rules: [{allow: ssh, from: bob}, {reject: tcp/25, from: any}]}
            """)
        let answers = FirewallAnswers()
        func ask(_ from: String, _ to: String, at: String = "") async -> AllowedOutcome {
            await answers.answer(AllowedQuestion(from: from, to: to, at: at), configuration)
        }
        guard case .answers(let allowed) = await ask("bob", "ssh") else {
            Issue.record("refused")
            return
        }
        #expect(allowed.map(\.action) == ["allow"] && allowed[0].reason == "rule 0 (allow ssh from bob)")
        #expect(allowed[0].example.hasPrefix("tcp/22 from fd"))
        guard case .answers(let several) = await ask("any", "ssh") else {
            Issue.record("refused")
            return
        }
        #expect(Set(several.map(\.action)) == ["allow", "deny"])
        guard case .refused(let reason) = await ask("nobody-known", "ssh") else {
            Issue.record("answered")
            return
        }
        #expect(reason.contains("nobody-known") && !reason.contains("command line"), "\(reason)")
    }

    /// A policy of a thousand rules is not asked a billion things.
    @Test func largeQuestionsAreRefused() async throws {
        let rules = (0..<1000).map { "{allow: tcp/\($0 * 7 + 1), from: \"fd00::\(String($0 + 1, radix: 16))\"}" }
        let configuration = try Sample.parse("firewall: {rules: [\(rules.joined(separator: ", "))]}")
        let outcome = await FirewallAnswers().answer(AllowedQuestion(from: "any", to: "any"), configuration)
        guard case .refused(let reason) = outcome else {
            Issue.record("answered")
            return
        }
        #expect(reason.contains("too many packets"))
    }
}

/// What deploy/ has for Prometheus and Grafana speaks of metrics that there are.
@Suite struct MonitoringTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    @Test(arguments: [
        "deploy/grafana/dashboard.json", "deploy/prometheus/alerts.yml", "deploy/prometheus/alerts.test.yml",
    ])
    func everyNameIsWritten(file: String) throws {
        let text = try String(contentsOfFile: Self.root + "/" + file, encoding: .utf8)
        let names = Set(text.matches(of: #/\b(?:inet256|process)_[a-z0-9_]+/#).map { String($0.output) })
        #expect(names.count > 4)
        let written = MetricsTests.everyFamily
        for name in names { #expect(written.contains(name), "\(name) in \(file)") }
        let reasons = text.matches(of: #/reason=~?\\?"([a-z0-9_|]+)\\?"/#).flatMap { $0.1.split(separator: "|") }
        for reason in reasons { #expect(DropMeaning.of(String(reason)) != nil, "\(reason)") }
        let statistics = text.matches(of: #/statistic=\\?"([a-z0-9_]+)\\?"/#).map { String($0.1) }
        for name in statistics {
            #expect([NetworkStatistics.reachable, NetworkStatistics.refusedNodes].contains(name))
        }
    }

    @Test func theDashboardIsGrafanas() throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: Self.root + "/deploy/grafana/dashboard.json"))
        let board = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let panels = try #require(board["panels"] as? [[String: Any]])
        #expect(panels.count > 10 && board["schemaVersion"] is Int)
        let numbers = panels.compactMap { $0["id"] as? Int }
        #expect(Set(numbers).count == panels.count)
    }
}
