import Foundation
import Testing

extension KernelTests {
    /// What commands do when nobody takes their output, and where there is nothing to take their arguments from.
    @Suite struct Outputs {
        /// Every way in which a command prints: a line, many, JSON, bytes, help, a binary key.
        private static func printing(_ box: Box) throws -> [[String]] {
            [
                ["status"], ["status", "--json"], ["peers"], ["firewall", "show"], ["create-config"], ["version"],
                ["--help"],
                ["list-networks"], ["firewall", "export", "--config", box.configPath], ["check", box.configPath],
                ["firewall", "check", box.configPath], ["keygen"], ["keygen", "--text"], ["guard", "show"],
                ["ping", "-c", "1", box.address], ["addr", "--private-key", box.directory + "/private_key.inet256"],
                ["--generate-completion-script", "bash"],
            ]
        }

        @Test(.timeLimit(.minutes(2)))
        func whatCannotBeWrittenIsAFailureInWords() async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                try await box.start()
                for words in try Self.printing(box) {
                    let full = try await box.run(words: Self.shell("exec \"$@\" >/dev/full", box, words))
                    #expect(full.status == 1, "\(full)")
                    #expect(full.errors.contains("cannot write standard output: No space left on device"), "\(full)")
                    // Whoever does not read what went wrong is no reason to crash.
                    let deaf = try await box.run(words: Self.shell("exec \"$@\" >/dev/full 2>/dev/full", box, words))
                    #expect(deaf.status == 1, "\(deaf)")
                }
            }
        }

        /// A daemon whose standard streams are closed must not write its log into the first socket that it opens.
        @Test(.timeLimit(.minutes(1)))
        func closedStreamsAreNobodyElses() async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                try await box.start(through: ["sh", "-c", "exec \"$@\" <&- >&- 2>&-", "-"])
                let pid = try #require(box.daemon?.identifier)
                let streams = try await bed.run([
                    "readlink", "/proc/\(pid)/fd/0", "/proc/\(pid)/fd/1", "/proc/\(pid)/fd/2",
                ])
                #expect(streams.output == "/dev/null\n/dev/full\n/dev/null\n")
                let lost = try await box.run(words: Self.shell("exec \"$@\" >&-", box, ["status"]))
                #expect(lost.status == 1 && lost.errors.contains("cannot write standard output"), "\(lost)")
            }
        }

        /// As any program that runs on: `ping | head -2`.
        @Test(.timeLimit(.minutes(1)))
        func aReaderThatHasSeenEnoughEndsTheCommand() async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                try await box.start()
                let words = ["ping", "-i", "0.05", box.address]
                let said = try await box.run(
                    words: Self.shell("\"$@\" | head -2; echo \"ended with ${PIPESTATUS[0]}\"", box, words),
                    within: .seconds(20))
                #expect(said.succeeded && said.output.hasSuffix("ended with 141\n"), "\(said)")
                #expect(said.output.split(separator: "\n").count == 3 && said.errors.isEmpty, "\(said)")
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func withoutProcItSaysWhyItDoesNothing() async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                let script = "umount -l /proc && exec \"$@\""
                let said = try await box.run(
                    words: ["unshare", "--mount", "--propagation", "private"]
                        + Self.shell(script, box, ["addr", "--help"]))
                #expect(said.status == 1 && said.errors.contains("/proc is missing"), "\(said)")
            }
        }

        private static func shell(_ script: String, _ box: Box, _ words: [String]) throws -> [String] {
            ["env", "INET256_API=\(box.configuration.api)", "bash", "-c", script, "-", try Requirements.binary()]
                + words
        }
    }
}
