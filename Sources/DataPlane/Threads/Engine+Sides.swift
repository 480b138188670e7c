internal import INET256
internal import Mesh
internal import Portal
internal import System
internal import Transport
internal import Wire

/// What other engines leave to the first one.
extension Engine {
    func takeHanded(_ now: Instant) throws {
        guard let sides else { return }
        try sides.takeHanded { record in
            switch Handed(rawValue: record.kind) {
            case .packet:
                if let desk {
                    let packet = PortalPacket(
                        UnsafeRawBufferPointer(record.bytes), headerSize: desk.bridge.device.headerSize)
                    try desk.outbound(packet, now: now)
                }
            case .sealed:
                try receive(record.bytes, from: record.path, trafficClass: record.trafficClass, now)
            case .opened, .openedNewest:
                if let delivery = box.receiveOpened(
                    record.bytes, isNewest: record.kind == Handed.openedNewest.rawValue, from: record.path,
                    trafficClass: record.trafficClass, now: now)
                {
                    try take(delivery)
                }
            case .refusal:
                guard record.bytes.count == MemoryLayout<SendRefusal>.size else { break }
                box.refused(record.bytes.loadUnaligned(as: SendRefusal.self), for: record.path, now: now)
            case .pathOpened: opened(record.path, now: now)
            case .pathClosed: closed(record.path, now: now)
            case nil:
                preconditionFailure("a kind of record that no engine writes")
            }
            if box.outbox.wantsFlush { try flush(now) }
        }
        // Its memory goes back at the end of the turn.
        try worker.bridge?.endBurst()
        sides.hurry(now)
    }
}

extension EngineSnapshot {
    /// Adds what other engines did.
    mutating func add(_ report: SideReport) {
        for place in sockets.indices where place < report.sockets.count {
            sockets[place].counters.add(report.sockets[place])
            sockets[place].dropped &+= report.droppedBySocket[place]
        }
        box.drops.add(report.meshDrops)
        box.relayedFrames &+= report.relayedFrames
        box.relayedBytes &+= report.relayedBytes
        handovers.add(report.handedOver, refused: report.refused)
        portal?.device.add(report.device)
        portal?.queue.add(report.queue)
        portal?.drops.add(report.portalDrops)
        portal?.prohibited &+= report.prohibited
        portal?.congested &+= report.congested
    }

    /// What engines left to the first one.
    package struct Handovers: Sendable {
        package var count: UInt64 = 0
        /// Lost, because there was no room on the way.
        package var refused: UInt64 = 0

        mutating func add(_ count: UInt64, refused: UInt64) {
            self.count &+= count
            self.refused &+= refused
        }
    }
}
