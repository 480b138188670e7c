import ArgumentParser
import Foundation
import Settings
import TestSupport
import Testing

@testable import inet256vpn

/// Every command line of this program that the documentation shows is one that the program takes.
@Suite struct DocumentedCommandsTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    private static func pages() throws -> [(name: String, text: String)] {
        var names = [
            "README.md", "ARCHITECTURE.md", "examples/README.md", "deploy/inet256vpn.service",
            "deploy/config.sample.yaml",
        ]
        names += try FileManager.default.contentsOfDirectory(atPath: root + "/docs").filter { $0.hasSuffix(".md") }
            .map { "docs/" + $0 }
        return try names.sorted().map { ($0, try String(contentsOfFile: root + "/" + $0, encoding: .utf8)) }
    }

    /// The command lines of a page: what stands in blocks of commands, behind a prompt, between backticks, or in a unit.
    private static func commandLines(_ text: String) -> [String] {
        var lines: [String] = []
        var inBlock = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                inBlock = line == "```sh"
            } else if inBlock {
                lines.append(String(line))
            } else if let prompt = line.firstMatch(of: #/^ {4}(?:[a-z]+)?[$#] (.*)$/#) {
                lines.append(String(prompt.1))
            } else if let unit = line.firstMatch(of: #/^Exec[A-Za-z]+=-?\S*/(inet256vpn .*)$/#) {
                lines.append(String(unit.1))
            } else {
                lines += line.matches(of: #/`((?:sudo )?inet256vpn [^`]+)`/#).map { String($0.1) }
            }
        }
        return lines
    }

    /// The words behind `inet256vpn` in a line of shell, once for each call.
    static func calls(_ line: String) -> [[String]] {
        var calls: [[String]] = []
        for command in line.split(whereSeparator: { "|;&".contains($0) }) {
            var words = words(String(command))
            if let start = words.firstIndex(of: "inet256vpn"),
                words[..<start].allSatisfy({ $0 == "sudo" || $0.contains("=") })
            {
                words.removeSubrange(...start)
                calls.append(words)
            }
        }
        return calls
    }

    /// Quotes, comments and redirections of a shell, as far as documentation has them.
    private static func words(_ text: String) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        for character in text {
            if let open = quote {
                if character == open { quote = nil } else { word = (word ?? "") + String(character) }
            } else if character == "'" || character == "\"" {
                quote = character
                word = word ?? ""
            } else if character == " " {
                if let done = word { words.append(done) }
                word = nil
            } else if word == nil, character == "#" {
                break
            } else {
                word = (word ?? "") + String(character)
            }
        }
        if let word { words.append(word) }
        let end = words.firstIndex { $0.hasPrefix(">") || $0.hasPrefix("<") || $0.hasPrefix("2>") } ?? words.endIndex
        return Array(words[..<end])
    }

    /// What stands for a value of the reader's.
    private static let placeholders = [
        "ADDRESS": Sample.plain, "$(cat address)": Sample.plain, "NAME": "office", "PREFIX": "AB", "N": "8",
        "P": "fd00::/8", "WHO": "office",
        "SERVICE": "ssh",
        "API": "unix:///run/x.sock",
    ]

    @Test func theyAreTaken() throws {
        var tried = 0
        for page in try Self.pages() {
            for line in Self.commandLines(page.text) {
                for call in Self.calls(line) where !call.contains("...") {
                    tried += 1
                    // `inet256vpn addr` alone is a command's name, in a sentence.
                    guard call.count > 1 || page.name == "README.md" else { continue }
                    let words = call.map { Self.placeholders[$0] ?? $0 }
                    do {
                        _ = try RootCommand.parseAsRoot(DashedAddress.protect(words))
                    } catch {
                        let isHelp = RootCommand.exitCode(for: error) == .success
                        #expect(isHelp, "\(page.name): \(line)\n\(RootCommand.fullMessage(for: error))")
                    }
                }
            }
        }
        #expect(tried > 30, "only \(tried) command lines were found: is the documentation still written as it was?")
    }

    @Test func theReadmeHasEveryCommand() throws {
        let readme = try String(contentsOfFile: Self.root + "/README.md", encoding: .utf8)
        let table = readme.split(separator: "\n").filter { $0.hasPrefix("| `") }.joined(separator: "\n")
        for command in RootCommand.configuration.subcommands where command != VersionCommand.self {
            let name = command._commandName
            #expect(table.contains(try Regex("`\(name)[` ]")), "README.md's table of commands lacks \(name)")
        }
    }

    @Test func wordsAreThoseOfAShell() {
        #expect(Self.calls("sudo inet256vpn status | head -2  # x").first == ["status"])
        #expect(Self.calls("inet256vpn keygen >k && A=b inet256vpn ping 'a b'") == [["keygen"], ["ping", "a b"]])
        #expect(Self.calls("journalctl -u inet256vpn").isEmpty)
    }
}
