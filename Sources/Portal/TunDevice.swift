internal import CLinux
internal import Glibc
internal import Wire

/// What a TUN device has done since it was attached.
package struct TunCounters: Equatable, Sendable {
    /// Packets and bytes from the kernel to us; a super-packet counts as the packets that it stands for.
    package var read: UInt64 = 0
    package var readBytes: UInt64 = 0
    /// Packets and bytes from us to the kernel; a joined packet counts as those that it was.
    package var written: UInt64 = 0
    package var writtenBytes: UInt64 = 0
    /// Packets lost because the interface is down.
    package var droppedDown: UInt64 = 0
    /// Packets lost because the kernel had no memory or room for them.
    package var droppedFull: UInt64 = 0
    /// Packets that the kernel would not take as such.
    package var droppedRefused: UInt64 = 0

    package init() {}

    /// Adds another queue's.
    package mutating func add(_ other: TunCounters) {
        read &+= other.read
        readBytes &+= other.readBytes
        written &+= other.written
        writtenBytes &+= other.writtenBytes
        droppedDown &+= other.droppedDown
        droppedFull &+= other.droppedFull
        droppedRefused &+= other.droppedRefused
    }
}

/// A TUN device: an interface whose packets come to us in place of a wire. Non-blocking, for one thread.
///
/// With offloads the kernel gives super-packets with unfinished checksums, each behind a virtio header of `headerSize`
/// bytes, and takes such: `SegmentSplitter` and `Joiner` are for both ways. Without, packets cross as they are.
package final class TunDevice {
    static let driver = "/dev/net/tun"
    /// A buffer of this many bytes takes whatever `read` may give.
    package static let readSize = VirtioHeader.size + IPv6Header.size + 65_535
    /// The longest interface name in bytes (IFNAMSIZ less the terminating zero).
    package static let maximumNameLength = Int(CLINUX_INTERFACE_NAME_SIZE) - 1

    /// Register it with a poller; closed when the device goes.
    package let descriptor: Int32
    /// The interface's name, as the kernel has it now.
    package let name: String
    /// What the kernel has taken, less what it refused later.
    package internal(set) var offloads: PortalOffloads
    /// Bytes in front of each packet that is read: a `VirtioHeader`, or nothing.
    package let headerSize: Int
    package internal(set) var counters = TunCounters()

    /// Attaches to the device `name`, which is made when there is none; a persistent one that is there is
    /// taken over. A name with "%d" gets the lowest free number, nil is "tun%d".
    ///
    /// A device that is not persistent goes with its addresses and routes when this object does, or the
    /// process. `persistent: true` makes it stay; false leaves an existing one as it is.
    ///
    /// `offload`: whether super-packets may cross. `multiQueue`: the device may be attached to several times under one name;
    /// then all of them, and whatever has made it persistent, must say so.
    package init(
        name: String? = nil, persistent: Bool = false, offload: OffloadMode = .off, multiQueue: Bool = false
    ) throws(TunError) {
        let wanted = name ?? "tun%d"
        guard Self.isName(wanted) else { throw .badName(wanted) }
        let fd = open(Self.driver, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        guard fd >= 0 else {
            switch errno {
            case ENOENT, ENODEV, ENXIO: throw .noDriver
            case let code: throw TunError("open", Self.driver, code: code)
            }
        }
        do throws(TunError) {
            let flags = Self.flags(of: fd, offload, multiQueue)
            let hasHeader = flags & Int32(CLINUX_TUN_HEADER) > 0
            self.name = try Self.attach(fd, wanted, flags: flags)
            offloads = try Self.agree(fd, self.name, hasHeader: hasHeader)
            headerSize = hasHeader ? VirtioHeader.size : 0
            if persistent { try Self.setPersistent(fd, self.name, true) }
        } catch {
            close(fd)
            throw error
        }
        descriptor = fd
    }

    /// Takes over a queue that an earlier run of the program has left open, with the interface and all that is on it.
    /// - Parameter fd: the device's from here on; closed also where this throws.
    /// - Throws: `TunError.wrongKind` where it was attached to otherwise than is wanted now.
    package init(adopting fd: Int32, offload: OffloadMode = .off, multiQueue: Bool = false) throws(TunError) {
        do throws(TunError) {
            name = try Self.name(of: fd)
            guard Self.isAttached(fd, offload, multiQueue) else { throw .wrongKind(name: name) }
            let hasHeader = Self.flags(of: fd, offload, multiQueue) & Int32(CLINUX_TUN_HEADER) > 0
            offloads = try Self.agree(fd, name, hasHeader: hasHeader)
            headerSize = hasHeader ? VirtioHeader.size : 0
        } catch {
            close(fd)
            throw error
        }
        descriptor = fd
    }

    /// The name of the device that a queue left open belongs to.
    package static func name(of fd: Int32) throws(TunError) -> String {
        var buffer = [CChar](repeating: 0, count: Int(CLINUX_INTERFACE_NAME_SIZE))
        guard clinux_tun_name(fd, &buffer) == 0 else { throw .gone(name: "of the run before") }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Whether a queue that was left open is as `init` would make it.
    package static func isAttached(_ fd: Int32, _ offload: OffloadMode, _ multiQueue: Bool) -> Bool {
        clinux_tun_attached(fd) == flags(of: fd, offload, multiQueue)
    }

    deinit { close(descriptor) }

    /// What `fd`, an open /dev/net/tun, is to be attached with.
    static func flags(of fd: Int32, _ offload: OffloadMode, _ multiQueue: Bool) -> Int32 {
        let hasHeader = offload == .auto && clinux_tun_features(fd) & Int32(CLINUX_TUN_HEADER) > 0
        return Int32((hasHeader ? CLINUX_TUN_HEADER : 0) | (multiQueue ? CLINUX_TUN_QUEUES : 0))
    }

    /// Whether the device stays when the descriptor is closed.
    package var isPersistent: Bool { clinux_tun_is_persistent(descriptor) == 1 }

    package func setPersistent(_ persistent: Bool) throws(TunError) {
        try Self.setPersistent(descriptor, name, persistent)
    }

    /// Takes one packet that the kernel sends through the interface. Gives its length in bytes, the `headerSize` bytes
    /// before it included, or 0 when there is none. `buffer` should hold `readSize` bytes, or without offloads the
    /// interface's MTU: the kernel cuts off what does not fit, and the packet is then malformed. Throws when the device is
    /// unusable.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(TunError) -> Int {
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count >= 0 {
                let packets = VirtioHeader.packets(
                    in: UnsafeRawBufferPointer(rebasing: buffer[..<min(count, buffer.count)]), headerSize)
                counters.read += UInt64(packets.count)
                counters.readBytes += UInt64(packets.bytes)
                return count
            }
            switch errno {
            case EINTR: continue
            case EAGAIN: return 0
            // The packet is lost in the kernel, not the device.
            case EIO, ENOMEM, ENOBUFS:
                counters.droppedFull += 1
                return 0
            case EBADFD, ENODEV: throw .gone(name: name)
            case let code: throw TunError("read from", name, code: code)
            }
        }
    }

    /// What dev_valid_name() of the kernel takes.
    static func isName(_ name: String) -> Bool {
        let bytes = name.utf8
        return (1...maximumNameLength).contains(bytes.count) && name != "." && name != ".."
            && bytes.allSatisfy { $0 > 32 && $0 != 127 && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") }
    }

    private static func attach(_ fd: Int32, _ name: String, flags: Int32) throws(TunError) -> String {
        var buffer = [CChar](repeating: 0, count: Int(CLINUX_INTERFACE_NAME_SIZE))
        for (index, byte) in name.utf8.enumerated() { buffer[index] = CChar(bitPattern: byte) }
        switch -clinux_tun_attach(fd, &buffer, flags) {
        case 0: return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        case EBUSY: throw .busy(name: name)
        case EINVAL: throw .wrongKind(name: name)
        case let code: throw TunError("attach to the TUN device", name, code: code)
        }
    }

    private static func setPersistent(_ fd: Int32, _ name: String, _ persistent: Bool) throws(TunError) {
        let result = clinux_tun_set_persistent(fd, persistent)
        guard result == 0 else { throw TunError("change the persistence of", name, code: -result) }
    }
}
