import Foundation
import INET256
import INET256Client
import Testing

extension KernelTests {
    /// The worked examples of docs/api.md, as they stand there.
    @Suite struct APIExamples {
        /// The text of an example.
        private static func example(_ name: String) throws -> String {
            let page = try String(contentsOfFile: Requirements.root + "/docs/api.md", encoding: .utf8)
            let parts = page.components(separatedBy: "<!-- example: \(name) -->\n```")
            try #require(parts.count == 2, "docs/api.md has one example \(name)")
            let lines = parts[1].components(separatedBy: "\n").dropFirst()
            return lines.prefix { $0 != "```" }.joined(separator: "\n") + "\n"
        }

        /// Runs an example against a daemon without a portal.
        private static func run(_ words: [String], _ example: String) async throws -> Outcome {
            var result: Outcome?
            try await Testbed.with { bed in
                let box = try await bed.box("alone")
                box.configuration.portal = false
                box.configuration.more = ""
                try await box.start()
                let binary = URL(fileURLWithPath: try Requirements.binary()).deletingLastPathComponent().path
                let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
                let environment = [
                    "INET256_API": box.configuration.api, "PATH": "\(binary):\(path)",
                    "PYTHONPATH": Requirements.root + "/examples", "PYTHONDONTWRITEBYTECODE": "1",
                ]
                let script = "cd '\(box.directory)' && exec \"$0\" \"$@\""
                result = try await bed.run(
                    ["sh", "-c", script] + words + [example], in: box.namespace, environment: environment)
            }
            return try #require(result)
        }

        @Test(.timeLimit(.minutes(2)))
        func shell() async throws {
            let outcome = try await Self.run(["sh", "-euc"], Self.example("shell"))
            let lines = outcome.output.split(separator: "\n").map(String.init)
            try #require(outcome.succeeded && lines.count > 2, "\(outcome)")
            #expect(lines[0] == "hello")
            #expect(Address(lines[1]) != nil)
            let rest = lines.dropFirst(2).joined(separator: "\n")
            let key = try JSONDecoder().decode([String: String].self, from: Data(rest.utf8))
            #expect(key["address"] == lines[1])
        }

        @Test(.timeLimit(.minutes(2)))
        func python() async throws {
            let outcome = try await Self.run(["python3", "-c"], Self.example("python"))
            #expect(outcome.output == "hello from alice\n", "\(outcome)")
        }

        /// The example is a file of these tests, so that it is compiled.
        @Test func swiftIsTheFileThatIsCompiled() throws {
            let file = Requirements.root + "/Tests/KernelTests/APIExample.swift"
            #expect(try Self.example("swift") == String(contentsOfFile: file, encoding: .utf8))
        }
    }
}
