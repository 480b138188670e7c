import Glibc
import System
import TestSupport
import Testing
import Wire

@testable import Transport

@Suite struct UDPSocketTests {
    @Test func aPortInUseSaysSo() throws {
        let first = try UDPSocket.on("127.0.0.1:0")
        let port = first.local.port
        let error = #expect(throws: TransportError.self) { try UDPSocket.on("127.0.0.1:\(port)") }
        #expect(error?.code == EADDRINUSE)
        #expect(error?.operation == "bind" && error?.object == "UDP 127.0.0.1:\(port)")
        #expect(error?.description.contains("port \(port) is in use: stop the program") == true)
    }

    @Test func dualStackAndIPv4CollideOnOnePort() throws {
        let dual = try UDPSocket.on("[::]:0")
        let error = #expect(throws: TransportError.self) { try UDPSocket.on("0.0.0.0:\(dual.local.port)") }
        #expect(error?.code == EADDRINUSE)
    }

    @Test func anAddressThatIsNotOursSaysSo() {
        let error = #expect(throws: TransportError.self) { try UDPSocket.on("192.0.2.77:0") }
        #expect(error?.code == EADDRNOTAVAIL)
        #expect(error?.description.contains("no interface of this machine has this address") == true)
    }

    @Test func aClosedDescriptorIsAnError() throws {
        let socket = try UDPSocket.on("127.0.0.1:0")
        // Something else in its place, and nothing receives on that.
        let file = open("/dev/null", O_RDWR | O_CLOEXEC)
        try #require(dup2(file, socket.descriptor) == socket.descriptor)
        close(file)
        let received = #expect(throws: TransportError.self) { try socket.receive(into: DatagramBatch()) }
        #expect(received?.code == ENOTSOCK)
        let sent = #expect(throws: TransportError.self) { try socket.sendOne([1], try socket.path("127.0.0.1")) }
        #expect(sent?.code == ENOTSOCK)
    }

    @Test func nothingThereIsNoError() throws {
        let socket = try UDPSocket.on("127.0.0.1:0")
        #expect(try socket.receive(into: DatagramBatch()) == 0)
        #expect(socket.counters == UDPCounters())
    }

    @Test func dualStackGivesTheLocalAddressOfBothFamilies() throws {
        try NetworkNamespace.run {
            let lo = if_nametoindex("lo")
            let dual = try UDPSocket.on("[::]:0", number: 3)
            let v4 = try UDPSocket.on("0.0.0.0:0", number: 4)
            let v6 = try UDPSocket.on("[::1]:0")
            #expect(try v4.sendOne([4], try dual.path("127.0.0.5")) == .sent)
            #expect(try v6.sendOne([6], try dual.path("::1")) == .sent)
            let got = try dual.collect(2)
            try #require(got.count == 2)
            #expect(got[0].bytes == [4])
            #expect(got[0].path.remote == Endpoint(address: try "127.0.0.1".address, port: v4.local.port))
            #expect(got[0].path.local == (try "127.0.0.5".address))
            #expect(got[0].path.interface == lo && got[0].path.socket == 3)
            #expect(got[1].bytes == [6])
            #expect(got[1].path.remote == Endpoint(address: .loopback, port: v6.local.port))
            #expect(got[1].path.local == .loopback && got[1].path.interface == lo)

            // The answer leaves from the address that was called, not from the loopback's first one.
            #expect(try dual.sendOne([44], got[0].path) == .sent)
            let answer = try v4.collect(1)
            #expect(answer.first?.path.remote == Endpoint(address: try "127.0.0.5".address, port: dual.local.port))
            #expect(answer.first?.path.local == (try "127.0.0.1".address))
            #expect(answer.first?.path.socket == 4 && answer.first?.path.interface == lo)
        }
    }

    @Test func sourcesStick() throws {
        try NetworkNamespace.run {
            try shell("ip", "-6", "addr", "add", "fd00::1/128", "dev", "lo", "nodad")
            try shell("ip", "-6", "addr", "add", "fd00::2/128", "dev", "lo", "nodad")
            let receiver6 = try UDPSocket.on("[::]:0")
            let receiver4 = try UDPSocket.on("127.0.0.1:0")
            let dual = try UDPSocket.on("[::]:0")
            let plain4 = try UDPSocket.on("0.0.0.0:0")
            for source in ["fd00::1", "fd00::2"] {
                var path = try receiver6.path("::1")
                path.local = try source.address
                #expect(try dual.sendOne([1], path) == .sent)
                #expect(try receiver6.collect(1).first?.path.remote.address == path.local)
            }
            for (sender, source) in [(dual, "127.0.0.7"), (plain4, "127.0.0.8")] {
                var path = try receiver4.path("127.0.0.1")
                path.local = try source.address
                #expect(try sender.sendOne([1], path) == .sent)
                #expect(try receiver4.collect(1).first?.path.remote.address == path.local)
            }
        }
    }

    @Test func aSourceThatIsGoneIsReportedAndTheDatagramStillGoes() throws {
        try NetworkNamespace.run {
            let receiver = try UDPSocket.on("[::]:0")
            let dual = try UDPSocket.on("[::]:0")
            let plain4 = try UDPSocket.on("0.0.0.0:0")
            for (sender, target, source) in [
                (dual, "::1", "fd00::9"), (dual, "127.0.0.1", "192.0.2.9"), (plain4, "127.0.0.1", "192.0.2.9"),
            ] {
                var stale = try receiver.path(target)
                stale.local = try source.address
                let fresh = try receiver.path(target)
                // In the middle of others, which it must not hold up.
                let outcomes = try [1, 2, 3].withUnsafeBytes { raw in
                    var records = [fresh, stale, fresh].enumerated().map { index, path in
                        OutgoingDatagram(bytes: UnsafeRawBufferPointer(rebasing: raw[index..<index + 1]), path: path)
                    }
                    let progress = try records.withUnsafeMutableBufferPointer { try sender.send($0) }
                    #expect(progress == SendProgress(done: 3, remarkable: 1))
                    return records.map(\.outcome)
                }
                #expect(outcomes == [.sent, .sentFromOtherAddress, .sent])
                #expect(try receiver.collect(3).count == 3)
            }
            #expect(dual.counters.sentFromOtherAddress == 2 && dual.counters.sent == 6)
        }
    }

    @Test func linkLocalPathsKeepTheirInterface() throws {
        try NetworkNamespace.run {
            try shell("ip", "link", "add", "left", "type", "veth", "peer", "name", "right")
            for (name, address) in [("left", "fe80::1/64"), ("right", "fe80::2/64")] {
                try shell("ip", "link", "set", name, "addrgenmode", "none", "up")
                try shell("ip", "addr", "add", address, "dev", name, "nodad")
            }
            let left = if_nametoindex("left")
            let socket = try UDPSocket.on("[::]:0")
            let other = try UDPSocket.on("[::]:0")
            // To our own address on that link: delivered over the loopback, but the zone is the link's.
            var path = try other.path("fe80::1")
            path.interface = left
            #expect(try socket.sendOne([2], path) == .sent)
            let got = try other.collect(1)
            #expect(got.first?.bytes == [2])
            #expect(got.first?.path.remote.scope == left)
        }
    }
}
