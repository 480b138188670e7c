/// Why something was dropped. Every reason has a counter; nothing is dropped without one.
package enum DropReason: Int, CaseIterable, Sendable {
    // Datagrams that say nothing to us.
    case malformedDatagram
    case unknownIndex
    case transportBeforeFinish
    // Handshakes.
    case handshakeUnknownAddress
    case handshakeBadMAC
    case handshakeOverBudget
    case handshakeCookieDemanded
    case handshakeForged
    case handshakeZeroKey
    case handshakeBadIdentity
    case handshakeWrongAddress
    case handshakeNoCommonSuite
    case handshakeUnexpected
    case handshakeTimeout
    /// Of another machine that has the same key as who has the link.
    case secondMachine
    case cookieForged
    case hintIgnored
    // Sealed frames.
    case forged
    case replayed
    case counterBeyondLimit
    case keyExpired
    case malformedFrame
    case unknownFrame
    case fragmentMalformed
    case fragmentExpired
    // Relaying and routing.
    case relayNotALink
    case relayHopLimit
    case relayNoRoute
    case relayNested
    case controlNotALink
    case controlRefused
    case helloTooSoon
    /// More of what daemons say to each other than is listened to.
    case serviceTooOften
    case linksFull
    // Sending.
    case messageTooLarge
    case nodeClosed
    case pendingFull
    case pendingExpired
    case sessionsFull
    case amplificationLimit
    case pathShrank
    case outboxFull

    /// The name in `status` and metrics, for good: dashboards ask for it.
    package var name: String {
        switch self {
        case .malformedDatagram: "malformed_datagram"
        case .unknownIndex: "unknown_index"
        case .transportBeforeFinish: "transport_before_finish"
        case .handshakeUnknownAddress: "handshake_unknown_address"
        case .handshakeBadMAC: "handshake_bad_mac"
        case .handshakeOverBudget: "handshake_over_budget"
        case .handshakeCookieDemanded: "handshake_cookie_demanded"
        case .handshakeForged: "handshake_forged"
        case .handshakeZeroKey: "handshake_zero_key"
        case .handshakeBadIdentity: "handshake_bad_identity"
        case .handshakeWrongAddress: "handshake_wrong_address"
        case .handshakeNoCommonSuite: "handshake_no_common_suite"
        case .handshakeUnexpected: "handshake_unexpected"
        case .handshakeTimeout: "handshake_timeout"
        case .secondMachine: "second_machine"
        case .cookieForged: "cookie_forged"
        case .hintIgnored: "hint_ignored"
        case .forged: "forged"
        case .replayed: "replayed"
        case .counterBeyondLimit: "counter_beyond_limit"
        case .keyExpired: "key_expired"
        case .malformedFrame: "malformed_frame"
        case .unknownFrame: "unknown_frame"
        case .fragmentMalformed: "fragment_malformed"
        case .fragmentExpired: "fragment_expired"
        case .relayNotALink: "relay_not_a_link"
        case .relayHopLimit: "relay_hop_limit"
        case .relayNoRoute: "relay_no_route"
        case .relayNested: "relay_nested"
        case .controlNotALink: "control_not_a_link"
        case .controlRefused: "control_refused"
        case .helloTooSoon: "hello_too_soon"
        case .serviceTooOften: "service_too_often"
        case .linksFull: "links_full"
        case .messageTooLarge: "message_too_large"
        case .nodeClosed: "node_closed"
        case .pendingFull: "pending_full"
        case .pendingExpired: "pending_expired"
        case .sessionsFull: "sessions_full"
        case .amplificationLimit: "amplification_limit"
        case .pathShrank: "path_shrank"
        case .outboxFull: "outbox_full"
        }
    }
}

/// One counter a reason, in a fixed array: counting costs an addition.
package struct DropCounters: Sendable {
    private var counts = [UInt64](repeating: 0, count: DropReason.allCases.count)

    package init() {}

    package subscript(reason: DropReason) -> UInt64 { counts[reason.rawValue] }

    @inline(__always)
    mutating func count(_ reason: DropReason, by amount: Int = 1) {
        counts[reason.rawValue] &+= UInt64(amount)
    }

    package mutating func add(_ other: DropCounters) {
        for place in counts.indices { counts[place] &+= other.counts[place] }
    }

    /// Everything dropped so far.
    package var total: UInt64 { counts.reduce(0, &+) }
}
