import Foundation
import Testing

extension KernelTests {
    /// What is left of root's privileges when root starts the daemon, and that it suffices from start to stop.
    @Suite struct Privileges {
        private static let netAdmin = "0000000000001000"
        /// That and CAP_NET_BIND_SERVICE, for port 53.
        private static let kept = "0000000000001400"
        private static let user = 61098

        private struct Credentials {
            private let fields: [String: String]

            init(of pid: Int32) throws {
                let text = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
                fields = Dictionary(
                    text.split(separator: "\n").map { line in
                        let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
                        return (parts[0], parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : "")
                    }
                ) { first, _ in first }
            }

            subscript(_ name: String) -> String { fields[name] ?? "" }
            /// Real, effective, saved and for files.
            var users: [String] { self["Uid"].split(separator: "\t").map(String.init) }
        }

        @Test(.timeLimit(.minutes(1)))
        func withoutAUserOfItsOwnItIsRootWithTwoCapabilities() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                let before = try await boxes.alice.kernelState()
                try await boxes.alice.start()
                try await boxes.bob.start()
                let has = try Credentials(of: await boxes.alice.processID())
                #expect(has["CapPrm"] == Self.kept && has["CapEff"] == Self.kept, "\(has)")
                #expect(has["CapBnd"] == Self.kept && has["NoNewPrivs"] == "1", "\(has)")
                #expect(boxes.alice.log.contains("without root's privileges: user root"), "\(boxes.alice.log)")
                try await wholeLife(of: boxes.alice, boxes.bob, before)
            }
        }

        /// A key that only root can read, a configuration that the daemon cannot write, and a user that there is for one process.
        @Test(.timeLimit(.minutes(1)))
        func asItsOwnUser() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                let alice = boxes.alice
                let asUser = try Self.wrapper(in: alice)
                let chowned = try await bed.run(["chown", "\(Self.user):\(Self.user)", alice.directory])
                try #require(chowned.succeeded, "\(chowned)")
                let mode = try await bed.run(["stat", "-c", "%a", "/dev/net/tun"]).output
                    .trimmingCharacters(in: .whitespacesAndNewlines)
                _ = try await bed.run(["chmod", "666", "/dev/net/tun"])
                defer { chmod("/dev/net/tun", mode_t(mode, radix: 8) ?? 0o600) }
                let before = try await alice.kernelState()
                try await alice.start(through: asUser)
                try await boxes.bob.start()
                let has = try Credentials(of: await alice.processID())
                #expect(has.users == [String](repeating: "\(Self.user)", count: 4), "\(has)")
                #expect(has["Groups"] == "\(Self.user)" && has["CapPrm"] == Self.kept, "\(has)")
                #expect(has["CapBnd"] == Self.kept && has["NoNewPrivs"] == "1", "\(has)")
                #expect(alice.log.contains("without root's privileges: user inet256vpn"), "\(alice.log)")
                let key = try FileManager.default.attributesOfItem(atPath: alice.directory + "/private_key.inet256")
                #expect(key[.ownerAccountID] as? Int == 0 && key[.posixPermissions] as? Int == 0o600, "\(key)")
                // Who may look into it, or hand it something: nobody of that user.
                let spied = try await alice.run(
                    "setpriv", "--reuid=\(Self.user)", "--regid=\(Self.user)", "--clear-groups", "cat",
                    "/proc/\(try await alice.processID())/environ")
                #expect(!spied.succeeded, "\(spied)")
                try await wholeLife(of: alice, boxes.bob, before)
                #expect(!FileManager.default.fileExists(atPath: alice.directory + "/api.sock"))
            }
        }

        /// As the unit starts it, where no port below 1024 is configured: the right to them goes.
        @Test(.timeLimit(.minutes(1)), arguments: ["dns: {enabled: false}", "dns: {listen: [\"portal:5353\"]}"])
        func withoutALowPortItIsOneCapability(_ names: String) async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                box.configuration.more += names + "\n"
                let chowned = try await bed.run(["chown", "-R", "\(Self.user):\(Self.user)", box.directory])
                try #require(chowned.succeeded, "\(chowned)")
                let mode = try await bed.run(["stat", "-c", "%a", "/dev/net/tun"]).output
                    .trimmingCharacters(in: .whitespacesAndNewlines)
                _ = try await bed.run(["chmod", "666", "/dev/net/tun"])
                defer { chmod("/dev/net/tun", mode_t(mode, radix: 8) ?? 0o600) }
                let both = "-all,+net_admin,+net_bind_service"
                try await box.start(through: [
                    "setpriv", "--reuid=\(Self.user)", "--regid=\(Self.user)", "--clear-groups", "--no-new-privs",
                    "--bounding-set=\(both)", "--inh-caps=\(both)", "--ambient-caps=\(both)",
                ])
                let has = try Credentials(of: await box.processID())
                #expect(has["CapPrm"] == Self.netAdmin && has["CapAmb"] == Self.netAdmin, "\(has)")
                #expect(!box.log.contains("names are not answered about"), "\(box.log)")
            }
        }

        /// What it cannot do as another it does not try: it stays what it is and says so.
        @Test(.timeLimit(.minutes(1)))
        func whoCannotReadTheConfigurationIsNotBecome() async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                let asUser = try Self.wrapper(in: box)
                try box.writeConfiguration()
                // Of root alone, and the folder is not the user's: root without capabilities is left.
                try await box.start(through: ["sh", "-c", "umask 077; exec \"$@\"", "sh"] + asUser)
                let has = try Credentials(of: await box.processID())
                #expect(has.users.first == "0" && has["CapPrm"] == Self.kept, "\(has)")
                #expect(box.log.contains("user root, as inet256vpn may not"), "\(box.log)")
            }
        }

        /// As with LoadCredential= of the unit: the key in the configuration's folder is root's alone.
        @Test(.timeLimit(.minutes(1)))
        func aKeyThatTheServiceManagerHandsOver() async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                box.configuration.portal = false
                let credentials = box.directory + "/credentials"
                try FileManager.default.createDirectory(atPath: credentials, withIntermediateDirectories: false)
                let key = box.directory + "/private_key.inet256"
                // As the unit names it: the whole path.
                let name = key.split(separator: "/").joined(separator: "-")
                try FileManager.default.copyItem(atPath: key, toPath: credentials + "/" + name)
                let chowned = try await bed.run(["chown", "-R", "65534:65534", credentials])
                // The socket's folder alone is the service's.
                try #require(chowned.succeeded && chown(box.directory, 65534, 65534) == 0, "\(chowned)")
                let service = [
                    "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs",
                    "--bounding-set=-all",
                ]
                let without = try await box.startInVain(through: service)
                #expect(without.status != 0 && without.errors.contains("private_key.inet256"), "\(without)")
                try await box.start(through: ["env", "CREDENTIALS_DIRECTORY=\(credentials)"] + service)
                let status = try await box.command("status")
                #expect(status.output.contains(box.address), "\(status)")
                let plain = try await box.command("reload")
                #expect(plain.succeeded && !plain.output.contains("RESTART"), "\(plain)")
                // It cannot be read, and yet that another one lies there now is said, and that none does.
                let other = try await bed.box("bob")
                let theirs = other.directory + "/private_key.inet256"
                let moved = try await bed.run(["install", "-m", "600", theirs, key])
                try #require(moved.succeeded, "\(moved)")
                let changed = try await box.command("reload")
                #expect(changed.output.contains("NEEDS A RESTART: private_key_path"), "\(changed)")
                try FileManager.default.removeItem(atPath: key)
                let gone = try await box.command("reload")
                #expect(!gone.succeeded && gone.said.contains("No such file"), "\(gone)")
            }
        }

        /// Reload, repair, a change of rules, and a clean end.
        private func wholeLife(of box: Box, _ other: Box, _ before: KernelState) async throws {
            try await eventually(within: .seconds(30), "\(other.name) answers") { try await box.reaches(other.ip6) }
            try await box.reload(firewall: "firewall: {rules: [{allow: tcp/7001}]}\n")
            #expect(try await box.shownFirewall().inbound.rules.count == 1)
            for words in [["link", "set", Box.interface, "down"], ["-6", "address", "flush", "dev", Box.interface]] {
                let changed = try await box.run(words: ["ip"] + words)
                try #require(changed.succeeded, "\(changed)")
                try await eventually(within: .seconds(20), "the portal is mended") { try await box.reaches(other.ip6) }
            }
            let off = try await box.run("sysctl", "-q", "-w", "net.ipv6.conf.\(Box.interface).disable_ipv6=1")
            try #require(off.succeeded, "\(off)")
            try await eventually(within: .seconds(20), "IPv6 is switched on again") { try await box.reaches(other.ip6) }
            let cut = try await box.command("reload", "--cut")
            #expect(cut.succeeded && cut.output.contains("connections cut"), "\(cut)")
            #expect(await box.stop()?.status == 0)
            #expect(try await box.kernelChanges(since: before) == [Box.guardLine])
            let released = try await box.command("guard", "release")
            #expect(released.succeeded, "\(released)")
            #expect(try await box.nft("list", "tables") == "")
        }

        /// A wrapper in whose mount namespace there is a user inet256vpn.
        private static func wrapper(in box: Box) throws -> [String] {
            var words: [String] = []
            for (name, line) in [
                ("passwd", "inet256vpn:x:\(user):\(user)::/nonexistent:/usr/sbin/nologin"),
                ("group", "inet256vpn:x:\(user):"),
            ] {
                let text = try String(contentsOfFile: "/etc/\(name)", encoding: .utf8)
                let others = text.split(separator: "\n").filter { !$0.hasPrefix("inet256vpn:") }
                let path = "\(box.directory)/\(name)"
                try (others.joined(separator: "\n") + "\n\(line)\n").write(
                    toFile: path, atomically: true, encoding: .utf8)
                chmod(path, 0o644)
                words.append("mount --bind \(path) /etc/\(name)")
            }
            return ["unshare", "-m", "sh", "-c", words.joined(separator: " && ") + " && exec \"$@\"", "sh"]
        }
    }
}

extension Box {
    fileprivate func processID() async throws -> Int32 {
        struct Shown: Decodable { let pid: Int32 }
        let shown = try await command("status", "--json")
        return try JSONDecoder().decode(Shown.self, from: Data(shown.output.utf8)).pid
    }
}
