internal import Glibc
internal import Netlink
internal import Synchronization

/// A TUN device as the portal would make it, held open until it is closed.
package struct Tun: ~Copyable {
    private let descriptor: Int32
    private let name: String

    package struct Refused: Error { package let code: Int32 }

    /// - Throws: what /dev/net/tun refused with.
    package init(_ name: String, persistent: Bool = false) throws(Refused) {
        self.name = name
        descriptor = open("/dev/net/tun", O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw Refused(code: errno) }
        // struct ifreq: the name in 16 bytes, then flags: IFF_TUN | IFF_NO_PI.
        var request = [UInt8](repeating: 0, count: 40)
        request.replaceSubrange(0..<name.utf8.count, with: name.utf8)
        request[16] = 0x01
        request[17] = 0x10
        let setInterface: UInt = 0x4004_54ca
        let setPersistent: UInt = 0x4004_54cb
        guard ioctl(descriptor, setInterface, &request) == 0, ioctl(descriptor, setPersistent, persistent ? 1 : 0) == 0
        else {
            let code = errno
            Glibc.close(descriptor)
            throw Refused(code: code)
        }
    }

    deinit { _ = runningOrClosing.withLock { _ in Glibc.close(descriptor) } }

    /// Gives the device up here and not earlier; it goes too when a test fails before. Programs that other tests of
    /// this process start share the descriptor for a moment as well, so this waits until nobody holds it.
    package consuming func close() {
        let name = self.name
        Self.end(self)
        for _ in 0..<5000 {
            guard let socket = try? NetlinkSocket(), let link = try? Links(socket).find(name), link.hasCarrier == true
            else { return }
            usleep(1000)
        }
    }

    private static func end(_: consuming Tun) {}
}
