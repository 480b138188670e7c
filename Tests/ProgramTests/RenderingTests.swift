import API
import AdminProtocol
import Settings
import TestSupport
import Testing

@testable import inet256vpn

@Suite struct RenderingTests {
    @Test func statusAtAGlance() {
        let lines = StatusText(report: FakeDaemon.sampleReport, terminal: TerminalText(isTerminal: false)).lines
        #expect(
            lines == [
                "address    \(Sample.plain)",
                "ipv6       fd04::1",
                "daemon     inet256vpn 9.9, up 1h 01m, pid 42, memory 11 MiB",
                "network    beaconnet  2 neighbours, 3 nodes reachable, 1 known and not reachable now",
                "transport  udp://[::]:0 (udp://[::]:4711)",
                "portal     inet256  up  fd04::1  in fd00::/8  mtu 1280  rx 2.0 KiB tx 4.8 MiB",
                "peers      1 of 2 up, 1 others: office",
                "sessions   1 (0 direct, 1 relayed)",
                "ciphers    AES-256-GCM (openssl)",
                "dropped    unknown_session 7",
                "firewall   NOT ENFORCED (later), other filters: inet filter/input policy drop at input",
                "WARNING: peer barn refused: wrong key: answered as \(Sample.plain)",
                "WARNING: the clock is odd",
            ])
    }

    @Test func aDamagedPortalIsNotUp() throws {
        var report = FakeDaemon.sampleReport
        report.portal.up = false
        report.portal.damage = ["inet256 is called fled", "address fd04::1 is missing"]
        report.portal.interface = "fled"
        report.portal.repairs = 1
        let lines = StatusText(report: report, terminal: TerminalText(isTerminal: false)).lines
        let line = try #require(lines.first { $0.hasPrefix("portal ") })
        #expect(
            line.hasPrefix("portal     fled  DAMAGED (inet256 is called fled; address fd04::1 is missing)  fd04::1"))
        #expect(line.hasSuffix("put back 1 time"))
    }

    @Test func warningsAreBoldOnATerminal() {
        let lines = StatusText(report: FakeDaemon.sampleReport, terminal: TerminalText(isTerminal: true)).lines
        #expect(lines.last == "\u{1b}[1mWARNING: \u{1b}[0mthe clock is odd")
    }

    @Test func whatPeersSayCannotMoveTheCursor() {
        var report = FakeDaemon.sampleReport
        report.peers[0].detail = "\u{1b}[2Jgone\n\u{9b}x"
        let text =
            StatusText(report: report, terminal: TerminalText(isTerminal: false)).lines
            + PeersText(peers: report.peers).lines
        #expect(
            text.allSatisfy { line in
                line.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f..<0xa0).contains($0.value) }
            })
        #expect(text.contains { $0.contains("?[2Jgone??x") })
    }

    @Test func thePeersTable() {
        let lines = PeersText(peers: FakeDaemon.sampleReport.peers).lines
        #expect(
            lines == [
                "NAME    STATE        ENDPOINT             RTT  LOSS  HANDSHAKE   RX   TX  CIPHER                  MTU  ADDRESS",
                "barn    refused      -                      -     -          -  0 B  0 B  -                         -  \(Sample.doubleDashed)  wrong key: answered as \(Sample.plain)",
                "office  up           192.0.2.1:25632  12.3 ms  0.4%     1m ago  0 B  0 B  AES-256-GCM (openssl)  1452  \(Sample.dashed)",
                "-       handshaking  -                      -     -          -  0 B  0 B  -                         -  \(Sample.plain)  (not configured)",
            ])
        #expect(PeersText(peers: []).lines == ["no peers"])
    }

    @Test func numbersForPeople() {
        #expect(
            [0, 1023, 1024, 10 * 1024, 1_048_576, .max].map(Units.bytes) == [
                "0 B", "1023 B", "1.0 KiB", "10 KiB", "1.0 MiB", "16 EiB",
            ])
        #expect(
            [0, 59.9, 60, 3600, 90_000, .infinity].map(Units.time).prefix(5) == ["0s", "59s", "1m", "1h 00m", "1d 1h"])
        #expect([0, 0.4, 9.94, 36.2, 1000].map(Units.percent) == ["0%", "0.4%", "9.9%", "36%", "100%"])
        #expect([0.1234, 1.234, 12.34, 123.4].map(Units.milliseconds) == ["0.123 ms", "1.23 ms", "12.3 ms", "123 ms"])
    }

    @Test func pingPrintsWhatPingPrints() throws {
        var run = PingRun(label: "office", address: try Sample.address(Sample.plain), bytes: 56)
        #expect(run.header == "PING office (\(Sample.plain)) 56 bytes of data.")
        #expect(run.record(.answered(rtt: .milliseconds(10), via: nil)) == "56 bytes from office: seq=1 time=10.0 ms")
        #expect(run.record(.timedOut) == "no answer from office: seq=2")
        #expect(run.record(.failed(reason: "no route\u{1b}")) == "not sent to office: seq=3 no route?")
        #expect(
            run.record(.answered(rtt: .milliseconds(20), via: "direct"))
                == "56 bytes from office: seq=4 time=20.0 ms (direct)")
        #expect(
            run.footer == [
                "", "--- office ping statistics ---",
                "4 packets transmitted, 2 received, +1 errors, 50% packet loss, time 0ms",
                "rtt min/avg/max/mdev = 10.000/15.000/20.000/5.000 ms",
            ])
        let empty = PingRun(label: "x", address: try Sample.address(Sample.plain), bytes: 0)
        #expect(empty.footer.count == 3)
        #expect(empty.summary.lossPercent == 0)
    }

    @Test func nearMisses() {
        let known = ["private_key_path", "peers", "portal", "mtu"]
        #expect(NearMiss.of("pees", among: known) == "peers")
        #expect(NearMiss.of("Private-Key-Path", among: known) == "private_key_path")
        #expect(NearMiss.of("mut", among: known) == "mtu")
        #expect(NearMiss.of("zebra", among: known) == nil)
        #expect(NearMiss.of("", among: known) == nil)
    }
}
