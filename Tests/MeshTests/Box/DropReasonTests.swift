import Testing
import Wire

@testable import Mesh

@Suite struct DropReasonTests {
    /// Dashboards ask for these: one may be added, none renamed.
    @Test func namesStay() {
        let names = [
            "malformed_datagram", "unknown_index", "transport_before_finish",
            "handshake_unknown_address", "handshake_bad_mac", "handshake_over_budget",
            "handshake_cookie_demanded", "handshake_forged", "handshake_zero_key",
            "handshake_bad_identity", "handshake_wrong_address", "handshake_no_common_suite",
            "handshake_unexpected", "handshake_timeout", "second_machine",
            "cookie_forged", "hint_ignored", "forged",
            "replayed", "counter_beyond_limit", "key_expired",
            "malformed_frame", "unknown_frame", "fragment_malformed",
            "fragment_expired", "relay_not_a_link", "relay_hop_limit",
            "relay_no_route", "relay_nested", "control_not_a_link",
            "control_refused", "hello_too_soon", "service_too_often", "links_full",
            "message_too_large", "node_closed", "pending_full",
            "pending_expired", "sessions_full", "amplification_limit",
            "path_shrank", "outbox_full",
        ]
        #expect(DropReason.allCases.map(\.name) == names)
    }

    @Test func theNetworksNumbersStay() {
        let names = [
            "local_nodes", "neighbours", "reachable",
            "known_origins", "refused_nodes", "contested_nodes",
            "pending_updates", "frames_received", "frames_rejected",
            "frames_sent", "frames_timed_out", "signatures_checked",
            "forgeries", "refused_for_room", "put_off",
            "requests_sent", "requests_received", "routes_lost",
        ]
        #expect(NetworkStatistics(BeaconStatistics()).values.map(\.name) == names)
        for algorithm in RoutingAlgorithms.all {
            let made = algorithm.init(RoutingStart(sequence: 1, now: .distantPast))
            #expect(made.statistics.values.map(\.name) == names)
        }
    }

    /// Names that the words of `status` go by, and one that an algorithm does not have.
    @Test func valuesAreFoundByName() {
        var statistics = NetworkStatistics([("trees", 3), (NetworkStatistics.refusedNodes, 2)])
        #expect(statistics["trees"] == 3 && statistics["refused_nodes"] == 2 && statistics["forests"] == 0)
        statistics["trees"] = 4
        statistics["forests"] = 1
        #expect(statistics.values.map(\.name) == ["trees", "refused_nodes", "forests"])
        #expect(statistics.values.map(\.value) == [4, 2, 1])
    }
}
