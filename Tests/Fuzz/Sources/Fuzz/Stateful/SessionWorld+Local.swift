import INET256
import Wire

@testable import Mesh

/// The box's own side: applications and the portal, and what its driver notices.
extension SessionWorld {
    private func target(_ step: SessionStep) -> Address {
        switch step.number & 7 {
        case 0..<4: Self.hostiles[step.hostile].address
        case 4...6: address(Int(step.number & 3))
        default: Address(raw: Bytes32(words: (UInt64(step.size), 9, 9, 9)))
        }
    }

    func local(_ step: SessionStep) {
        let box = boxes[step.box]
        let target = target(step)
        var message = [UInt8](repeating: 0, count: StepTables.size(step.size) ?? 100)
        if !message.isEmpty { message[0] = Self.mark(step.box) }
        switch step.kind % 8 {
        case 0...2:
            let node = NodeID(rawValue: step.has(7) && step.has(6) ? 1 : 0)
            let counted = box.drops.total
            let outcome = message.withUnsafeBytes {
                box.send($0, from: node, to: target, trafficClass: step.flags, now: now)
            }
            if case .dropped = outcome, box.drops.total == counted { fail("dropped without a count") }
        case 3: _ = box.ping(target, id: UInt64(step.number), payload: StepTables.size(step.size) ?? 8, now: now)
        case 4, 5: dispatch(message, step, target)
        case 6:
            _ = box.find(prefix: target, bits: Int(step.kind))
            box.want(target, now: now)
        default:
            _ = box.publicKey(of: target)
            _ = box.messageCapacity(to: target, from: .main)
            _ = box.largestPacket
            _ = box.nextHop(to: target)
        }
        collect(step.box)
    }

    /// A super-packet's way: a lane, and segments that are written where they are sealed.
    private func dispatch(_ message: [UInt8], _ step: SessionStep, _ target: Address) {
        let box = boxes[step.box]
        guard let lane = box.lane(from: .main, to: target, now: now) else { return }
        guard lane.capacity > 0, lane.capacity < 65_536 else { return fail("a lane for \(lane.capacity) bytes") }
        for _ in 0..<1 + step.number >> 4 % 64 {
            let part = message.prefix(lane.capacity)
            guard let room = box.sealer.room(lane) else { break }
            UnsafeMutableRawBufferPointer(start: room, count: part.count).copyBytes(from: part)
            _ = box.sealer.dispatch(
                room, count: part.count, isPartial: step.has(2), trafficClass: step.flags, lane)
        }
        box.report(now: now)
    }

    func command(_ step: SessionStep) {
        let box = boxes[step.box]
        let hostile = Self.hostiles[step.hostile]
        let home = endpoint(of: step.hostile, 0)
        switch step.kind % 14 {
        case 0: box.setPeer(PeerSettings(address: hostile.address, endpoints: [home]), now: now)
        case 1: box.setPeer(PeerSettings(address: hostile.address, endpoints: []), now: now)
        case 2, 3: box.removePeer(hostile.address, now: now)
        case 4: box.surroundingsChanged(now: now)
        case 5, 6:
            let size = StepTables.size(step.size) ?? 1400
            let reason = SendRefusal.Reason(rawValue: UInt8(step.number % 5)) ?? .failed
            let refusal = SendRefusal(reason, largest: size, datagrams: 1, bytes: size)
            box.refused(refusal, for: Path(remote: step.has(3) ? endpoint(step.box ^ 1) : home, interface: 1), now: now)
        case 7: box.setAcceptsAnybody(step.has(3), now: now)
        case 8: _ = try? box.open(Self.keys[Self.keys.count - 1 - Int(step.number & 3)], now: now)
        case 9: box.close(NodeID(rawValue: 1 + Int(step.number & 3)), now: now)
        case 10: _ = box.takeEvents()
        case 11: box.setDirect(step.has(3) ? .any : .off, now: now)
        case 12: box.setOwnCandidates([Candidate(home, .host), Candidate(endpoint(step.box), .mapped)], now: now)
        default: _ = box.shareAnew()
        }
        collect(step.box)
    }
}
