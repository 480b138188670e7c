internal import Discovery
internal import Foundation
internal import INET256
internal import Logging
internal import System
internal import Transport
internal import Wire

/// A central server with a socket of its own, as `central-discovery` runs it: one thread, and nothing else of the box.
final class CentralService {
    private let socket: UDPSocket
    private let batch = DatagramBatch(slotSize: 1 << 11, slots: 64)
    private let poller: Poller
    private var server: CentralServer
    private let logger: Logger
    private var told = CentralCounters()
    private var tellAt = BootClock.now() + CentralService.interval

    /// Between two lines of the log.
    private static let interval: Interval = .seconds(60)
    /// Batches that are served before anything else is looked at.
    private static let batchesAtOnce = 16

    /// Where the kernel has no IPv6, `[::]` is all of IPv4.
    init(bind endpoint: Endpoint, limits: CentralLimits, logger: Logger) throws {
        var options = UDPSocket.Options()
        options.bufferSize = 4 << 20
        do throws(TransportError) {
            socket = try UDPSocket(bind: endpoint, options: options)
        } catch {
            guard error.code == EAFNOSUPPORT, let ipv4 = endpoint.allIPv4 else { throw error }
            socket = try UDPSocket(bind: ipv4, options: options)
            logger.warning("this kernel has no IPv6: boxes are served by IPv4 alone")
        }
        poller = try Poller()
        server = CentralServer(limits: limits, random: SystemRandom())
        self.logger = logger
        try poller.add(socket.descriptor, token: 0, interest: .readable)
    }

    var local: Endpoint { socket.local }

    /// Serves until the socket is of no use any more.
    func run() throws {
        while true {
            let ready = try poller.wait(until: tellAt, now: BootClock.now())
            if ready > 0 { try serve() }
            if BootClock.now() >= tellAt { tell() }
        }
    }

    private func serve() throws {
        for _ in 0..<Self.batchesAtOnce {
            let count = try socket.receive(into: batch)
            let now = BootClock.now()
            for index in 0..<count {
                let datagram = batch[index]
                let bytes = UnsafeRawBufferPointer(datagram.bytes)
                let path = datagram.path
                for answer in server.receive(bytes, from: path.remote, at: path.local, now: now) {
                    let way = Path(remote: answer.target, local: answer.source, interface: answer.target.scope)
                    try socket.sendOne(answer.bytes, way)
                }
            }
            if count == 0 { return }
        }
    }

    /// What was done since the last line, where that is anything.
    private func tell() {
        tellAt = BootClock.now() + Self.interval
        let now = server.counters
        guard now != told else { return }
        logger.info(
            "served",
            metadata: [
                "addresses": "\(server.count)", "announcements": "\(now.announcements &- told.announcements)",
                "lookups": "\(now.lookups &- told.lookups)", "calls": "\(now.calls &- told.calls)",
                "cookies": "\(now.cookies &- told.cookies)", "limited": "\(now.limited &- told.limited)",
                "full": "\(now.full &- told.full)", "forged": "\(now.forged &- told.forged)",
                "malformed": "\(now.malformed &- told.malformed)",
            ])
        told = now
    }

    /// Runs on a thread of its own; the stream gives what ended it.
    static func start(_ service: CentralService) throws -> AsyncStream<any Error> {
        let (stream, end) = AsyncStream.makeStream(of: (any Error).self, bufferingPolicy: .bufferingNewest(1))
        nonisolated(unsafe) let service = service
        try OwnThread.start("central") {
            do { try service.run() } catch { end.yield(error) }
            end.finish()
        }
        return stream
    }
}
