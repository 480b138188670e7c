internal import Mesh
internal import System
internal import Transport
internal import Wire

/// One of the box's ports with what waits for it: one that takes no more for now keeps a bounded rest, in order, and what does not
/// fit behind it is dropped and counted.
final class PortLine {
    private static let recordsPerCall = 512

    let port: any DatagramPort
    let configured: Endpoint
    /// Whether it has events to tell.
    let hasConnections: Bool
    /// Is the poller told to report room?
    var watchesWritable = false
    private(set) var dropped: UInt64 = 0
    private let records: UnsafeMutableBufferPointer<OutgoingDatagram>
    /// Memory for what waits, made when the port first takes no more: most never do.
    private(set) var waiting: OutgoingBatch?

    init(_ port: any DatagramPort, configured: Endpoint) {
        self.port = port
        self.configured = configured
        hasConnections = port.traits.hasConnections
        records = .allocate(capacity: Self.recordsPerCall)
        records.initialize(
            repeating: OutgoingDatagram(
                bytes: UnsafeRawBufferPointer(start: nil, count: 0),
                path: Path(remote: Endpoint(address: .unspecified, port: 0))))
    }

    deinit { records.deallocate() }

    var isBlocked: Bool { pending > 0 }

    private var pending: Int { waiting?.pending ?? 0 }

    /// Gives back the memory for what waits, if nothing does.
    func rest() { if !isBlocked { waiting = nil } }

    func reaches(_ endpoint: Endpoint) -> Bool { port.reaches(endpoint) }

    /// Sends those datagrams of the outbox that leave by this port.
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
        if pending == 0 {
            let progress = try port.send(UnsafeMutableBufferPointer(rebasing: records[..<count]))
            done = progress.done
            if progress.remarkable > 0 {
                for index in 0..<done { Self.report(records[index], box, now) }
            }
        }
        guard done < count else { return }
        // What is left waits behind what already does.
        let rest = waiting ?? OutgoingBatch(datagrams: 1024, bytes: 2 << 20)
        waiting = rest
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

    /// Sends one datagram besides those of the outbox. It does not wait for room, and nobody hears what became of it.
    func sendAlone(_ bytes: [UInt8], to path: Path) throws(TransportError) {
        guard !isBlocked else { return }
        var record = OutgoingDatagram(bytes: UnsafeRawBufferPointer(start: nil, count: 0), path: path)
        try bytes.withUnsafeBufferPointer { (bytes) throws(TransportError) in
            record.bytes = UnsafeRawBufferPointer(bytes)
            try withUnsafeMutablePointer(to: &record) { (record) throws(TransportError) in
                _ = try port.send(UnsafeMutableBufferPointer(start: record, count: 1))
            }
        }
    }

    /// The port has room again.
    func resume(box: some PathReports, now: Instant) throws(TransportError) {
        guard let rest = waiting, rest.pending > 0 else { return }
        let (completed, progress) = try rest.flush(through: port)
        guard progress.remarkable > 0 else { return }
        for index in completed { Self.report(rest[index], box, now) }
    }

    /// Hears what ways came and went. At the end of a turn.
    func heedEvents(_ box: some PathReports, now: Instant) throws(TransportError) {
        for event in port.takeEvents() {
            switch event {
            case .opened(let path): box.opened(path, now: now)
            case .closed(let path): box.closed(path, now: now)
            case .room: try resume(box: box, now: now)
            }
        }
    }

    /// Tells the mesh core what the kernel said about a path.
    private static func report(_ record: OutgoingDatagram, _ box: some PathReports, _ now: Instant) {
        guard let reason = SendRefusal.Reason(record.outcome) else { return }
        box.refused(
            SendRefusal(reason, largest: record.largest, datagrams: record.refused, bytes: record.refusedBytes),
            for: record.path, now: now)
    }
}

/// Who heeds what the kernel, or a port itself, says about paths.
protocol PathReports {
    func refused(_ refusal: SendRefusal, for path: Path, now: Instant)
    func opened(_ path: Path, now: Instant)
    func closed(_ path: Path, now: Instant)
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
