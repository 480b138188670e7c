import Foundation
import Testing

extension KernelTests {
    /// Where peers are as nameservers have it.
    @Suite struct PublishedNames {
        /// Alice, whose one nameserver runs beside bob.
        private func with(
            records: (_ bob: Box) -> [String], endpoint: String, _ body: (Box, Box, RunningCommand) async throws -> Void
        ) async throws {
            try await Testbed.with { bed in
                let (alice, bob) = (try await bed.box("alice"), try await bed.box("bob"))
                try await bed.wire(alice, "10.61.1.1/24", bob, "10.61.1.2/24")
                bob.configuration.peers = [.init(name: "alice", id: alice.address)]
                let script = Requirements.root + "/Tests/KernelTests/Reach/nameserver.py"
                let server = try bob.start(words: ["python3", script, "10.61.1.2"] + records(bob))
                try await eventually("it answers") { server.said.contains("ready") }
                // ip-netns(8) lays these over those of /etc.
                let folder = "/etc/netns/\(alice.namespace)"
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                defer { try? FileManager.default.removeItem(atPath: folder) }
                let files = [
                    "resolv.conf": "nameserver 10.61.1.2\noptions timeout:20\n", "hosts": "127.0.0.1 localhost\n",
                ]
                for (name, text) in files {
                    try text.write(toFile: folder + "/" + name, atomically: false, encoding: .utf8)
                }
                alice.configuration.peers = [.init(name: "bob", id: bob.address)]
                alice.configuration.peerLines = ["addrs: [\"\(endpoint)\"]"]
                try await bob.start()
                try await alice.start()
                try await body(alice, bob, server)
            }
        }

        private func isUp(_ alice: Box) async throws -> Bool {
            try await alice.command("peers", "--json").output.replacing(" ", with: "").contains("\"state\":\"up\"")
        }

        /// A nameserver that never answers about IPv6 addresses keeps nobody from the IPv4 ones.
        @Test(.timeLimit(.minutes(1)))
        func aDeadFamilyIsNotWaitedFor() async throws {
            let records = { (_: Box) in ["A,bob.mesh.test,10.61.1.2", "MUTE,AAAA"] }
            try await with(records: records, endpoint: "udp://bob.mesh.test:25632") { alice, _, server in
                let began = ContinuousClock.now
                try await eventually(within: .seconds(10), "bob is up") { try await isUp(alice) }
                // The C library would wait for 20 s.
                #expect(ContinuousClock.now - began < .seconds(3) * Requirements.slack)
                #expect(server.said.contains("AAAA bob.mesh.test"))
            }
        }

        /// A list for many boxes: only what is about this peer counts.
        @Test(.timeLimit(.minutes(1)))
        func aTextNamesThePeer() async throws {
            let records = { (bob: Box) in
                [
                    "TXT,boxes.test,inet256vpn=\(String(repeating: "A", count: 43)) udp://10.61.1.66:25632",
                    "TXT,boxes.test,v=spf1 -all",
                    "TXT,boxes.test,inet256vpn=\(bob.address) udp://10.61.1.2:25632",
                    "SRV,_inet256vpn._udp.boxes.test,9,nobody.test",
                ]
            }
            try await with(records: records, endpoint: "dns://boxes.test") { alice, _, _ in
                try await eventually(within: .seconds(10), "bob is up") { try await isUp(alice) }
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func aServiceIsThePeersWhereNoTextIs() async throws {
            let records = { (_: Box) in
                ["SRV,_inet256vpn._udp.one.test,25632,bob.one.test", "A,bob.one.test,10.61.1.2", "MUTE,AAAA"]
            }
            try await with(records: records, endpoint: "dns://one.test") { alice, _, _ in
                try await eventually(within: .seconds(10), "bob is up") { try await isUp(alice) }
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func aNameWithoutRecordsIsSaid() async throws {
            try await with(records: { _ in [] }, endpoint: "dns://none.test") { alice, _, _ in
                try await eventually(within: .seconds(10), "the failure is said") {
                    let shown = try await alice.command("peers")
                    return shown.output.contains("cannot resolve \"none.test\"")
                }
            }
        }
    }
}
