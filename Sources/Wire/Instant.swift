/// A point on the box's monotonic time line, in nanoseconds since boot.
///
/// Production reads it from CLOCK_BOOTTIME, so that time spent asleep counts against key lifetimes;
/// the simulator makes it up. The layers that hold protocol logic never read a clock: they are given
/// an `Instant` with every call.
public struct Instant: Comparable, Hashable, Sendable {
    /// Nanoseconds since boot.
    public var nanoseconds: Int64

    @inlinable
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Before anything that happens.
    public static let distantPast = Instant(nanoseconds: 0)
    /// Later than anything that happens: "no deadline".
    public static let distantFuture = Instant(nanoseconds: .max)

    @inlinable
    public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }

    /// Saturates at `distantFuture`, so that "no deadline" plus something is still no deadline.
    @inlinable
    public static func + (a: Instant, b: Interval) -> Instant {
        let (sum, overflow) = a.nanoseconds.addingReportingOverflow(b.nanoseconds)
        return overflow ? .distantFuture : Instant(nanoseconds: sum)
    }

    @inlinable
    public static func - (a: Instant, b: Interval) -> Instant {
        Instant(nanoseconds: a.nanoseconds &- b.nanoseconds)
    }

    @inlinable
    public static func - (a: Instant, b: Instant) -> Interval {
        Interval(nanoseconds: a.nanoseconds &- b.nanoseconds)
    }
}

/// A span of time in nanoseconds. 64 bits where `Swift.Duration` has 128: it is used per packet.
public struct Interval: Comparable, Hashable, Sendable {
    /// Length in nanoseconds.
    public var nanoseconds: Int64

    @inlinable
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    @inlinable
    public static func seconds(_ count: Int64) -> Interval { Interval(nanoseconds: count * 1_000_000_000) }
    @inlinable
    public static func milliseconds(_ count: Int64) -> Interval { Interval(nanoseconds: count * 1_000_000) }
    @inlinable
    public static func microseconds(_ count: Int64) -> Interval { Interval(nanoseconds: count * 1_000) }

    public static let zero = Interval(nanoseconds: 0)

    /// Length in seconds, for people.
    public var inSeconds: Double { Double(nanoseconds) / 1e9 }

    @inlinable
    public static func < (a: Interval, b: Interval) -> Bool { a.nanoseconds < b.nanoseconds }
    @inlinable
    public static func + (a: Interval, b: Interval) -> Interval {
        Interval(nanoseconds: a.nanoseconds + b.nanoseconds)
    }
    @inlinable
    public static func - (a: Interval, b: Interval) -> Interval {
        Interval(nanoseconds: a.nanoseconds - b.nanoseconds)
    }
    @inlinable
    public static func * (a: Interval, factor: Int64) -> Interval {
        Interval(nanoseconds: a.nanoseconds * factor)
    }
    @inlinable
    public static func / (a: Interval, divisor: Int64) -> Interval {
        Interval(nanoseconds: a.nanoseconds / divisor)
    }
}
