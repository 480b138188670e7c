import Foundation
import Testing

extension KernelTests {
    /// What is around the program in a package. The package itself, which takes a release build, is for `scripts/try-package`.
    @Suite struct Packaging {
        /// A toolchain is taken when a key that is trusted signed it, and else nothing of it is left.
        @Test(.timeLimit(.minutes(1)))
        func aToolchainIsTakenSignedAndNotElse() async throws {
            try await Testbed.with { bed in
                let done = try await bed.run([Requirements.root + "/scripts/try-swift"], within: .seconds(50))
                #expect(done.succeeded && done.output.contains("17 good, 0 bad"), "\(done)")
            }
        }

        /// Every command has a page that man(1) would show: a name, a synopsis, and what its own help says.
        @Test(.timeLimit(.minutes(1)))
        func everyCommandHasAManPage() async throws {
            try await Testbed.with { bed in
                let pages = NSTemporaryDirectory() + "inet256vpn-man-\(UUID().uuidString)"
                defer { try? FileManager.default.removeItem(atPath: pages) }
                let script = """
                    "\(try Requirements.binary())" --experimental-dump-help \
                    | python3 "\(Requirements.root)/scripts/package.d/man.py" "\(pages)" 2026-01-01 1.2.3
                    """
                let done = try await bed.run(["/bin/bash", "-o", "pipefail", "-c", script], within: .seconds(50))
                #expect(done.succeeded, "\(done)")
                let names = try FileManager.default.contentsOfDirectory(atPath: pages)
                let wanted = ["", "-up", "-status", "-firewall", "-firewall-test", "-ping", "-init"].map {
                    "inet256vpn\($0).1"
                }
                #expect(names.filter(wanted.contains).count == wanted.count, "\(names.sorted())")
                for name in names {
                    let text = try String(contentsOfFile: pages + "/" + name, encoding: .utf8)
                    #expect(
                        text.hasPrefix(".TH \"") && text.contains("\n.SH NAME\n") && text.contains("\n.SH SYNOPSIS\n"),
                        "\(name)")
                    #expect(text.contains("inet256vpn 1.2.3"), "\(name)")
                }
                let ping = try String(contentsOfFile: pages + "/inet256vpn-ping.1", encoding: .utf8)
                #expect(ping.contains("Bytes of payload. Default: 56."))
                #expect(ping.contains("\n.SH EXIT STATUS\n"))
            }
        }

        /// One list says what is built in, and Package.swift asks for exactly that.
        @Test func dependenciesAreExact() throws {
            let manifest = try String(contentsOfFile: Requirements.root + "/Package.swift", encoding: .utf8)
            let list = try String(
                contentsOfFile: Requirements.root + "/scripts/package.d/dependencies", encoding: .utf8)
            let asked = manifest.matches(of: #/url: "([^"]+)", exact: "([0-9.]+)"/#)
            #expect(asked.count == manifest.matches(of: #/\.package\(url:/#).count && asked.count >= 6)
            for dependency in asked {
                let (address, version) = (dependency.1, dependency.2)
                #expect(
                    list.split(separator: "\n").contains { line in
                        let words = line.split(separator: " ")
                        return words.count == 4 && words[1] == version && words[3] == address
                    }, "\(address) \(version)")
            }
        }
    }
}
