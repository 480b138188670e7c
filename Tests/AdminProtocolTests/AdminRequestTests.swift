import AdminProtocol
import Foundation
import Testing

@Suite struct AdminRequestTests {
    @Test func eachPathIsDeclaredOnce() {
        #expect(Set(Admin.all.map(\.path)).count == Admin.all.count)
        for declared in Admin.all {
            #expect(Admin.declaration(path: declared.path) == declared)
            #expect(declared.path.hasPrefix("/") && !declared.summary.isEmpty)
            // Where nobody is known nothing is changed.
            #expect((declared.access == .anybody) == (declared.verb == .get), "\(declared.path)")
        }
        #expect(Admin.declaration(path: "/admin") == nil && Admin.declaration(path: "/admin/status/") == nil)
    }

    /// docs/api.md has the requests as they are declared.
    @Test func theDocumentationHasThem() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/api.md")
        let text = try String(contentsOf: file, encoding: .utf8)
        for access in [AdminDeclaration.Access.anybody, .members] {
            let declared = Admin.all.filter { $0.access == access }
            let width = declared.map(\.path.count).max() ?? 0
            let table = declared.map {
                "    \($0.verb.rawValue) \($0.path.padding(toLength: width, withPad: " ", startingAt: 0))  \($0.summary)\n"
            }
            #expect(text.contains("\n\n" + table.joined() + "\n"), "docs/api.md should have:\n\(table.joined())")
        }
    }
}

@Suite struct AdminMessageTests {
    private func coded(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// The names on the wire, which others read.
    @Test func messagesHaveTheirNames() throws {
        #expect(
            try coded(PingRequest(target: "A", bytes: 56, timeoutMs: 1000))
                == #"{"bytes":56,"target":"A","timeout_ms":1000}"#)
        #expect(
            try coded(PingOutcome.answered(rtt: .microseconds(1500), via: "direct x"))
                == #"{"outcome":"answered","rtt_ms":1.5,"via":"direct x"}"#)
        #expect(try coded(PingOutcome.timedOut) == #"{"outcome":"timed_out"}"#)
        #expect(try coded(PingOutcome.failed(reason: "no")) == #"{"outcome":"failed","reason":"no"}"#)
        #expect(try coded(ReloadRequest(cut: true)) == #"{"cut":true}"#)
        #expect(try coded(APIFailure(error: "no")) == #"{"error":"no"}"#)
        #expect(
            try coded(FirewallLines(ordered: ["a"], members: ["b"])) == #"{"members":["b"],"ordered":["a"]}"#)
        #expect(
            try coded(ReloadSummary())
                == #"{"applied":[],"needs_restart":[],"peers_added":[],"peers_changed":[],"peers_removed":[],"repaired":[]}"#
        )
    }

    @Test func outcomesComeBack() throws {
        for outcome in [
            PingOutcome.answered(rtt: .milliseconds(12), via: nil), .answered(rtt: .zero, via: "relayed"), .timedOut,
            .failed(reason: "no route"),
        ] {
            let text = try coded(outcome)
            #expect(try JSONDecoder().decode(PingOutcome.self, from: Data(text.utf8)) == outcome)
        }
        // Whatever a daemon says, it is a time.
        let wild = Data(#"{"outcome":"answered","rtt_ms":-1e300}"#.utf8)
        #expect(try JSONDecoder().decode(PingOutcome.self, from: wild) == .answered(rtt: .zero, via: nil))
    }

    @Test func changesOfAPolicyAreInOrder() {
        let old = FirewallLines(ordered: ["a", "b", "c"], members: ["m", "n"])
        let new = FirewallLines(ordered: ["a", "x", "c"], members: ["n", "o"])
        #expect(
            new.changes(from: old).map { ($0.isAdded ? "+" : "-") + $0.text } == ["-b", "+x", "-m", "+o"])
        #expect(new.changes(from: new).isEmpty)
    }
}
