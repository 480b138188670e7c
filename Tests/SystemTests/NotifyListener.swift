import Glibc
import Testing

/// What systemd has at the other end.
final class NotifyListener {
    let descriptor: Int32
    private let path: String

    /// `path` begins with "@" for the abstract namespace.
    init(_ path: String) throws {
        self.path = path
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = [UInt8](path.utf8)
        if path.hasPrefix("@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(2 + bytes.count)
        let code = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) == 0 ? 0 : errno }
        }
        try #require(code == 0, "cannot bind \(path): \(String(cString: strerror(code)))")
    }

    deinit {
        close(descriptor)
        if path.hasPrefix("/") { unlink(path) }
    }

    /// The message that is there, or nil.
    func next() -> String? { receive()?.text }

    /// The same with the descriptor that came beside it, which is the caller's.
    func receive() -> (text: String, handed: Int32?)? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        // A header of 16 bytes (CMSG_LEN) and room for one descriptor.
        var control = [UInt64](repeating: 0, count: 8)
        let count = buffer.withUnsafeMutableBytes { bytes in
            control.withUnsafeMutableBytes { room in
                var part = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
                return withUnsafeMutablePointer(to: &part) { parts in
                    var header = msghdr()
                    header.msg_iov = parts
                    header.msg_iovlen = 1
                    header.msg_control = room.baseAddress
                    header.msg_controllen = room.count
                    return recvmsg(descriptor, &header, 0)
                }
            }
        }
        guard count >= 0 else { return nil }
        let handed = control.withUnsafeBytes { $0.load(fromByteOffset: 16, as: Int32.self) }
        return (String(decoding: buffer[..<count], as: UTF8.self), control[0] == 0 ? nil : handed)
    }
}
