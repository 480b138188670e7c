import Foundation
import Testing

extension KernelTests {
    /// The traffic class of the packets that carry the portal's: DSCP by configuration, ECN by RFC 6040.
    @Suite struct TrafficClasses {
        /// Inner classes: DSCP EF not capable of ECN, DSCP 10 with ECT(0), ECT(1) alone.
        private static let inner = [46 << 2, 10 << 2 | 2, 1]

        @Test(
            .timeLimit(.minutes(2)),
            arguments: [("clear", [0, 0, 0]), ("inherit", [46, 10, 0]), ("34", [34, 34, 34])], TwoBoxes.Family.allCases)
        func dscpIsAsConfiguredAndECNIsCopied(choice: (String, [Int]), family: TwoBoxes.Family) async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed, over: family)
                boxes.alice.configuration.portalSettings = ["dscp: \(choice.0)"]
                // Datagrams that are sent as one would be counted as one.
                try await boxes.alice.switchOff(["tx-udp-segmentation"], of: boxes.alice.link(to: boxes.bob))
                try await boxes.start()
                let came = try await boxes.bob.collect(port: 8080)
                let count = 50
                for (place, inner) in Self.inner.enumerated() {
                    let outer = (choice.1[place], inner & 3)
                    // Only packets of about this size: the mesh's own are small, or probes as large as the wire.
                    try await boxes.bob.watch(family, "dscp \(outer.0)", "ecn \(outer.1)")
                    try await boxes.alice.scatter(
                        count, of: 1000, to: boxes.bob.ip6, port: 8080, trafficClass: inner, from: place * count)
                    try await came.all((place + 1) * count)
                    let seen = try await boxes.bob.watched()
                    #expect(seen.large >= count, "\(inner)")
                    #expect(seen.fitting == seen.large, "inner \(inner), outer \(outer): \(seen)")
                    // Inside it is unchanged.
                    #expect(came.count.classes[inner] == count, "\(came.count)")
                }
            }
        }

        /// A router's mark on the way reaches the packet inside, if its sender understands it; else the packet is dropped.
        @Test(.timeLimit(.minutes(2)), arguments: TwoBoxes.Family.allCases)
        func congestionOnTheWayIsHandedOn(family: TwoBoxes.Family) async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed, over: family)
                try await boxes.start()
                try await exercise(bed, from: boxes.alice, to: boxes.bob, marking: boxes.bob, family)
            }
        }

        /// The first of two hops is congested.
        @Test(.timeLimit(.minutes(2)))
        func congestionBeforeARelayIsHandedOn() async throws {
            try await Testbed.with { bed in
                let boxes = try await ThreeBoxes(in: bed)
                try await boxes.start()
                try await exercise(bed, from: boxes.alice, to: boxes.bob, marking: boxes.relay, .ip4)
            }
        }

        private func exercise(
            _ bed: Testbed, from alice: Box, to bob: Box, marking: Box, _ family: TwoBoxes.Family
        ) async throws {
            let came = try await bob.collect(port: 8080)
            let count = 50
            // DSCP 5 inside, so that it is seen not to be touched.
            let dscp = 5 << 2
            func send(_ ecn: Int, _ from: Int) async throws {
                try await alice.scatter(
                    count, of: 1000, to: bob.ip6, port: 8080, trafficClass: dscp | ecn, from: from)
            }
            for ecn in 0...2 { try await send(ecn, ecn * count) }
            try await came.all(3 * count)
            #expect(came.count.classes == [dscp: count, dscp | 1: count, dscp | 2: count])
            #expect(try await bob.portalDrops()["congestion"] == nil)

            // Every datagram is marked, the mesh's own as well: these are no worse for it.
            _ = try await marking.nft(
                """
                table inet marking {
                    chain in {
                        type filter hook prerouting priority -300
                        udp dport 25632 \(family.rawValue) ecn set ce
                    }
                }
                """)
            for ecn in 1...2 { try await send(ecn, (ecn + 2) * count) }
            try await came.all(5 * count)
            #expect(came.count.classes[dscp | 3] == 2 * count, "\(came.count)")
            // Nobody is there to heed the mark: dropping is the only word that the sender understands.
            try await send(0, 5 * count)
            try await eventually("the drops are counted") {
                try await bob.portalDrops()["congestion"] ?? 0 >= count
            }
            #expect(came.count.came == 5 * count && came.count.altered == 0, "\(came.count)")
            _ = try await marking.nft("delete table inet marking")
            try await send(0, 6 * count)
            try await came.all(6 * count)
            #expect(try await alice.reaches(bob.ip6))
        }
    }
}

extension Box {
    /// Counts datagrams that come in with a packet of 1,048 bytes, and those of them to which all of `properties` apply.
    fileprivate func watch(_ family: TwoBoxes.Family, _ properties: String...) async throws {
        let matches = properties.map { "\(family.rawValue) \($0)" }.joined(separator: " ")
        _ = try await nft(
            """
            table inet classes
            delete table inet classes
            table inet classes {
                counter large {}
                counter fitting {}
                chain in {
                    type filter hook prerouting priority -300
                    udp dport 25632 udp length 1050-1200 counter name large \(matches) counter name fitting
                }
            }
            """)
    }

    fileprivate func watched() async throws -> (large: Int, fitting: Int) {
        (try await counter("large", of: "classes"), try await counter("fitting", of: "classes"))
    }
}
