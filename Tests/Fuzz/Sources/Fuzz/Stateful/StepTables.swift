import Wire

@testable import Mesh

/// The sizes, counters and spans around which something changes: what a step's numbers stand for.
enum StepTables {
    /// What UDP over IPv6 carries at most (RFC 768, RFC 8200): no datagram is longer.
    static let largestDatagram = 65_535 - 8

    private static let edges: [Int] = [
        0, 2, 4, 8, 10, 12, 16, FragmentLayout.header, TransportLayout.minimum, CookieLayout.count, RelayLayout.header,
        RelayLayout.header + TransportLayout.minimum, FinishLayout.count, InitiationLayout.count,
        ControlFrame.maximumBytes,
        MeshBox.leastRelayedDatagram, PathSize.base - 48 - TransportLayout.overhead, PathSize.base, 1500, 9000, 32_768,
        largestDatagram - RelayLayout.header - 2 * TransportLayout.overhead, largestDatagram - TransportLayout.overhead,
        largestDatagram, MeshBox.messageLimit, 1 << 16, Reassembler.frameCapacity - RelayLayout.header,
        Reassembler.frameCapacity - TransportLayout.overhead, Reassembler.frameCapacity, 70_000,
    ]

    /// Bytes: one of the edges, a little more or less, or just a number. Nil: what is natural.
    static func size(_ number: UInt16) -> Int? {
        switch number >> 14 {
        case 0: nil
        case 1: Int(number & 0x7ff)
        case 2: Int(number & 0x3fff) * 5
        default: max(0, edges[Int(number & 0xff) % edges.count] + Int(number >> 8 & 3) - 1)
        }
    }

    private static let counters: [UInt64] = [
        0, 64, 8128, 8192, 1 << 20, 1 << 27, 1 << 28, 1 << 32, 1 << 60, 1 << 63, .max - 16_384, .max - 8192, .max - 64,
        .max,
    ]

    /// A counter for who would take `next` now: that one, another on or behind it, or one of the edges, a little more or less.
    static func counter(_ number: UInt16, next: UInt64) -> UInt64 {
        let little = UInt64(number >> 8 & 7) &- 3
        let edge = counters[Int(number & 0xff) % counters.count]
        return switch number >> 12 {
        case 0..<10: next
        case 10: next &+ edge &+ little
        case 11: next &- edge &+ little
        case 12: next &+ UInt64(number & 0xfff)
        default: edge &+ little
        }
    }

    private static let spans: [Interval] = [
        .zero, Interval(nanoseconds: 1), .milliseconds(1), .milliseconds(5), .milliseconds(50), .milliseconds(249),
        .milliseconds(250), .milliseconds(500), .seconds(1), .milliseconds(1500), .seconds(2), .seconds(3), .seconds(5),
        .seconds(10), .seconds(15),
    ]
    private static let longSpans: [Interval] = [
        .seconds(15), .seconds(20), .seconds(60), .seconds(90), .seconds(119), .seconds(120), .seconds(130),
        .seconds(179),
        .seconds(180), .seconds(300), .seconds(305), .seconds(600), .seconds(3600), .seconds(1 << 24),
    ]

    static func span(_ number: UInt16) -> Interval { spans[Int(number) % spans.count] }
    static func longSpan(_ number: UInt16) -> Interval { longSpans[Int(number) % longSpans.count] }

    /// Metrics, hop limits and other bytes that mean something at their ends.
    static func byte(_ number: UInt16) -> UInt8 {
        [0, 1, 2, 63, 64, 65, 254, 255, UInt8(truncatingIfNeeded: number >> 8)][Int(number & 0xff) % 9]
    }

    static func sequence(_ number: UInt16) -> UInt64 {
        let edge: [UInt64] = [
            0, 1, 1_700_000_000_000, 1_700_000_100_000, BeaconNetLimits.highestSequence, 1 << 63, .max,
        ]
        return edge[Int(number & 0xff) % edge.count] &+ UInt64(number >> 8 & 3) &- 1
    }

    static func lifetime(_ number: UInt16) -> UInt16 {
        [0, 1, 70, 299, BeaconNetLimits.longestLifetime, 301, .max][Int(number) % 7]
    }
}
