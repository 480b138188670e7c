import API
import AdminProtocol
import INET256
import Mesh
import Settings
import TestSupport
import Testing
import Wire

@testable import inet256vpn

/// What `status` warns of when the mesh is not as it should be.
@Suite struct MeshWarningsTests {
    private let now = Instant(nanoseconds: 1_000_000_000)

    private func status() -> BoxStatus {
        MeshBox(
            key: PrivateKey(generatedFrom: SystemRandom()), settings: BoxSettings(startMilliseconds: 1),
            random: SystemRandom(), now: now
        ).status(now: now)
    }

    @Test func nothingIsWrong() {
        #expect(MeshWarnings.list(status(), maxNodes: 4096) { _ in nil }.isEmpty)
    }

    @Test func aKeyOnTwoMachines() throws {
        var box = status()
        let other = PrivateKey(generatedFrom: SystemRandom()).address
        box.twins = [(box.mainAddress, .seconds(3)), (other, .seconds(70))]
        let warnings = MeshWarnings.list(box, maxNodes: 4096) { $0 == other ? "office" : nil }
        try #require(warnings.count == 2)
        #expect(
            warnings[0].contains("\(box.mainAddress), a node of this box, is used on two machines (last sign 3 s ago)"))
        #expect(warnings[1].hasPrefix("the key of office is used on two machines (last sign 70 s ago)"))
        #expect(warnings.allSatisfy { $0.hasSuffix("give one a key of its own (inet256vpn keygen)") })
    }

    @Test func aFullTable() {
        var box = status()
        box.network["refused_nodes"] = 12
        let warnings = MeshWarnings.list(box, maxNodes: 64) { _ in nil }
        #expect(warnings.count == 1)
        #expect(warnings.first?.contains("no room for 12 nodes") == true)
        #expect(warnings.first?.contains("max_nodes: 64") == true)
    }

    @Test func maxNodesIsReadShownAndNeedsARestart() throws {
        let standard = try Sample.parse("")
        #expect(standard.routing.maxNodes == 4096)
        let larger = try Sample.parse("network: {beaconnet: {max_nodes: 10000}}")
        #expect(larger.routing.maxNodes == 10_000 && larger.network.rawValue == "beaconnet")
        #expect(ConfigurationChange(from: standard, to: larger).needsRestart == ["network.beaconnet.max_nodes"])
        #expect(ConfigurationChange(from: standard, to: larger).applied.isEmpty)
        #expect(try Sample.parse("network: beaconnet").routing.maxNodes == 4096)
        #expect(try Sample.parse("network: {onehop: {}}").routing.maxNodes == 4096)
    }
}
