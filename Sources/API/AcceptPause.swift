internal import Glibc
internal import Logging
internal import NIOCore

/// Stands at a listener. Where the process has no descriptor left for a caller, the kernel keeps calling the listener readable, and
/// NIO would ask it again without end. So it is left alone for a moment, the connections that have waited longest for their clients make
/// room, and the log says so.
final class AcceptPause: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private let connections: APIConnections
    private let logger: Logger
    private var saidAt: NIODeadline?

    static let pause: TimeAmount = .milliseconds(100)
    /// Connections that make room each time: whoever has something to ask stands behind as many others as the kernel lets wait.
    private static let room = 8
    private static let silence: TimeAmount = .minutes(1)
    private static let shortages: Set<CInt> = [EMFILE, ENFILE, ENOBUFS, ENOMEM]

    init(_ connections: APIConnections, _ logger: Logger) {
        self.connections = connections
        self.logger = logger
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let failure = error as? IOError, Self.shortages.contains(failure.errnoCode) else {
            context.fireErrorCaught(error)
            return
        }
        for _ in 0..<Self.room { connections.makeRoom() }
        let now = NIODeadline.now()
        if saidAt.map({ now - $0 >= Self.silence }) ?? true {
            saidAt = now
            logger.error(
                "no connection to the API can be taken: raise the limit of open files (LimitNOFILE= of the systemd unit, `ulimit -n`)",
                metadata: ["reason": "\(failure)"])
        }
        let channel = context.channel
        channel.setOption(.autoRead, value: false).assumeIsolated().whenComplete { _ in
            channel.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
                _ = channel.setOption(.autoRead, value: true)
            }
        }
    }
}
