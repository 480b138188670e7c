import Firewall
import INET256
import Netlink
import Settings
import TestSupport
import Testing
import Wire

@testable import inet256vpn

/// Which tracked connections are the portal's, and which of them a policy would not let begin.
@Suite struct OpenFlowsTests {
    private static let networks = """
        peers:
          - {id: \(Sample.plain), name: alice}
          - {id: \(Sample.dashed), name: bob}
          - {id: \(Sample.doubleDashed)}
        networks:
          lan: [fdaa:1::/64, "fdaa:3::/64"]
          dmz: fdaa:4::/64
          office: {via: bob, prefixes: [fdaa:2::/64]}
        groups:
          admins: [alice, ops, office, "fd12::/16"]
          ops: [\(Sample.doubleDashed), peers]

        """

    private static func flows(_ yaml: String) throws -> OpenFlows {
        try #require(OpenFlows(try Sample.parse(networks + yaml), own: try Sample.address(Sample.plain)))
    }

    private static func address(_ text: String) throws -> IPv6Address { try #require(IPv6Address(text)) }

    private static func connection(
        _ source: IPv6Address, to destination: String, _ port: UInt16, answeredBy answerer: String? = nil
    ) throws -> TrackedConnection {
        TrackedConnection(
            6, from: source, 40000, to: try address(destination), answeredBy: try address(answerer ?? destination), port
        )
    }

    @Test func whatGoesThroughThePortal() throws {
        var flows = try Self.flows("firewall: {}\n")
        let own = flows.portalAddress
        let router = try Self.address("fdaa:1::1")
        flows.ownAddresses = [own, router]
        let node = IPv6Map.standard.address(of: try Sample.address(Sample.dashed))
        func way(_ connection: TrackedConnection) -> FirewallPacket.Way? { flows.flow(connection)?.packet.way }

        #expect(try way(Self.connection(node, to: "\(own)", 22)) == .toBox)
        #expect(try way(Self.connection(own, to: "\(node)", 22)) == .fromBox)
        #expect(try way(Self.connection(node, to: "fdaa:1::7", 22)) == .toNetwork)
        // The box's address in the network behind it is the box.
        #expect(try way(Self.connection(node, to: "fdaa:1::1", 22)) == .toBox)
        #expect(try way(Self.connection(Self.address("fdaa:1::7"), to: "\(node)", 22)) == .fromNetwork)
        // Behind bob, in a network of the mesh.
        #expect(try way(Self.connection(Self.address("fdaa:2::7"), to: "\(own)", 22)) == .toBox)
        // Within our own networks, within the mesh, and elsewhere.
        for (from, to) in [
            ("fdaa:1::7", "fdaa:4::7"), ("\(own)", "fdaa:1::7"), ("\(node)", "fd01::1"), ("2001:db8::1", "2001:db8::2"),
            ("\(own)", "2001:db8::2"),
        ] {
            #expect(try way(Self.connection(Self.address(from), to: to, 22)) == nil, "\(from) \(to)")
        }
    }

    @Test func endsAreThoseThatTheForwardHookSees() throws {
        let flows = try Self.flows("firewall: {}\n")
        let node = IPv6Map.standard.address(of: try Sample.address(Sample.dashed))
        // Translated on its way in, as docker does with a published port.
        let inward = try #require(
            flows.flow(try Self.connection(node, to: "\(flows.portalAddress)", 8080, answeredBy: "fdaa:1::7")))
        #expect(inward.packet.destinationPort == 8080 && inward.packet.way == .toNetwork)
        #expect(inward.ends.theirs == node && inward.ends.theirPort == 40000)
        #expect(try inward.ends.ours == Self.address("fdaa:1::7") && inward.ends.ourPort == 8080)
        let outward = try #require(flows.flow(try Self.connection(flows.portalAddress, to: "\(node)", 443)))
        #expect(outward.ends.theirs == node && outward.ends.theirPort == 443 && outward.ends.ourPort == 40000)
    }

    @Test func whatCouldBeginNow() throws {
        let node = IPv6Map.standard.address(of: try Sample.address(Sample.dashed))
        func allowed(_ yaml: String, _ port: UInt16, isInbound: Bool = true) throws -> Bool {
            let flows = try Self.flows(yaml)
            let own = flows.portalAddress
            let connection =
                try isInbound
                ? Self.connection(node, to: "\(own)", port) : Self.connection(own, to: "\(node)", port)
            return flows.isAllowed(try #require(flows.flow(connection)))
        }
        let ssh = "firewall: {rules: [{allow: ssh, from: bob, limit: 1/day}], outbound: {rules: [{deny: smtp}]}}\n"
        #expect(try allowed(ssh, 22))
        #expect(try !allowed(ssh, 80))
        #expect(try allowed(ssh, 80, isInbound: false))
        #expect(try !allowed(ssh, 25, isInbound: false))
        // Whom `portal.allow` leaves out has nothing.
        #expect(try !allowed(ssh + "portal: {allow: [alice]}\n", 22))
        #expect(try allowed(ssh + "portal: {allow: [bob]}\n", 22))
    }
}
