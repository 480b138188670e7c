internal import Mesh
internal import Portal
internal import System
internal import Transport
internal import Wire

/// What others hear of a side engine.
extension SideEngine {
    /// Publishes where it stands. At the end of a turn.
    func publish() {
        link.update { report in
            if report.sockets.count != worker.lines.count {
                report.sockets = worker.lines.map(\.port.counters)
                report.droppedBySocket = worker.lines.map(\.dropped)
            }
            for place in worker.lines.indices {
                report.sockets[place] = worker.lines[place].port.counters
                report.droppedBySocket[place] = worker.lines[place].dropped
            }
            report.device = portal.device.counters
            report.queue = worker.queueCounters
            report.portalDrops = portal.drops
            report.meshDrops = box.drops
            report.relayedFrames = box.relayedFrames
            report.relayedBytes = box.relayedBytes
            report.prohibited = portal.prohibited
            report.congested = portal.congested
            report.handedOver = handedOver
            report.refused = link.ring.refused
        }
    }
}

/// What the kernel and ports say about paths is the first engine's to heed.
extension SideEngine {
    func refused(_ refusal: SendRefusal, for path: Path, now: Instant) {
        var refusal = refusal
        withUnsafeMutableBytes(of: &refusal) { handOver($0, .refusal, path, orderMatters: false) }
    }

    func opened(_ path: Path, now: Instant) { handOver(Self.nothing, .pathOpened, path, orderMatters: false) }

    func closed(_ path: Path, now: Instant) { handOver(Self.nothing, .pathClosed, path, orderMatters: false) }

    private static var nothing: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: nil, count: 0) }
}
