import Foundation
import Testing

extension KernelTests {
    /// An interface that stays when the daemon stops, and a machine whose IPv6 is off.
    @Suite struct Persistence {
        private static func alias(_ box: Box) async throws -> String {
            try await box.run("cat", "/sys/class/net/\(Box.interface)/ifalias").said
                .trimmingCharacters(in: .whitespacesAndNewlines)
        }

        @Test(.timeLimit(.minutes(1)))
        func switchedOffAgainItGoes() async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                let before = try await box.kernelState()
                for _ in 1...2 {
                    box.configuration.portalSettings = ["persistent: true"]
                    try await box.start()
                    await box.stop()
                    #expect(try await Self.alias(box) == "inet256vpn (resting)")
                }
                box.configuration.portalSettings = ["persistent: false"]
                try await box.start()
                await box.stop()
                #expect(try await box.kernelChanges(since: before) == [Box.guardLine])
            }
        }

        /// What somebody else made and offered is his, before and after.
        @Test(.timeLimit(.minutes(1)))
        func whatWasOfferedStaysTheirs() async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                try await bed.ip("-n", box.namespace, "tuntap", "add", Box.interface, "mode", "tun")
                func state() async throws -> [String] {
                    let link = try await box.run("ip", "-d", "link", "show", Box.interface)
                    let told = ["mtu 1500", "state DOWN", "persist on", "alias"].filter(link.output.contains)
                    return told
                        + (try await box.run("ip", "-6", "address", "show", Box.interface)).output.split(
                            separator: "\n"
                        )
                        .filter { $0.contains("inet6") }.map(String.init)
                }
                let before = try await state()
                #expect(before == ["mtu 1500", "state DOWN", "persist on"])
                box.configuration.portalSettings = ["persistent: true"]
                try await box.start()
                await box.stop()
                #expect(try await state() == before)
                box.configuration.portalSettings = ["persistent: false"]
                let refused = try await box.startInVain()
                #expect(refused.status == 1 && refused.said.contains("portal.persistent: true"), "\(refused)")
                #expect(try await state() == before)
            }
        }

        /// `default.disable_ipv6` is what new interfaces begin with: ours is switched on, and no other is touched.
        @Test(.timeLimit(.minutes(1)))
        func whereNewInterfacesHaveNoIPv6OursHas() async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                for key in ["default", "all"] {
                    let off = try await box.run("sysctl", "-qw", "net.ipv6.conf.\(key).disable_ipv6=1")
                    #expect(off.succeeded, "\(off)")
                    try await box.start()
                    #expect(try await box.command("status").output.contains("  up  \(box.ip6)"))
                    await box.stop()
                    let left = try await box.run("sysctl", "-n", "net.ipv6.conf.\(key).disable_ipv6")
                    #expect(left.output == "1\n", "\(left)")
                }
                // As under the unit, which sees no /proc/sys: what to run is said.
                let refused = try await box.startInVain(through: [
                    "unshare", "--mount", "--propagation", "private", "sh", "-c",
                    "mount -t tmpfs none /proc/sys && exec \"$@\"", "-",
                ])
                #expect(refused.status != 0, "\(refused)")
                #expect(refused.said.contains("sysctl -w net.ipv6.conf.default.disable_ipv6=0"), "\(refused)")
                #expect(!refused.said.contains("conf.\(Box.interface)"), "\(refused)")
            }
        }

        /// A kernel without IPv6, played by a library that refuses such sockets: `[::]` is IPv4 alone then, and it is said.
        @Test(.timeLimit(.minutes(1)))
        func withoutIPv6InTheKernelTheSocketsAreIPv4() async throws {
            try await Testbed.with { bed in
                let boxes = try await TwoBoxes(in: bed)
                boxes.alice.configuration.portal = false
                boxes.bob.configuration.portal = false
                let library = bed.directory + "/noipv6.so"
                let made = try await bed.run(["sh", "-c", Self.compile, "-", library])
                try #require(made.succeeded, "\(made)")
                try await boxes.alice.start(through: ["env", "LD_PRELOAD=\(library)"])
                try await boxes.bob.start()
                let warning = "this kernel has no IPv6: udp://[::]:25632 is udp://0.0.0.0:25632"
                #expect(boxes.alice.log.contains(warning))
                let shown = try await boxes.alice.command("status")
                #expect(shown.output.contains("WARNING: " + warning), "\(shown)")
                try await eventually(within: .seconds(30), "alice reaches bob by IPv4") {
                    try await boxes.alice.command("ping", "-c", "1", "bob").succeeded
                }
            }
        }

        private static let compile = """
            for cc in cc clang gcc; do command -v $cc >/dev/null && break; done
            cat <<'END' | $cc -shared -fPIC -x c -o "$1" - -ldl
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <errno.h>
            #include <sys/socket.h>
            int socket(int family, int type, int protocol) {
                if (family == AF_INET6) { errno = EAFNOSUPPORT; return -1; }
                int (*next)(int, int, int) = (int (*)(int, int, int))dlsym(RTLD_NEXT, "socket");
                return next(family, type, protocol);
            }
            END
            """
    }
}
