internal import Wire

/// Data that overtook the message 3 it belongs behind: held for the moment until that comes, so that the first message of a
/// new session is not lost on a path that reorders.
final class Overtaken {
    private struct Held {
        let index: UInt32
        let arrival: Arrival
        let bytes: [UInt8]
    }

    /// What became of the handshake that a datagram belongs to.
    enum Fate { case awaited, finished, gone }

    private var held: [Held] = []
    private(set) var bytes = 0
    /// Has a handshake ended whose data may have come before?
    private(set) var isRipe = false
    /// Where a datagram is opened that was held.
    private let room = UnsafeMutableRawBufferPointer.allocate(byteCount: Overtaken.largest, alignment: 16)

    /// Datagrams held of one handshake: the first data come with the routing algorithm's greeting.
    static let perHandshake = 32
    /// Datagrams and bytes held of all handshakes.
    static let inAll = 256
    static let bytesInAll = 512 << 10
    /// The largest datagram that is held: what the best paths carry. A relayed one may be larger than any that UDP carries.
    static let largest = 9000

    deinit { room.deallocate() }

    var count: Int { held.count }
    var isEmpty: Bool { held.isEmpty }

    /// Holds a datagram for an answered handshake. The view is copied. Gives back how many were dropped, be it this one.
    func hold(
        _ datagram: UnsafeRawBufferPointer, _ index: UInt32, _ arrival: Arrival, fate: (UInt32) -> Fate
    ) -> Int {
        let forgotten = held.count == Self.inAll ? forget(fate: fate) : 0
        guard datagram.count <= Self.largest, held.count < Self.inAll, bytes + datagram.count <= Self.bytesInAll,
            held.lazy.filter({ $0.index == index }).count < Self.perHandshake
        else { return forgotten + 1 }
        held.append(Held(index: index, arrival: arrival, bytes: Array(datagram)))
        bytes += datagram.count
        return forgotten
    }

    /// Drops those whose handshake was given up; gives back how many.
    func forget(fate: (UInt32) -> Fate) -> Int {
        guard !held.isEmpty else { return 0 }
        let before = held.count
        held.removeAll { fate($0.index) == .gone }
        bytes = held.reduce(0) { $0 + $1.bytes.count }
        return before - held.count
    }

    /// A handshake was finished.
    func ripen() { isRipe = !held.isEmpty }

    /// The next datagram whose handshake is finished, and how it came. The view is good until the next call.
    func next(fate: (UInt32) -> Fate) -> (datagram: UnsafeMutableRawBufferPointer, arrival: Arrival)? {
        guard isRipe else { return nil }
        guard let place = held.firstIndex(where: { fate($0.index) == .finished }) else {
            isRipe = false
            return nil
        }
        let next = held.remove(at: place)
        bytes -= next.bytes.count
        // All that are held fit.
        guard let copy = room.slice(0, next.bytes.count) else { return nil }
        copy.copyBytes(from: next.bytes)
        return (copy, next.arrival)
    }
}
