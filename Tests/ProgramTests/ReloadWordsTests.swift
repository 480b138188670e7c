import API
import AdminProtocol
import Settings
import TestSupport
import Testing

@testable import inet256vpn

/// What a reload says that it has done.
@Suite struct ReloadWordsTests {
    @Test func allThatChangedIsTold() throws {
        let old = try Sample.parse(
            """
            peers:
              - {id: \(Sample.dashed), name: office, addrs: ["udp://h.example.org:25632", "udp://[fe80::1%eth0]:7"]}
              - {id: \(Sample.plain)}
            accept: any
            api_endpoint: tcp://127.0.0.1:2560
            """)
        let new = try Sample.parse(
            """
            peers:
              - {id: \(Sample.dashed), name: office, addrs: ["udp://h.example.org:1"]}
              - {id: \(Sample.doubleDashed), name: barn}
            """)
        let summary = ConfigurationChange(from: old, to: new).summary
        #expect(summary.peersAdded == ["barn"])
        #expect(summary.peersRemoved == [Sample.plain])
        #expect(summary.peersChanged == ["office"])
        #expect(summary.applied == ["accept"])
        #expect(ReloadText.lines(summary).last?.hasPrefix("NEEDS A RESTART: api_endpoint") == true)
        #expect(ReloadText.lines(ReloadSummary()) == ["nothing has changed"])
    }
}
