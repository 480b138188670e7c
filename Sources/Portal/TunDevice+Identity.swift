internal import CLinux
internal import Glibc

extension TunDevice {
    /// The interface's name at this moment. Anybody with the privilege may rename it, and `name` is what it was called first.
    package func currentName() throws(TunError) -> String {
        var buffer = [CChar](repeating: 0, count: Int(CLINUX_INTERFACE_NAME_SIZE))
        switch -clinux_tun_name(descriptor, &buffer) {
        case 0: return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        case EBADFD, ENODEV: throw .gone(name: name)
        case let code: throw TunError("ask for the name of", name, code: code)
        }
    }

    /// The interface's index in the calling thread's network namespace, which stays as long as the interface does. The kernel tells
    /// a TUN descriptor the name alone: if that is another afterwards, the index may be a stranger's, and it is asked again.
    package func index() throws(TunError) -> UInt32 {
        for _ in 0..<Self.askings {
            let before = try currentName()
            let index = if_nametoindex(before)
            if try currentName() == before, index != 0 { return index }
        }
        // Renamed all the time, or moved to another namespace.
        throw .gone(name: name)
    }

    private static let askings = 100
}
