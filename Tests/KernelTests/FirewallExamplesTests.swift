import Foundation
import Testing

extension KernelTests {
    /// The policies of docs/firewall.md: each is checked, loaded by a daemon, and compared with the table that was recorded
    /// for it, so that neither the page nor the compiler changes unseen. INET256_RECORD=1 records anew.
    @Suite struct FirewallExamples {
        static let names = ["1-laptop", "2-server", "3-site-gateway", "4-media-host", "5-locked-down"]

        @Test func everyFileIsAnExample() throws {
            let files = try FileManager.default.contentsOfDirectory(atPath: FirewallPage.folder).sorted()
            #expect(files == Self.names.flatMap { ["\($0).nft", "\($0).yaml"] })
        }

        @Test(arguments: names)
        func thePageShowsTheFile(_ name: String) throws {
            let blocks = try FirewallPage.configurations()
            #expect(
                try blocks.contains(FirewallPage.text("\(name).yaml")), "docs/firewall.md shows another \(name).yaml")
        }

        /// Those of the five files, and the other ends and fragments beside them.
        @Test(.timeLimit(.minutes(1)))
        func everyConfigurationOfThePageIsInOrder() async throws {
            let blocks = try FirewallPage.configurations()
            #expect(blocks.count > Self.names.count)
            try await Testbed.with { bed in
                // With a key beside the file, as a start needs it.
                let box = try await bed.box("page")
                for (place, block) in blocks.enumerated() {
                    let path = "\(box.directory)/block-\(place).yaml"
                    try block.write(toFile: path, atomically: true, encoding: .utf8)
                    let outcome = try await bed.run(
                        [Requirements.binary(), "firewall", "check", path], in: box.namespace)
                    #expect(outcome.succeeded && outcome.errors.isEmpty, "\(outcome)\(block)")
                    #expect(outcome.output.contains("the kernel accepts the table"), "\(outcome)")
                }
            }
        }

        @Test(.timeLimit(.minutes(1)), arguments: names)
        func theCheckPasses(_ name: String) async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("check")
                try FirewallPage.text("\(name).yaml").write(toFile: box.configPath, atomically: true, encoding: .utf8)
                let words = try [Requirements.binary(), "firewall", "check", box.configPath, "--json"]
                let outcome = try await bed.run(words, in: box.namespace)
                #expect(outcome.succeeded && outcome.errors.isEmpty, "\(outcome)")
                let report = try JSONDecoder().decode(CheckReport.self, from: Data(outcome.output.utf8))
                #expect(report.testsPassed > 0, "\(name) has no tests of its own")
                #expect(report.kernel == "accepts")
                #expect(report.warnings == [])
            }
        }

        @Test(.timeLimit(.minutes(1)), arguments: names)
        func theKernelHasTheRecordedTable(_ name: String) async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("box")
                // What the examples leave out has its default; only these may not be those of the machine.
                let own = "private_key_path: ./private_key.inet256\napi_endpoint: \"\(box.configuration.api)\"\n"
                let text = try own + FirewallPage.text("\(name).yaml")
                try text.write(toFile: box.configPath, atomically: true, encoding: .utf8)
                let words = try [Requirements.binary(), "up", "--config", box.configPath]
                let daemon = try bed.start(words, in: box.namespace)
                try await eventually("the daemon is up with \(name)") {
                    guard daemon.isRunning else { throw NotThere(what: "the daemon, which said: \(daemon.said)") }
                    return try await box.command("status").succeeded
                }
                let shown = try await box.run("nft", "list", "table", "inet", "inet256vpn")
                #expect(shown.succeeded, "\(shown)")
                let file = FirewallPage.path("\(name).nft")
                if FirewallPage.isRecording { try shown.output.write(toFile: file, atomically: true, encoding: .utf8) }
                let difference = try firstDifference(of: shown.output, from: FirewallPage.text("\(name).nft"))
                #expect(difference == nil, "\(name).nft: \(difference ?? ""); INET256_RECORD=1 records it anew")

                daemon.signal(SIGTERM)
                let ended = await daemon.finish(within: .seconds(10))
                #expect(ended.succeeded, "\(ended)")
                let gone = try await box.run("nft", "list", "tables")
                #expect(gone.output == "", "the table outlives the daemon")
            }
        }

        /// The first line that differs, for people; nil when there is none.
        private func firstDifference(of new: String, from recorded: String) -> String? {
            if new == recorded { return nil }
            let new = new.split(separator: "\n", omittingEmptySubsequences: false)
            let recorded = recorded.split(separator: "\n", omittingEmptySubsequences: false)
            let place = zip(new, recorded).prefix { $0 == $1 }.count
            func line(_ lines: [Substring]) -> String { place < lines.count ? "\"\(lines[place])\"" : "the end" }
            return "line \(place + 1) is \(line(new)) and was \(line(recorded))"
        }

        @Test func theFirstDifferenceIsFound() {
            #expect(firstDifference(of: "a\nb\n", from: "a\nb\n") == nil)
            #expect(firstDifference(of: "a\nb\n", from: "a\nc\n") == "line 2 is \"b\" and was \"c\"")
            #expect(firstDifference(of: "a", from: "a\nb") == "line 2 is the end and was \"b\"")
        }

        /// The part of `firewall check --json` that is of interest here.
        private struct CheckReport: Decodable {
            let testsPassed: Int
            let kernel: String
            let warnings: [String]

            enum CodingKeys: String, CodingKey {
                case testsPassed = "tests_passed"
                case kernel, warnings
            }
        }
    }
}

/// docs/firewall.md and its files.
private enum FirewallPage {
    static let folder = Requirements.root + "/docs/firewall"
    static let isRecording = ProcessInfo.processInfo.environment["INET256_RECORD"] == "1"

    static func path(_ file: String) -> String { "\(folder)/\(file)" }

    static func text(_ file: String) throws -> String { try String(contentsOfFile: path(file), encoding: .utf8) }

    /// The page's yaml blocks, in their order. Each of them is a whole configuration.
    static func configurations() throws -> [String] {
        let page = try String(contentsOfFile: folder + ".md", encoding: .utf8)
        return page.components(separatedBy: "\n```yaml\n").dropFirst().compactMap { rest in
            rest.range(of: "\n```\n").map { String(rest[..<$0.lowerBound]) + "\n" }
        }
    }
}
