import Foundation
import Testing

extension KernelTests {
    /// What a box says of itself follows what the kernel has.
    @Suite struct OwnAddresses {
        private func hosts(_ box: Box) async throws -> [String] {
            // Link-local ones come by themselves, in their own time.
            try await NetcheckJSON.candidates(of: box, "host").filter { !$0.contains("fe80") }
        }

        @Test(.timeLimit(.minutes(2)))
        func addressesComeAndGo() async throws {
            try await Testbed.with { bed in
                let (alice, bob) = (try await bed.box("alice"), try await bed.box("bob"))
                try await bed.wire(alice, "192.168.7.1/24", bob, "192.168.7.2/24")
                let link = alice.link(to: bob)
                try await alice.start()
                try await eventually("the address is known") { try await hosts(alice) == ["192.168.7.1:25632"] }
                // The portal's own is nobody's way to this box.
                #expect(try await !NetcheckJSON.candidates(of: alice, "host").contains { $0.contains(alice.ip6) })
                func holds(_ endpoints: String...) async throws {
                    try await eventually(within: .seconds(3), "\(endpoints)") { try await hosts(alice) == endpoints }
                }
                func address(_ words: String...) async throws {
                    let done = try await bed.run(["ip", "-n", alice.namespace, "address"] + words + ["dev", link])
                    try #require(done.succeeded, "\(done)")
                }
                try await address("add", "2001:db8:7::1/64", "nodad")
                try await holds("[2001:db8:7::1]:25632", "192.168.7.1:25632")
                try await address("add", "203.0.113.1/24")
                try await holds("[2001:db8:7::1]:25632", "203.0.113.1:25632", "192.168.7.1:25632")
                // Its time is over: nothing new begins with it.
                try await address("change", "2001:db8:7::1/64", "preferred_lft", "0")
                try await holds("203.0.113.1:25632", "192.168.7.1:25632")
                try await bed.ip("-n", alice.namespace, "link", "set", link, "down")
                try await holds()
                try await bed.ip("-n", alice.namespace, "link", "set", link, "up")
                try await holds("203.0.113.1:25632", "192.168.7.1:25632")
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func whatIsAdvertised() async throws {
            try await Testbed.with { bed in
                let alice = try await bed.box("alice")
                let folder = "/etc/netns/\(alice.namespace)"
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                defer { try? FileManager.default.removeItem(atPath: folder) }
                func write(_ name: String, _ text: String) throws {
                    try text.write(toFile: folder + "/" + name, atomically: false, encoding: .utf8)
                }
                try write("hosts", "127.0.0.1 localhost\n203.0.113.8 home.test\n")
                try write("resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
                alice.configuration.portal = false
                alice.configuration.more =
                    #"advertise: ["udp://203.0.113.7:1", "udp://home.test:2", "udp://gone.test:3"]"#
                try await alice.start()
                func advertised() async throws -> [String] {
                    try await NetcheckJSON.candidates(of: alice, "advertised")
                }
                try await eventually("what is known is told") {
                    try await advertised() == ["203.0.113.7:1", "203.0.113.8:2"]
                }
                try await eventually("what is not is said") {
                    try await alice.command("netcheck").output.contains("nobody knows where udp://gone.test:3 is")
                }
                alice.configuration.more = #"advertise: ["udp://203.0.113.7:4"]"#
                try alice.reload()
                try await eventually("another is told") { try await advertised() == ["203.0.113.7:4"] }
                alice.configuration.more = ""
                try alice.reload()
                try await eventually("none is told") { try await advertised().isEmpty }
            }
        }
    }
}
