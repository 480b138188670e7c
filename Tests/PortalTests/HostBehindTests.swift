import TestSupport
import Testing
import Wire

@testable import Portal

/// A host on a network behind the box: the kernel of the box forwards between its LAN and the portal.
@Suite struct HostBehindTests {
    /// The box: fdaa:1::/64 behind it, fdaa:2::/64 behind bob.
    private static func box() throws -> TestPortal {
        let networks = try PortalNetworks(
            local: [try #require(IPv6Prefix("fdaa:1::/64"))],
            remote: [(try #require(IPv6Prefix("fdaa:2::/64")), try address("fd00::b"))])
        let portal = try TestPortal(networks: networks)
        try shell(
            "sh", "-ec",
            """
            echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
            ip -6 route add fdaa:2::/64 dev portal
            ip link add lan type veth peer name wan
            ip link set lan addrgenmode none up
            ip address add fdaa:1::1/64 dev lan nodad
            """)
        return portal
    }

    /// Starts a host with a network of its own on the LAN, fdaa:1::2, that runs `command` and ends with its status.
    private static func host(running command: String) throws -> ChildProcess {
        let ready = "for i in $(seq 500); do ip link show wan >/dev/null 2>&1 && break; sleep 0.01; done"
        let host = try ChildProcess(
            "unshare", "-n", "sh", "-ec",
            """
            \(ready)
            ip link set wan addrgenmode none up
            ip address add fdaa:1::2/64 dev wan nodad
            ip -6 route add default via fdaa:1::1
            \(command)
            """)
        // The link may only be handed over when the host has left our network.
        try shell(
            "sh", "-c",
            """
            for i in $(seq 500); do
                test "$(readlink /proc/\(host.id)/ns/net)" != "$(readlink /proc/self/ns/net)" && break
                sleep 0.01
            done
            ip link set wan netns \(host.id)
            """)
        return host
    }

    @Test func itsPacketsGoOutAndTheAnswersReachIt() throws {
        try NetworkNamespace.run {
            let portal = try Self.box()
            let bob = try address("fd00::b")
            let host = try Self.host(running: "ping -6 -c 2 -i 0.1 -w 8 fdaa:2::5")
            do {
                for _ in 0..<2 {
                    let request = try portal.next()
                    #expect(request.source == (try address("fdaa:1::2")))
                    #expect(portal.filter.location(of: request.destination) == .behind(bob))
                    // The kernel has counted the hop; the portal counts none.
                    #expect(request.packet[7] == 63)
                    try portal.echo(request, from: bob)
                }
            } catch {
                // Not left behind: ping ends by itself at its deadline.
                _ = host.wait()
                throw error
            }
            #expect(host.wait() == 0)
        }
    }

    @Test(arguments: [
        (ICMPv6Error.noRoute, "Destination unreachable: No route"),
        (.prohibited, "Destination unreachable: Administratively prohibited"),
        (.addressUnreachable, "Destination unreachable: Address unreachable"),
        (.tooBig(mtu: 1280), "Packet too big: mtu=1280"),
    ])
    func itHearsOfErrorsFromOurAddress(error: ICMPv6Error, words: String) throws {
        try NetworkNamespace.run {
            let portal = try Self.box()
            let host = try Self.host(
                running: "ping -6 -c 1 -w 8 -s 1400 -M do fdaa:2::5 | grep -q 'From fd00::1.*\(words)'")
            do {
                try portal.answer(try portal.next(), with: error)
            } catch {
                _ = host.wait()
                throw error
            }
            #expect(host.wait() == 0)
        }
    }
}
