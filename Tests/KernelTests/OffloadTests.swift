import Foundation
import Testing

extension KernelTests {
    /// Boxes with and without offloads understand each other.
    @Suite struct Offloads {
        @Test(.timeLimit(.minutes(2)), arguments: [("off", "auto"), ("auto", "off"), ("auto", "auto"), ("off", "off")])
        func everyPairOfSettingsCarriesAll(settings: (String, String)) async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                for (box, offload) in [(boxes.alice, settings.0), (boxes.bob, settings.1)] {
                    box.configuration.portalSettings = ["offload: \(offload)"]
                }
                try await boxes.start()
                for (box, offload) in [(boxes.alice, settings.0), (boxes.bob, settings.1)] {
                    let on = try await box.status().portal.offloads
                    switch offload {
                    case "off": #expect(on == [], "\(box.name)")
                    default:
                        #expect(Set(["header", "checksum", "tcp-splitting", "tcp-joining"]).isSubset(of: on), "\(on)")
                    }
                }
                for (sender, receiver) in [(boxes.alice, boxes.bob), (boxes.bob, boxes.alice)] {
                    let streams = try await receiver.serve(port: 8080)
                    #expect(try await sender.carry(8_000_000, to: receiver.ip6, port: 8080) == streams.ended.last)

                    // Singly, and cut by the kernel from one message, up to the 64 that it has always allowed: where the portal has
                    // no UDP offload, the kernel cuts before it.
                    let datagrams = try await receiver.collect(port: 8081)
                    try await sender.scatter(200, of: 1200, to: receiver.ip6, port: 8081)
                    try await sender.scatter(640, of: 1000, to: receiver.ip6, port: 8081, burst: 64, from: 200)
                    try await sender.scatter(600, of: 200, to: receiver.ip6, port: 8081, burst: 40, from: 840)
                    try await datagrams.all(1440)
                    // Nothing comes later.
                    try await Task.sleep(for: .milliseconds(300))
                    let count = datagrams.count
                    #expect(count.came == 1440 && count.doubled == 0 && count.altered == 0, "\(count)")
                }
            }
        }
    }
}
