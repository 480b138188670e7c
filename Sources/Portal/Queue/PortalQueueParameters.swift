package import Wire

/// What can be chosen about a `PortalQueue`. The defaults fit super-packets of 64 KB at 0.1 to 10 Gbit/s.
package struct PortalQueueParameters: Equatable, Sendable {
    /// Packets that there is room for, those that were dequeued and not released included. 256 of the longest are 16 MB:
    /// 13 ms at 10 Gbit/s, more than twice the target.
    package var slots = 256
    /// Bytes that a flow may send before the others' turn. A quarter of a super-packet, so that whoever sends one waits
    /// four turns, and a burst of new flows holds up the rest by a fourth of what it otherwise could; yet a dozen full-size
    /// packets, so that packets to one peer leave together and share a system call.
    package var quantum = 16_384
    /// Delay that a flow may have for ever: 5 ms, as in RFC 8289 section 4.3. It is ten super-packets at 1 Gbit/s. Those who
    /// send less than their share do not wait for it: they have their turn first.
    package var target: Interval = .milliseconds(5)
    /// How long the delay may be above the target before a packet is dropped: about the longest round trip.
    package var interval: Interval = .milliseconds(100)

    package init() {}

    /// Flows and slots are numbered with 16 and 32 bits, bytes of a deficit with 32.
    func check() {
        precondition((1...65_536).contains(slots), "1 to 65,536 slots")
        precondition((256...1_048_576).contains(quantum), "a quantum of 256 bytes to 1 MB")
        precondition(target > .zero && interval > .zero, "times are positive")
    }
}

/// What a `PortalQueue` has done since it was made.
package struct PortalQueueCounters: Equatable, Sendable {
    /// Packets that came, and how many were given on.
    package var enqueued: UInt64 = 0
    package var dequeued: UInt64 = 0
    /// Packets dropped because their flow's delay was too long for too long.
    package var droppedLate: UInt64 = 0
    /// Packets dropped to make room for others.
    package var droppedForRoom: UInt64 = 0
    /// Packets that were marked "congestion experienced" where others would have been dropped.
    package var marked: UInt64 = 0
    /// The longest that a packet waited which was then given on.
    package var longestWait: Interval = .zero

    package init() {}

    /// Adds another queue's.
    package mutating func add(_ other: PortalQueueCounters) {
        enqueued &+= other.enqueued
        dequeued &+= other.dequeued
        droppedLate &+= other.droppedLate
        droppedForRoom &+= other.droppedForRoom
        marked &+= other.marked
        longestWait = max(longestWait, other.longestWait)
    }
}
