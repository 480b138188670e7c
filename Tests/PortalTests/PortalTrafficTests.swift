import Glibc
import TestSupport
import Testing
import Wire

@testable import Portal

/// A connected UDP socket that wants to hear of every ICMPv6 error.
private final class Client {
    let descriptor: Int32

    init(to destination: String) throws {
        descriptor = socket(AF_INET6, Int32(SOCK_DGRAM.rawValue), 0)
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_RECVERR, &on, 4)
        // Ten seconds at most, should no error come.
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var remote = sockaddr_in6()
        remote.sin6_family = sa_family_t(AF_INET6)
        remote.sin6_port = UInt16(9).bigEndian
        try #require(inet_pton(AF_INET6, destination, &remote.sin6_addr) == 1)
        let result = withUnsafePointer(to: remote) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
            }
        }
        try #require(result == 0)
    }

    deinit { close(descriptor) }

    func send(_ count: Int) -> Int32 {
        let bytes = [UInt8](repeating: 0, count: count)
        return Glibc.send(descriptor, bytes, count, 0) == count ? 0 : errno
    }

    /// The errno that the next receive gives, or 0.
    func receiveError() -> Int32 {
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, 0) < 0 ? errno : 0
    }

    /// What the kernel thinks of the path.
    var mtu: Int32 {
        var value: Int32 = 0
        var length = socklen_t(4)
        getsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_MTU, &value, &length)
        return value
    }
}

@Suite struct PortalTrafficTests {
    @Test(arguments: [56, 1400, 3000]) func pingIsReadAndAnswered(size: Int) throws {
        try NetworkNamespace.run {
            let portal = try TestPortal()
            let ping = try ChildProcess("ping", "-6", "-c", "3", "-i", "0.1", "-w", "8", "-s", "\(size)", "fd00::2")
            do {
                for _ in 0..<3 {
                    let request = try portal.next()
                    #expect(request.destination == (try address("fd00::2")) && request.payloadLength == size + 8)
                    #expect(request.payload.first == 128)
                    try portal.echo(request)
                }
            } catch {
                // Not left behind: ping ends by itself at its deadline.
                _ = ping.wait()
                throw error
            }
            #expect(ping.wait() == 0)
            #expect(portal.tun.counters.read >= 3 && portal.tun.counters.written == 3)
        }
    }

    @Test(arguments: [
        (ICMPv6Error.noRoute, ENETUNREACH), (.prohibited, EACCES), (.addressUnreachable, EHOSTUNREACH),
        (.hopLimitExceeded, EHOSTUNREACH),
    ])
    func anErrorIsHeardByTheSender(error: ICMPv6Error, code: Int32) throws {
        try NetworkNamespace.run {
            let portal = try TestPortal()
            let client = try Client(to: "fd00::2")
            #expect(client.send(3000) == 0)
            try portal.answer(try portal.next(), with: error)
            #expect(client.receiveError() == code)
        }
    }

    @Test func tooBigSetsTheMTUOfThePath() throws {
        try NetworkNamespace.run {
            let portal = try TestPortal()
            let client = try Client(to: "fd00::2")
            #expect(client.mtu == 4000)
            #expect(client.send(3000) == 0)
            try portal.answer(try portal.next(), with: .tooBig(mtu: 1400))
            #expect(client.mtu == 1400)
        }
    }
}
