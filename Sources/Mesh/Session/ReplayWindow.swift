/// Which counters of one direction have been seen: a sliding window of 8,192 bits (RFC 6479's blocks, which
/// never shift). One per session's keys and not per path. It moves only after authentication.
struct ReplayWindow {
    /// How far behind the newest counter a datagram may come, in datagrams, less one block that is being filled.
    static let bits = 8192
    /// How far ahead of the newest counter one datagram may be. More than a sender seals in the life of its keys, however many
    /// of its datagrams are lost: what is further ahead was made up, and would make all between count as lost.
    static let farthest: UInt64 = 1 << 32
    private static let blockBits = 64
    private static let blocks = bits / blockBits

    /// The newest counter accepted, plus one; 0 when there is none yet.
    private(set) var next: UInt64 = 0
    /// How many were accepted.
    private(set) var accepted: UInt64 = 0
    private var seen: [UInt64]

    init() { seen = [UInt64](repeating: 0, count: Self.blocks) }

    /// Is this counter newer than all accepted so far?
    @inline(__always)
    func isNewest(_ counter: UInt64) -> Bool { counter >= next }

    /// Could `counter` still be accepted? Asked before the costly opening.
    @inline(__always)
    func admits(_ counter: UInt64) -> Bool {
        if counter >= next { return counter - next < Self.farthest && counter < UInt64.max - UInt64(Self.bits) }
        // The block being filled is shared with the oldest one: one block less is remembered.
        guard next - counter <= UInt64(Self.bits - Self.blockBits) else { return false }
        return seen[Self.block(counter)] & Self.mask(counter) == 0
    }

    /// Marks an authenticated counter. False when it was seen or is too old.
    @inline(__always)
    mutating func accept(_ counter: UInt64) -> Bool {
        guard admits(counter) else { return false }
        if counter >= next {
            // Clear the blocks that the window moves into.
            let newest = counter / UInt64(Self.blockBits)
            let oldest = next == 0 ? newest : (next - 1) / UInt64(Self.blockBits)
            let steps = min(newest - oldest, UInt64(Self.blocks))
            var step: UInt64 = 0
            while step < steps {
                seen[Int((newest - step) % UInt64(Self.blocks))] = 0
                step += 1
            }
            next = counter + 1
        }
        seen[Self.block(counter)] |= Self.mask(counter)
        accepted &+= 1
        return true
    }

    /// How many of the counters before `mark` were not accepted; of those before the window, where `mark` is behind that: they
    /// never will be. Looks at up to all blocks, so it is nothing to ask per datagram.
    func missing(before mark: UInt64) -> UInt64 {
        let reach = UInt64(Self.bits - Self.blockBits)
        let start = max(min(mark, next), next > reach ? next - reach : 0)
        guard start < next else { return next &- accepted }
        let bits = UInt64(Self.blockBits)
        var behind = (seen[Self.block(start)] >> (start % bits)).nonzeroBitCount
        var block = start / bits + 1
        while block <= (next - 1) / bits {
            behind += seen[Int(block % UInt64(Self.blocks))].nonzeroBitCount
            block += 1
        }
        return start &- (accepted &- UInt64(behind))
    }

    @inline(__always)
    private static func block(_ counter: UInt64) -> Int { Int(counter / UInt64(blockBits) % UInt64(blocks)) }
    @inline(__always)
    private static func mask(_ counter: UInt64) -> UInt64 { 1 << (counter % UInt64(blockBits)) }
}
