import Foundation
import Testing

extension KernelTests {
    /// Names of the mesh, as programs of the machine ask about them.
    @Suite struct Names {
        /// A place that is asked.
        private struct Place {
            let address: String
            var port = 53

            static let loopback = Place(address: "127.0.0.1", port: 25653)
        }

        /// What dig says: its status, "none" without an answer, and the records of the answer section without owner and life.
        private struct Told: Equatable {
            let status: String
            let answers: [String]

            init(_ status: String, _ answers: [String]) {
                self.status = status
                self.answers = answers
            }
        }

        private func dig(_ box: Box, _ place: Place, _ words: String...) async throws -> Told {
            try await dig(box, place, words: words)
        }

        private func dig(_ box: Box, _ place: Place, words: [String]) async throws -> Told {
            let fixed = [
                "+tries=1", "+time=2", "+noall", "+answer", "+comments", "@\(place.address)", "-p", "\(place.port)",
            ]
            let outcome = try await box.run(words: ["dig"] + fixed + words)
            let status = outcome.output.firstMatch(of: #/status: ([A-Z]+)/#).map { String($0.1) }
            let lines = outcome.output.split(separator: "\n").filter { !$0.hasPrefix(";") }
            return Told(
                status ?? "none",
                lines.map { $0.split(whereSeparator: \.isWhitespace).dropFirst(3).joined(separator: " ") })
        }

        private func pid(_ box: Box) async throws -> Int {
            let status = try await box.command("status", "--json")
            let report = try JSONSerialization.jsonObject(with: Data(status.output.utf8)) as? [String: Any]
            return try #require(report?["pid"] as? Int, "\(status)")
        }

        private static let services =
            "dns: {services: [{name: _ssh._tcp, port: 22}, {name: _http._tcp, port: 80, host: bob}]}\ngroups: {crew: [bob]}\n"

        /// What a peer calls itself stands below the name that it has here, whatever it says; and goes when it says so no more.
        @Test(.timeLimit(.minutes(2)))
        func peersHaveNamesOfTheirOwn() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                let (alice, bob) = (boxes.alice, boxes.bob)
                let own = "dns: {own_names: [laptop, this, bob, alice]}\n"
                let more = bob.configuration.more
                bob.configuration.more += own
                try await boxes.start()
                func ask(_ name: String) async throws -> [String] {
                    try await dig(alice, .loopback, "\(name).mesh.internal", "AAAA").answers
                }
                try await eventually(within: .seconds(60), "alice has heard of it") {
                    try await ask("laptop.of.bob") == ["AAAA \(bob.ip6)"]
                }
                for name in ["this.of.bob", "bob.of.bob", "alice.of.bob"] {
                    #expect(try await ask(name) == ["AAAA \(bob.ip6)"])
                }
                // Nobody chooses his own name.
                #expect(try await ask("this") == ["AAAA \(alice.ip6)"])
                for name in ["laptop", "alice", "of.bob"] { #expect(try await ask(name) == []) }
                #expect(try await ask("bob") == ["AAAA \(bob.ip6)"])
                let peers = try await alice.command("peers", "--json").output
                #expect(peers.contains("own_names") && peers.contains("laptop"), "\(peers)")
                bob.configuration.more = more
                try bob.reload()
                try await eventually(within: .seconds(30), "it is forgotten") { try await ask("laptop.of.bob") == [] }
            }
        }

        /// Every type, by UDP and TCP, on loopback and on the portal's address.
        @Test(.timeLimit(.minutes(1)), arguments: [["+notcp"], ["+tcp"], ["+noedns"], ["+dnssec", "+cookie"]])
        func everyTypeIsAnswered(_ how: [String]) async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                let (alice, bob) = (boxes.alice, boxes.bob)
                alice.configuration.more += Self.services
                try await alice.start()
                for place in [Place.loopback, Place(address: alice.ip6)] {
                    func ask(_ words: String...) async throws -> Told {
                        try await dig(alice, place, words: how + words)
                    }
                    #expect(try await ask("bob.mesh.internal", "AAAA") == Told("NOERROR", ["AAAA \(bob.ip6)"]))
                    #expect(try await ask("BoB.Mesh.Internal", "AAAA").answers == ["AAAA \(bob.ip6)"])
                    #expect(try await ask("crew.mesh.internal", "AAAA").answers == ["AAAA \(bob.ip6)"])
                    #expect(try await ask("this.mesh.internal", "AAAA").answers == ["AAAA \(alice.ip6)"])
                    #expect(try await ask("bob.mesh.internal", "A") == Told("NOERROR", []))
                    #expect(try await ask("nobody.mesh.internal", "A") == Told("NXDOMAIN", []))
                    #expect(try await ask("-x", bob.ip6).answers == ["PTR bob.mesh.internal."])
                    #expect(try await ask("-x", alice.ip6).answers == ["PTR this.mesh.internal."])
                    #expect(
                        try await ask("_ssh._tcp.this.mesh.internal", "SRV").answers
                            == ["SRV 0 0 22 this.mesh.internal."])
                    #expect(
                        try await ask("_http._tcp.mesh.internal", "SRV").answers == ["SRV 0 0 80 bob.mesh.internal."])
                    #expect(try await ask("mesh.internal", "NS").answers == ["NS this.mesh.internal."])
                    #expect(try await ask("mesh.internal", "SOA").answers.count == 1)
                    #expect(try await ask("mesh.internal", "TXT") == Told("NOERROR", []))
                    #expect(try await ask("example.org", "A") == Told("REFUSED", []))
                    #expect(try await ask("bob.mesh.internal", "ANY").answers == ["AAAA \(bob.ip6)"])
                }
                let transfer = try await alice.run(
                    "dig", "+tries=1", "@127.0.0.1", "-p", "25653", "mesh.internal", "AXFR")
                #expect(transfer.output.contains("Transfer failed"), "\(transfer)")
            }
        }

        /// An address that nobody configured is a name; commands take names wherever they take addresses.
        @Test(.timeLimit(.minutes(1)))
        func namesLeadThere() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                let (alice, bob) = (boxes.alice, boxes.bob)
                try await boxes.start()
                try await eventually("bob answers") { try await alice.reaches(bob.ip6) }
                for name in ["bob", "bob.mesh.internal", "BOB.mesh.internal.", bob.address] {
                    let pinged = try await alice.command("ping", "-c", "1", name)
                    #expect(pinged.succeeded && pinged.output.contains("1 received"), "\(pinged)")
                    let place = try await alice.command("ip6-addr", name)
                    #expect(place.output == bob.ip6 + "\n", "\(place)")
                }
                #expect(try await alice.command("ip6-addr", "this.mesh.internal").output == alice.ip6 + "\n")
                let found = try await alice.command("find", "bob.mesh.internal")
                #expect(found.output == bob.address + "\n", "\(found)")
                let nobody = try await alice.command("ping", "-c", "1", "bop.mesh.internal")
                #expect(nobody.status == 2 && nobody.errors.contains("did you mean \"bob\""), "\(nobody)")
                // The way back of a stranger's address is known once somebody has asked for it.
                let stranger = try await Box("stranger", namespace: "none", in: bed)
                let label = try #require(Self.label(stranger.address))
                let name = "\(label).mesh.internal"
                #expect(try await dig(alice, .loopback, "-x", stranger.ip6).status == "NXDOMAIN")
                #expect(try await dig(alice, .loopback, name, "AAAA").answers == ["AAAA \(stranger.ip6)"])
                #expect(try await dig(alice, .loopback, "-x", stranger.ip6).answers == ["PTR \(name)."])
                #expect(try await alice.command("ip6-addr", label).output == stranger.ip6 + "\n")
            }
        }

        /// Base32 of the address that a text of 43 characters is, reckoned without the program's own code.
        private static func label(_ text: String) -> String? {
            let order = Array("-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
            var bits = ""
            for character in text {
                guard let value = order.firstIndex(of: character) else { return nil }
                let digits = String(value, radix: 2)
                bits += String(repeating: "0", count: 6 - digits.count) + digits
            }
            // 258 bits, of which two are none of it; 260 are 52 characters.
            bits = String(bits.prefix(256)) + "0000"
            let letters = Array("abcdefghijklmnopqrstuvwxyz234567")
            return String(
                stride(from: 0, to: 260, by: 5).compactMap { place in
                    let start = bits.index(bits.startIndex, offsetBy: place)
                    return Int(bits[start..<bits.index(start, offsetBy: 5)], radix: 2).map { letters[$0] }
                })
        }

        @Test(.timeLimit(.minutes(1)))
        func aReloadChangesNames() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                let (alice, bob) = (boxes.alice, boxes.bob)
                try await alice.start()
                #expect(try await dig(alice, .loopback, "robert.mesh.internal", "AAAA").status == "NXDOMAIN")
                alice.configuration.peers = [.init(name: "robert", id: bob.address)]
                try alice.reload()
                try await eventually("robert has a name") {
                    try await dig(alice, .loopback, "robert.mesh.internal", "AAAA").answers == ["AAAA \(bob.ip6)"]
                }
                #expect(try await dig(alice, .loopback, "bob.mesh.internal", "AAAA").status == "NXDOMAIN")
                #expect(try await dig(alice, .loopback, "-x", bob.ip6).answers == ["PTR robert.mesh.internal."])
                alice.configuration.more += "dns: {zone: lab.example, allow: peers}\n"
                try alice.reload()
                try await eventually("the zone is another") {
                    try await dig(alice, .loopback, "robert.lab.example", "AAAA").answers == ["AAAA \(bob.ip6)"]
                }
                #expect(try await dig(alice, .loopback, "robert.mesh.internal", "AAAA").status == "REFUSED")
                let status = try await alice.command("status")
                #expect(status.output.contains("names      lab.example"), "\(status)")
                #expect(status.output.contains("answers this machine, peers"), "\(status)")
                #expect(status.output.contains("dnsmasq: server=/lab.example/\(alice.ip6)#53"), "\(status)")
                let pinged = try await alice.command("ip6-addr", "robert.lab.example")
                #expect(pinged.output == bob.ip6 + "\n", "\(pinged)")
            }
        }

        /// Nobody else is answered: the firewall does not let them in, and where it does they are refused, unless they are named.
        @Test(.timeLimit(.minutes(1)))
        func othersAreAnsweredWhereTheyAreNamed() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                let (alice, bob) = (boxes.alice, boxes.bob)
                let place = Place(address: alice.ip6)
                let rules = alice.configuration.more
                alice.configuration.more = ""
                try await boxes.start()
                try await eventually("bob answers") { try await alice.reaches(bob.ip6) }
                #expect(try await dig(bob, place, "this.mesh.internal", "AAAA").status == "none")
                alice.configuration.more = rules
                try await alice.reload(firewall: rules)
                #expect(try await dig(bob, place, "this.mesh.internal", "AAAA") == Told("REFUSED", []))
                #expect(try await dig(bob, place, "+tcp", "this.mesh.internal", "AAAA").status == "none")
                try await alice.reload(firewall: rules + "dns: {allow: [bob]}\n")
                #expect(
                    try await dig(bob, place, "this.mesh.internal", "AAAA") == Told("NOERROR", ["AAAA \(alice.ip6)"]))
                #expect(
                    try await dig(bob, place, "+tcp", "this.mesh.internal", "AAAA")
                        == Told("NOERROR", ["AAAA \(alice.ip6)"])
                )
                #expect(try await dig(bob, place, "example.org", "AAAA") == Told("REFUSED", []))
            }
        }

        /// A port that somebody has is a warning, and taken when it is free.
        @Test(.timeLimit(.minutes(2)))
        func aPortThatIsTaken() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                let alice = boxes.alice
                let other = try alice.start("socat", "UDP4-RECVFROM:25653,bind=127.0.0.1,fork", "EXEC:/bin/true")
                try await eventually("the port is taken") {
                    try await alice.run("ss", "-lnu").output.contains("127.0.0.1:25653")
                }
                try await alice.start()
                #expect(try await dig(alice, Place(address: alice.ip6), "bob.mesh.internal", "AAAA").answers.count == 1)
                let status = try await alice.command("status")
                #expect(
                    status.output.contains("WARNING: names are not answered about at 127.0.0.1:25653: cannot bind"),
                    "\(status)")
                other.signal(SIGTERM)
                _ = await other.finish()
                try await eventually(within: .seconds(40), "it is taken when it is free") {
                    try await dig(alice, .loopback, "bob.mesh.internal", "AAAA").answers.count == 1
                }
                #expect(try await !alice.command("status").output.contains("names are not answered"))
            }
        }

        /// Without the right to port 53 the daemon comes up, says so, and answers on loopback.
        @Test(.timeLimit(.minutes(1)))
        func withoutTheRightToPort53() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                let drop = "-net_bind_service"
                try await boxes.alice.start(through: ["setpriv", "--bounding-set=\(drop)", "--inh-caps=\(drop)"])
                #expect(try await dig(boxes.alice, .loopback, "bob.mesh.internal", "AAAA").answers.count == 1)
                #expect(boxes.alice.log.contains("takes CAP_NET_BIND_SERVICE"), "\(boxes.alice.log)")
                let status = try await boxes.alice.command("status")
                #expect(status.output.contains("dnsmasq: server=/mesh.internal/127.0.0.1#25653"), "\(status)")
                #expect(await boxes.alice.stop()?.status == 0)
            }
        }

        /// Junk by UDP, and connections that say nothing, half of something or junk: whoever asks is answered.
        @Test(.timeLimit(.minutes(2)))
        func junkKeepsNobodyWaiting() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                let alice = boxes.alice
                try await alice.start()
                let junk = """
                    import os, random, socket, struct
                    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    whole = struct.pack(">HHHHHH", 1, 256, 1, 0, 0, 0) + b"\\3bob\\4mesh\\10internal\\0\\0\\34\\0\\1"
                    for number in range(20000):
                        bent = bytearray(whole if number % 2 else os.urandom(random.randrange(600)))
                        for _ in range(random.randrange(4)):
                            if bent: bent[random.randrange(len(bent))] = random.randrange(256)
                        udp.sendto(bytes(bent), ("127.0.0.1", 25653))
                    held = []
                    for number in range(200):
                        tcp = socket.create_connection(("127.0.0.1", 25653))
                        try: tcp.sendall([b"", b"\\0", b"\\0\\50" + whole[:9], b"\\377\\377" + os.urandom(99), os.urandom(5000)][number % 5])
                        except OSError: pass
                        held.append(tcp)
                    print("done", flush=True)
                    import time
                    time.sleep(60)
                    """
                let thrower = try alice.start("python3", "-c", junk)
                try await eventually(within: .seconds(60), "all is thrown") { thrower.said.contains("done") }
                #expect(try await dig(alice, .loopback, "bob.mesh.internal", "AAAA").answers.count == 1)
                #expect(try await dig(alice, .loopback, "+tcp", "bob.mesh.internal", "AAAA").answers.count == 1)
                let files = try FileManager.default.contentsOfDirectory(
                    atPath: "/proc/\(try await pid(alice))/fd")
                #expect(files.count < 150, "\(files.count) open files")
                thrower.signal(SIGTERM)
                let metrics = try await alice.run(
                    "curl", "-s", "--unix-socket", alice.directory + "/api.sock", "http://x/metrics")
                #expect(
                    metrics.output.contains("inet256_dns_answers_total{outcome=\"malformed\"}"),
                    "\(metrics.said.suffix(500))")
                #expect(await alice.stop()?.status == 0)
            }
        }

        /// Nothing but this machine's own network is told: where process 1 sees another one, nobody is.
        @Test(.timeLimit(.minutes(1)))
        func anotherNetworkIsNotTold() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                try await boxes.alice.start()
                try await eventually("it has looked") {
                    let status = try await boxes.alice.command("status", "--json")
                    let report =
                        try JSONSerialization.jsonObject(with: Data(status.output.utf8)) as? [String: Any]
                    return (report?["dns"] as? [String: Any])?["resolved"] as? String == "elsewhere"
                }
            }
        }
    }
}
