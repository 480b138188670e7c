import Foundation
import Testing

extension KernelTests {
    /// `export --with-key` and `import`: the same box on another machine.
    @Suite struct Backups {
        @Test(.timeLimit(.minutes(2)))
        func aBoxIsMadeAgain() async throws {
            try await Testbed.with { bed in
                let alice = try await bed.box("alice")
                try alice.writeConfiguration()
                let binary = try Requirements.binary()
                let (words, other) = (bed.directory + "/words", bed.directory + "/other")
                try "four words nobody guesses\n".write(toFile: words, atomically: true, encoding: .utf8)
                try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
                let backup = bed.directory + "/box.backup"
                func made(_ words: String...) async throws -> Outcome { try await alice.run(words: [binary] + words) }

                let exported = try await made(
                    "export", "--with-key", "--output", backup, "--passphrase-file", words, "--config", alice.configPath
                )
                try #require(exported.succeeded, "\(exported)")
                let bytes = try Data(contentsOf: URL(filePath: backup))
                let key = try Data(contentsOf: URL(filePath: alice.directory + "/private_key.inet256"))
                #expect(bytes.range(of: key) == nil && bytes.range(of: Data(key.base64EncodedString().utf8)) == nil)
                let mode = try FileManager.default.attributesOfItem(atPath: backup)[.posixPermissions] as? Int
                #expect(mode == 0o600)
                // Never over something.
                #expect(
                    try await !made(
                        "export", "--with-key", "--output", backup, "--passphrase-file", words, "--config",
                        alice.configPath
                    ).succeeded)

                let target = other + "/config.yaml"
                let imported = try await made("import", backup, "--passphrase-file", words, "--config", target)
                #expect(imported.succeeded && imported.output.contains(alice.address), "\(imported)")
                let copy = try Data(contentsOf: URL(filePath: other + "/private_key.inet256"))
                #expect(copy == key)
                #expect(
                    try String(contentsOfFile: target, encoding: .utf8)
                        == String(contentsOfFile: alice.configPath, encoding: .utf8))
                // Once more: refused, and with --replace what was there is put aside.
                let again = try await made("import", backup, "--passphrase-file", words, "--config", target)
                #expect(!again.succeeded && again.said.contains("is there already"), "\(again)")
                let replaced = try await made(
                    "import", backup, "--replace", "--passphrase-file", words, "--config", target)
                #expect(replaced.succeeded, "\(replaced)")
                #expect(FileManager.default.fileExists(atPath: target + ".before-import"))

                try "four words somebody guesses\n".write(toFile: words, atomically: true, encoding: .utf8)
                let wrong = try await made(
                    "import", backup, "--replace", "--passphrase-file", words, "--config", target)
                #expect(!wrong.succeeded && wrong.said.contains("passphrase is not the right one"), "\(wrong)")
                let plain = try await made("export", "--config", alice.configPath)
                #expect(plain.output == (try String(contentsOfFile: alice.configPath, encoding: .utf8)))
            }
        }
    }
}
