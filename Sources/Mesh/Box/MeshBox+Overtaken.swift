public import Wire

/// Data that overtook the message 3 it belongs behind: held for the moment until that comes, so that the first message of a
/// new session is not lost on a path that reorders. What is held is still a stranger's: few, small, and forgotten first.
extension MeshBox {
    struct Overtaken {
        let index: UInt32
        let arrival: Arrival
        let bytes: [UInt8]
    }

    /// Datagrams held of one handshake: the first data come with the routing algorithm's greeting.
    static let perHandshake = 32
    /// Datagrams and bytes held of all handshakes.
    private static let inAll = 256
    private static let bytesInAll = 512 << 10
    /// The largest datagram that is held: what the best paths carry. A relayed one may be larger than any that UDP carries.
    static let largestHeld = 9000

    /// Holds a datagram for an answered handshake. The view is copied.
    func hold(_ datagram: UnsafeRawBufferPointer, _ index: UInt32, _ arrival: Arrival) {
        if overtaken.count == Self.inAll { forgetOvertaken() }
        guard datagram.count <= Self.largestHeld, overtaken.count < Self.inAll,
            overtaken.reduce(datagram.count, { $0 + $1.bytes.count }) <= Self.bytesInAll,
            overtaken.lazy.filter({ $0.index == index }).count < Self.perHandshake
        else {
            drops.count(.transportBeforeFinish)
            return
        }
        overtaken.append(Overtaken(index: index, arrival: arrival, bytes: Array(datagram)))
    }

    /// Those whose handshake was given up.
    func forgetOvertaken() {
        let before = overtaken.count
        overtaken.removeAll {
            switch indices[$0.index] {
            case .response, .keypair: false
            case .free, .attempt: true
            }
        }
        drops.count(.transportBeforeFinish, by: before - overtaken.count)
    }

    /// A message that came before its session did. To be asked, until there is none, after a `receive` left `hasOvertaken` set.
    public func nextOvertaken(now: Instant) -> Delivery? {
        while overtakenIsRipe {
            let place = overtaken.firstIndex {
                if case .keypair = indices[$0.index] { true } else { false }
            }
            guard let place else {
                overtakenIsRipe = false
                break
            }
            let held = overtaken.remove(at: place)
            // A slice of raw memory is not checked in a release build, so this is.
            guard held.bytes.count <= overtakenBuffer.count else { continue }
            let copy = UnsafeMutableRawBufferPointer(rebasing: overtakenBuffer[..<held.bytes.count])
            copy.copyBytes(from: held.bytes)
            if var delivery = receive(copy, held.arrival, now) {
                delivery.isFleeting = true
                return delivery
            }
        }
        return nil
    }
}
