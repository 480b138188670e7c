import Foundation
import INET256
import INET256Client
import Testing

extension KernelTests {
    @Suite struct APISweep {
        /// Every size from nothing to the longest message, from a node of one daemon to a node of another, over a wire of
        /// 1,500 bytes: two gigabytes, each message once and unaltered. Nothing else is on the wire, so none may be lost
        /// but to an overflow that a daemon counted; those are sent again.
        @Test(.timeLimit(.minutes(10)))
        func everySizeOverAWireOf1500Bytes() async throws {
            try await APIConformance.with(2) { daemons in
                for (place, box) in daemons.boxes.enumerated() {
                    let other = daemons.boxes[1 - place]
                    let shown = try await box.run("ip", "-o", "link", "show", "dev", box.link(to: other))
                    #expect(shown.output.contains("mtu 1500 "), "\(shown.output)")
                }
                let source = try await daemons.connection(0).open(freshKey())
                let target = try await daemons.connection(1).open(freshKey())
                var sweep = SizeSweep(from: source, to: target)
                // Until the first message has made a session, only some dozens may wait for it.
                #expect(try await sweep.round([0]).isEmpty, "the first message did not come")
                var overflows = try await Self.overflows(daemons.boxes)
                let began = ContinuousClock.now
                var lost = try await sweep.round(0...Message.maximumCount)
                let time = ContinuousClock.now - began
                print("\(sweep.messageCount) sizes, \(sweep.byteCount) bytes, \(lost.count) lost, in \(time)")
                for _ in 0..<3 where !lost.isEmpty {
                    let now = try await Self.overflows(daemons.boxes)
                    #expect(now != overflows, "lost, and no overflow was counted: \(lost.sorted().prefix(20))")
                    print("lost: \(lost.sorted().prefix(20)); overflows before \(overflows), now \(now)")
                    overflows = now
                    lost = try await sweep.round(lost.sorted())
                }
                try await sweep.listen(for: .milliseconds(500))
                #expect(lost.isEmpty, "these never came: \(lost.sorted().prefix(20))")
                #expect(sweep.faults == [])
                source.close()
                target.close()
            }
        }

        /// What the daemons count of messages and datagrams for which a queue had no room.
        private static func overflows(_ boxes: [Box]) async throws -> [[String: Int]] {
            let reasons: Set = [
                "outbox_full", "pending_full", "no_reader", "api_full", "socket_full", "socket_overflow",
            ]
            var overflows: [[String: Int]] = []
            for box in boxes {
                let status = try await box.command("status", "--json")
                let report = try JSONSerialization.jsonObject(with: Data(status.output.utf8)) as? [String: Any]
                let drops = try #require(report?["drops"] as? [String: Int], "\(status)")
                overflows.append(drops.filter { reasons.contains($0.key) })
            }
            return overflows
        }
    }
}
