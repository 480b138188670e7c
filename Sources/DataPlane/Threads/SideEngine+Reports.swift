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
            if report.sockets.count != lines.count {
                report.sockets = lines.map(\.socket.counters)
                report.droppedBySocket = lines.map(\.dropped)
            }
            for place in lines.indices {
                report.sockets[place] = lines[place].socket.counters
                report.droppedBySocket[place] = lines[place].dropped
            }
            report.device = portal.device.counters
            report.queue = queue.counters
            report.portalDrops = portal.drops
            report.meshDrops = box.drops
            report.prohibited = portal.prohibited
            report.congested = portal.congested
            report.handedOver = handedOver
            report.refused = link.ring.refused
        }
    }
}

/// What the kernel says about paths is the first engine's to heed.
extension SideEngine: PathReports {
    func refused(_ refusal: SendRefusal, for path: Path, now: Instant) {
        var refusal = refusal
        withUnsafeMutableBytes(of: &refusal) { handOver($0, .refusal, path, orderMatters: false) }
    }
}
