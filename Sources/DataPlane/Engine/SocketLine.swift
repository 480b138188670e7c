internal import Mesh
internal import System
internal import Transport
internal import Wire

/// One of the box's sockets with what waits for it: a full socket buffer keeps a bounded rest, in order, and what does not
/// fit behind it is dropped and counted.
final class SocketLine {
    /// Below this a burst of a fast sender does not fit (docs/performance.md).
    static let goodBuffer = 4 << 20
    private static let recordsPerCall = 512

    let socket: UDPSocket
    let configured: Endpoint
    /// Is the poller told to report room in the buffer?
    var watchesWritable = false
    private(set) var dropped: UInt64 = 0
    private let records: UnsafeMutableBufferPointer<OutgoingDatagram>
    private let rest = OutgoingBatch(datagrams: 1024, bytes: 2 << 20)

    init(socket: UDPSocket, configured: Endpoint) {
        self.socket = socket
        self.configured = configured
        records = .allocate(capacity: Self.recordsPerCall)
        records.initialize(
            repeating: OutgoingDatagram(
                bytes: UnsafeRawBufferPointer(start: nil, count: 0),
                path: Path(remote: Endpoint(address: .unspecified, port: 0))))
    }

    deinit { records.deallocate() }

    var isBlocked: Bool { rest.pending > 0 }

    func reaches(_ endpoint: Endpoint) -> Bool { socket.reaches(endpoint) }

    /// Sends those datagrams of the outbox that leave by this socket.
    func send(
        _ outbox: Outbox, place: Int, chosen: (Path) -> Int?, box: some PathReports, now: Instant
    ) throws(TransportError) {
        var count = 0
        for run in outbox.runs where run.path.socket == UInt16(place) || chosen(run.path) == place {
            records[count] = OutgoingDatagram(
                bytes: outbox.bytes(of: run), path: run.path, segment: run.count > run.segment ? run.segment : 0,
                trafficClass: run.trafficClass)
            count += 1
            if count == records.count {
                try send(count, box, now)
                count = 0
            }
        }
        if count > 0 { try send(count, box, now) }
    }

    private func send(_ count: Int, _ box: some PathReports, _ now: Instant) throws(TransportError) {
        var done = 0
        if rest.pending == 0 {
            let progress = try socket.send(UnsafeMutableBufferPointer(rebasing: records[..<count]))
            done = progress.done
            if progress.remarkable > 0 {
                for index in 0..<done { Self.report(records[index], box, now) }
            }
        }
        // What is left waits behind what already does.
        for index in done..<count {
            let record = records[index]
            guard let room = rest.reserve(record.bytes.count) else {
                for lost in records[index..<count] { dropped += UInt64(lost.datagrams) }
                return
            }
            room.copyMemory(from: record.bytes)
            rest.commit(record.bytes.count, to: record.path, segment: record.segment, trafficClass: record.trafficClass)
        }
    }

    /// The socket has room again.
    func resume(box: some PathReports, now: Instant) throws(TransportError) {
        guard rest.pending > 0 else { return }
        let (completed, progress) = try rest.flush(through: socket)
        guard progress.remarkable > 0 else { return }
        for index in completed { Self.report(rest[index], box, now) }
    }

    /// Tells the mesh core what the kernel said about a path.
    private static func report(_ record: OutgoingDatagram, _ box: some PathReports, _ now: Instant) {
        guard let reason = SendRefusal.Reason(record.outcome) else { return }
        box.refused(
            SendRefusal(reason, largest: record.largest, datagrams: record.refused, bytes: record.refusedBytes),
            for: record.path, now: now)
    }
}

/// Who heeds what the kernel says about paths.
protocol PathReports {
    func refused(_ refusal: SendRefusal, for path: Path, now: Instant)
}

extension SendRefusal.Reason {
    fileprivate init?(_ outcome: Transport.SendOutcome) {
        switch outcome {
        case .pending, .sent: return nil
        case .sentFromOtherAddress: self = .sourceGone
        case .tooBig: self = .tooLarge
        case .unreachable: self = .unreachable
        case .denied: self = .denied
        case .failed: self = .failed
        }
    }
}
