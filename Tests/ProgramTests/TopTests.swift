import AdminProtocol
import ArgumentParser
import TestSupport
import Testing

@testable import inet256vpn

@Suite struct TopTests {
    private func lines(_ width: Int, _ height: Int = .max, isTerminal: Bool = false, name: String? = nil) -> [String] {
        let old = FakeDaemon.sampleReport
        var report = old
        report.peers[1].traffic.rxBytes = old.peers[1].traffic.rxBytes + 250_000
        report.portal.traffic.txBytes += 1000
        report.drops["unknown_session"] = 9
        if let name { report.peers[1].name = name }
        return TopText(
            report: report, before: (old, 2), terminal: TerminalText(isTerminal: isTerminal), width: width,
            height: height
        ).lines
    }

    @Test func aWideScreen() {
        let lines = lines(100)
        #expect(
            lines.prefix(8) == [
                "inet256vpn 9.9  up 1h 01m  memory 11 MiB",
                "peers 1/2 up  sessions 0 direct, 1 relayed  firewall NOT ENFORCED",
                "portal inet256 up  in 0 bit/s  out 4.0 kbit/s",
                "dropped 9  (2 just now)",
                "",
                "NAME          STATE        WAY      RTT  LOSS          IN      OUT  ENDPOINT",
                "office        up           -    12.3 ms  0.4%  1.0 Mbit/s  0 bit/s  192.0.2.1:25632",
                "barn          refused      -          -     -     0 bit/s  0 bit/s  -",
            ], "\(lines.joined(separator: "\n"))")
        #expect(lines.last == "WARNING: the clock is odd")
    }

    /// Nothing is wider or longer than the terminal, and the names stay to the last.
    @Test(arguments: [1, 10, 20, 30, 40, 60, 79]) func narrowScreens(width: Int) {
        for height in [1, 4, 8, 24] {
            let lines = lines(width, height)
            #expect(lines.count <= height && lines.allSatisfy { $0.count <= width }, "\(lines)")
        }
        if width >= 20 { #expect(lines(width, 24).contains { $0.hasPrefix("office") }) }
    }

    @Test func hostileNamesMoveNothing() {
        let lines = lines(100, name: "\u{1b}[2J\u{202E}x\n")
        #expect(lines.allSatisfy { $0.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x202E } })
        #expect(lines.contains { $0.contains("U+001B") && $0.contains("U+202E") })
    }

    @Test func emphasisIsForTerminals() {
        #expect(lines(80, isTerminal: true).contains { $0.hasPrefix("\u{1b}[1mNAME") })
        #expect(!lines(80).contains { $0.contains("\u{1b}") })
    }

    @Test(arguments: ["0", "nan", "-1", "4000"]) func intervalsAreBounded(text: String) {
        #expect(throws: (any Error).self) { try TopCommand.parse(["--interval", text]) }
    }
}
