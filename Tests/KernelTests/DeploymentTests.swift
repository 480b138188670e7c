import Foundation
import Testing

extension KernelTests {
    /// Who runs it and how: the systemd unit, the sample, the unprivileged user, what status tells.
    @Suite struct Deployment {
        @Test(.timeLimit(.minutes(1)))
        func systemdAcceptsTheUnitAndFindsItWellShut() async throws {
            try await Testbed.with { bed in
                guard Requirements.isInPath("systemd-analyze") else { throw NotThere(what: "systemd-analyze") }
                // The unit names the installed program: verify checks that it can be run, so name the built one.
                let unit = try String(contentsOfFile: Requirements.root + "/deploy/inet256vpn.service", encoding: .utf8)
                let path = bed.directory + "/inet256vpn.service"
                let here = unit.replacing("/usr/local/bin/inet256vpn", with: try Requirements.binary())
                try here.write(toFile: path, atomically: true, encoding: .utf8)
                let verified = try await bed.run(["systemd-analyze", "verify", path])
                #expect(verified.succeeded && verified.said.isEmpty, "\(verified)")
                // Together with each of the pieces that may be put beside it.
                let beside = path + ".d"
                for piece in ["realtime.conf"] {
                    try FileManager.default.createDirectory(atPath: beside, withIntermediateDirectories: true)
                    let copy = beside + "/" + piece
                    try FileManager.default.copyItem(atPath: Requirements.root + "/deploy/" + piece, toPath: copy)
                    let verified = try await bed.run(["systemd-analyze", "verify", path])
                    #expect(verified.succeeded && verified.said.isEmpty, "\(piece): \(verified)")
                    try FileManager.default.removeItem(atPath: beside)
                }
                // What writes down who has joined.
                for name in ["inet256vpn-joined.service", "inet256vpn-joined.path"] {
                    let text = try String(contentsOfFile: Requirements.root + "/deploy/" + name, encoding: .utf8)
                    try text.replacing("/usr/local/bin/inet256vpn", with: try Requirements.binary())
                        .write(toFile: bed.directory + "/" + name, atomically: true, encoding: .utf8)
                }
                for name in ["inet256vpn-joined.service", "inet256vpn-joined.path"] {
                    let verified = try await bed.run(["systemd-analyze", "verify", bed.directory + "/" + name])
                    #expect(verified.succeeded && verified.said.isEmpty, "\(name): \(verified)")
                }
                let writer = bed.directory + "/inet256vpn-joined.service"
                let shut = try await bed.run(
                    ["systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=40", writer])
                #expect(shut.succeeded, "\(shut)")
                // Exposure in tenths: at most 2.5 of 10.
                let judged = try await bed.run(
                    ["systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=25", path])
                #expect(judged.succeeded, "\(judged)")
                // After every ending the guard is settled, by the program and options that there are.
                let settling = try #require(unit.split(separator: "\n").first { $0.hasPrefix("ExecStopPost=") })
                let words = settling.dropFirst("ExecStopPost=-/usr/local/bin/inet256vpn ".count).split(separator: " ")
                let told = try await bed.run([try Requirements.binary()] + words.map(String.init) + ["--help"])
                #expect(told.succeeded && told.output.contains("--unless-always"), "\(told)")
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func theSampleConfigurationIsValid() async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                let sample = box.directory + "/sample.yaml"
                try FileManager.default.copyItem(
                    atPath: Requirements.root + "/deploy/config.sample.yaml", toPath: sample)
                let checked = try await box.command("check", sample)
                #expect(checked.succeeded, "\(checked)")
                #expect(checked.output.contains("office"))
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func withoutAPortalAnyUserRunsIt() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                boxes.bob.configuration.portal = false
                let chown = try await bed.run(["chown", "-R", "65534:65534", boxes.bob.directory])
                try #require(chown.succeeded, "\(chown)")
                let before = try await boxes.bob.kernelState()
                try await boxes.bob.start(through: [
                    "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs",
                    "--bounding-set=-all",
                ])
                try await boxes.alice.start()
                try await eventually(within: .seconds(30), "bob answers, without a portal") {
                    try await boxes.alice.command("ping", "-c", "1", "bob").succeeded
                }
                let changed = try await boxes.bob.kernelChanges(since: before)
                #expect(changed == [])
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func theServiceUserNeedsOneCapability() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                let chown = try await bed.run(["chown", "-R", "65534:65534", boxes.bob.directory])
                try #require(chown.succeeded, "\(chown)")
                // As the unit does it; the device is open to all where udev runs, and perhaps not here.
                let mode = try await bed.run(["stat", "-c", "%a", "/dev/net/tun"]).output
                    .trimmingCharacters(in: .whitespacesAndNewlines)
                _ = try await bed.run(["chmod", "666", "/dev/net/tun"])
                defer { chmod("/dev/net/tun", mode_t(mode, radix: 8) ?? 0o600) }
                let before = try await boxes.bob.kernelState()
                let service = [
                    "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs",
                    "--bounding-set=-all,+net_admin", "--inh-caps=-all,+net_admin", "--ambient-caps=-all,+net_admin",
                ]
                try await boxes.bob.start(through: service)
                try await boxes.alice.start()
                try await eventually(within: .seconds(30), "alice reaches bob") {
                    try await boxes.alice.reaches(boxes.bob.ip6)
                }
                await boxes.bob.stop()
                let changed = try await boxes.bob.kernelChanges(since: before)
                #expect(changed == [Box.guardLine])
                // As ExecStopPost does it, with portal.guard: running.
                let released = try await boxes.bob.run(words: service + [Requirements.binary(), "guard", "release"])
                #expect(released.succeeded, "\(released)")
                #expect(try await boxes.bob.kernelChanges(since: before) == [])
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func statusTellsWhoIsThere() async throws {
            try await Testbed.with { bed in
                let boxes = try await ThreeBoxes(in: bed)
                try await boxes.start()
                let shown = try await boxes.relay.command("status")
                #expect(shown.succeeded, "\(shown)")
                for word in [boxes.relay.address, boxes.relay.ip6, "alice", "bob"] {
                    #expect(shown.output.contains(word), "\(shown)")
                }
                let json = try await boxes.relay.command("status", "--json")
                let status = try #require(
                    JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any], "\(json)")
                #expect(status["main_addr"] as? String == boxes.relay.address)
                #expect(status["ip6_addr"] as? String == boxes.relay.ip6)
                let portal = try #require(status["portal"] as? [String: Any], "\(json)")
                #expect(portal["up"] as? Bool == true && portal["interface"] as? String == Box.interface)
                let peers = try #require(status["peers"] as? [[String: Any]], "\(json)")
                #expect(Set(peers.compactMap { $0["name"] as? String }) == ["alice", "bob"])
                #expect(Set(peers.compactMap { $0["id"] as? String }) == [boxes.alice.address, boxes.bob.address])
                #expect(peers.allSatisfy { $0["state"] as? String == "up" && $0["endpoint"] is String }, "\(json)")
                let listed = try await boxes.relay.command("peers")
                #expect(listed.output.contains("alice") && listed.output.contains("bob"), "\(listed)")

                // The daemon is found through the configuration as well.
                let byFile = try await boxes.relay.run(
                    try Requirements.binary(), "status", "--config", boxes.relay.configPath)
                #expect(byFile.succeeded && byFile.output.contains(boxes.relay.address), "\(byFile)")
                // The socket is not for everybody, and a daemon that is not there is said so.
                let mode = try await bed.run(["stat", "-c", "%a", boxes.relay.directory + "/api.sock"]).output
                #expect(mode == "660\n")
                await boxes.relay.stop()
                let gone = try await boxes.relay.command("status")
                #expect(!gone.succeeded && gone.said.contains("api.sock"), "\(gone)")
            }
        }
    }
}
