import Glibc
import TestSupport
import Testing
import Wire

@testable import Portal

@Suite struct TunDeviceTests {
    @Test(arguments: ["", "sixteen-bytes-xx", "a/b", "a b", "a:b", ".", "..", "new\nline", "nul\0"])
    func badNamesAreRefused(name: String) {
        #expect(throws: TunError.badName(name)) { try TunDevice(name: name) }
    }

    @Test func errorsSayWhatToDo() {
        #expect(TunError.noDriver.description.contains("modprobe tun"))
        #expect(TunError("open", "/dev/net/tun", code: EPERM).description.contains("CAP_NET_ADMIN"))
        #expect(TunError("open", "/dev/net/tun", code: EACCES).description.contains("CAP_NET_ADMIN"))
        #expect(TunError.busy(name: "x").description.contains("x is in use by another process"))
        #expect(TunError("read from", "x", code: EFAULT).description == "cannot read from x: Bad address")
    }

    @Test func namesAreRequestedOrAssigned() throws {
        try NetworkNamespace.run {
            let requested = try TunDevice(name: "portal")
            #expect(requested.name == "portal" && if_nametoindex("portal") != 0)
            #expect(try TunDevice(name: "fifteen-bytes-x").name == "fifteen-bytes-x")
            let first = try TunDevice()
            let second = try TunDevice(name: "mesh%d")
            #expect(first.name == "tun0" && second.name == "mesh0")
            #expect(!first.isPersistent)
        }
    }

    @Test func aDeviceGoesWithItsOwnerUnlessItIsPersistent() throws {
        try NetworkNamespace.run {
            _ = try TunDevice(name: "passing")
            #expect(if_nametoindex("passing") == 0)
            _ = try TunDevice(name: "staying", persistent: true)
            let index = if_nametoindex("staying")
            #expect(index != 0)
            do {
                let again = try TunDevice(name: "staying")
                #expect(again.isPersistent && if_nametoindex("staying") == index, "taken over, not made anew")
                try again.setPersistent(false)
                #expect(!again.isPersistent)
            }
            #expect(if_nametoindex("staying") == 0)
        }
    }

    @Test func busyAndForeignInterfacesAreToldApart() throws {
        try NetworkNamespace.run {
            let first = try TunDevice(name: "portal")
            #expect(throws: TunError.busy(name: "portal")) { try TunDevice(name: "portal") }
            try shell("ip", "link", "add", "other", "type", "veth", "peer", "name", "peer")
            #expect(throws: TunError.wrongKind(name: "other")) { try TunDevice(name: "other") }
            try shell("ip", "tuntap", "add", "ethernet", "mode", "tap")
            #expect(throws: TunError.wrongKind(name: "ethernet")) { try TunDevice(name: "ethernet") }
            #expect(first.name == "portal")
        }
    }

    @Test func whatIsWrongWithAPacketOrTheLinkIsCounted() throws {
        try NetworkNamespace.run {
            let tun = try TunDevice(name: "portal")
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 2048, alignment: 16)
            defer { buffer.deallocate() }
            #expect(try tun.read(into: buffer) == 0)
            let good = try packet("fd00::2", "fd00::1")
            #expect(try !good.withUnsafeBytes { try tun.write($0) }, "the link is down")
            #expect(tun.counters.droppedDown == 1)
            try shell("ip", "link", "set", "portal", "up")
            #expect(try good.withUnsafeBytes { try tun.write($0) })
            #expect(try ![0x10, 0, 0, 0].withUnsafeBytes { try tun.write($0) }, "neither IPv4 nor IPv6")
            #expect(try !tun.write(UnsafeRawBufferPointer(start: nil, count: 0)))
            #expect(tun.counters.droppedRefused == 2)
            #expect(tun.counters.written == 1 && tun.counters.writtenBytes == UInt64(good.count))

            try shell("ip", "link", "delete", "portal")
            #expect(throws: TunError.gone(name: "portal")) { try tun.read(into: buffer) }
            #expect(throws: TunError.gone(name: "portal")) { try good.withUnsafeBytes { try tun.write($0) } }
        }
    }
}
