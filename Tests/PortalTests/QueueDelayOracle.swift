import Wire

/// The pseudo code of RFC 8289 section 5, taken down line by line with its own names, to compare with. One flow, times in
/// nanoseconds; marks instead of drops where a packet allows it, as section 5.5's drop() may do.
struct LiteralCoDel {
    struct Packet {
        var number: Int
        var bytes: Int
        var tstamp: Int64
        var isCapable: Bool
    }

    static let target: Int64 = 5_000_000
    static let interval: Int64 = 100_000_000
    static let maxPacket = 1500

    private(set) var queue: [Packet] = []
    private var bytes = 0
    var dropped: [Int] = []
    var marked: [Int] = []

    private var firstAboveTime: Int64 = 0
    private var dropNext: Int64 = 0
    private var count: UInt32 = 0
    private var lastcount: UInt32 = 0
    private var dropping = false

    mutating func enqueue(_ packet: Packet) {
        queue.append(packet)
        bytes += packet.bytes
    }

    private func controlLaw(_ t: Int64, _ count: UInt32) -> Int64 {
        t + Int64(Double(Self.interval) / Double(count).squareRoot())
    }

    private mutating func dodequeue(_ now: Int64) -> (p: Packet?, okToDrop: Bool) {
        var okToDrop = false
        guard !queue.isEmpty else {
            firstAboveTime = 0
            return (nil, false)
        }
        let p = queue.removeFirst()
        bytes -= p.bytes
        let sojournTime = now - p.tstamp
        if sojournTime < Self.target || bytes <= Self.maxPacket {
            firstAboveTime = 0
        } else {
            if firstAboveTime == 0 {
                firstAboveTime = now + Self.interval
            } else if now >= firstAboveTime {
                okToDrop = true
            }
        }
        return (p, okToDrop)
    }

    /// Whether the packet was marked and so is still to be sent.
    private mutating func drop(_ p: Packet?) -> Bool {
        guard let p else { return false }
        if p.isCapable { marked.append(p.number) } else { dropped.append(p.number) }
        return p.isCapable
    }

    mutating func dequeue(_ now: Int64) -> Packet? {
        var r = dodequeue(now)
        if dropping {
            if !r.okToDrop { dropping = false }
            while now >= dropNext && dropping {
                let kept = drop(r.p)
                count += 1
                if kept {
                    dropNext = controlLaw(dropNext, count)
                    return r.p
                }
                r = dodequeue(now)
                if !r.okToDrop {
                    dropping = false
                } else {
                    dropNext = controlLaw(dropNext, count)
                }
            }
        } else if r.okToDrop {
            if !drop(r.p) { r = dodequeue(now) }
            dropping = true
            let delta = count &- lastcount
            count = 1
            if delta > 1 && now - dropNext < 16 * Self.interval { count = delta }
            dropNext = controlLaw(now, count)
            lastcount = count
        }
        return r.p
    }
}
