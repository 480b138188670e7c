/// Why something was dropped. Every reason has a counter; nothing is dropped without one.
public enum DropReason: Int, CaseIterable, Sendable {
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

    /// The name in `status` and metrics.
    public var name: String {
        // relayNotALink -> relay_not_a_link
        var out = ""
        for character in String(describing: self) {
            if character.isUppercase { out += "_" }
            out += character.lowercased()
        }
        return out.replacingMAC
    }
}

extension String {
    /// Acronyms stay in one piece: "handshake_bad_m_a_c" is nobody's word.
    fileprivate var replacingMAC: String {
        hasSuffix("_m_a_c") ? String(dropLast(6)) + "_mac" : self
    }
}

/// One counter a reason, in a fixed array: counting costs an addition.
public struct DropCounters: Sendable {
    private var counts = [UInt64](repeating: 0, count: DropReason.allCases.count)

    public init() {}

    public subscript(reason: DropReason) -> UInt64 { counts[reason.rawValue] }

    @inline(__always)
    mutating func count(_ reason: DropReason, by amount: Int = 1) {
        counts[reason.rawValue] &+= UInt64(amount)
    }

    public mutating func add(_ other: DropCounters) {
        for place in counts.indices { counts[place] &+= other.counts[place] }
    }

    /// Everything dropped so far.
    public var total: UInt64 { counts.reduce(0, &+) }
}
