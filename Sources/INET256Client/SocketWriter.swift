internal import Glibc
internal import NIOCore

/// A descriptor of our own for a connection's socket, so that any thread may write to it without the event loop. It stays
/// valid, and keeps the connection open, as long as somebody holds it.
final class SocketWriter: Sendable {
    private let descriptor: CInt

    private static let flags = CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL)

    /// On the channel's event loop. Nil when there is no socket or no descriptor left: then the channel itself writes.
    init?(_ channel: any Channel) {
        let copy =
            try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
                fcntl($0, F_DUPFD_CLOEXEC, 0)
            }
        guard let copy, copy >= 0 else { return nil }
        descriptor = copy
    }

    deinit { close(descriptor) }

    /// Writes what the socket takes now and removes it from `bytes`. What stays has to wait until there is room; an
    /// error is not told from that here, for the channel finds it too.
    func write(_ bytes: inout ByteBuffer) {
        while bytes.readableBytes > 0 {
            let count = bytes.withUnsafeReadableBytes {
                send(descriptor, $0.baseAddress, $0.count, Self.flags)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            bytes.moveReaderIndex(forwardBy: count)
        }
    }
}
