import Foundation
import Testing

extension KernelTests {
    /// The documentation is done as it says.
    @Suite struct Readme {
        /// Install, join, firewall: on two fresh boxes, word by word, and it comes true.
        @Test(.timeLimit(.minutes(5)))
        func itIsDoneWordByWord() async throws {
            try await Testbed.with { bed in
                let done = try await bed.run(
                    [Requirements.root + "/scripts/try-readme"],
                    environment: ["INET256VPN_BINARY": try Requirements.binary()], within: .seconds(240))
                #expect(done.succeeded && done.output.contains("what it promises came true"), "\(done)")
                // Every block of commands, and twice those that are for both.
                let count = try #require(done.output.firstMatch(of: #/(\d+) blocks of commands were run/#)?.1)
                #expect(Int(count) ?? 0 >= 10, "\(done)")
            }
        }

        /// The first five minutes of docs/firewall.md: what it says to add is added to a new box's file, each command is run, and
        /// each line that it shows is said.
        @Test(.timeLimit(.minutes(1)))
        func theFirewallsFirstFiveMinutesAreTrue() async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                let page = try String(contentsOfFile: Requirements.root + "/docs/firewall.md", encoding: .utf8)
                let part = try #require(page.firstMatch(of: #/\n## The first five minutes\n((?:.|\n)*?)\n## /#)?.1)
                let yaml = try #require(part.firstMatch(of: #/```yaml\n((?:.|\n)*?)```\n/#)?.1)
                // A command behind a prompt and the lines that it shows, up to the next prompt or text.
                var steps: [(command: String, shown: [String])] = []
                var isShown = false
                var isOther = false
                for line in part.split(separator: "\n", omittingEmptySubsequences: false) {
                    if line.hasPrefix("    $ ") {
                        steps.append((String(line.dropFirst(6)), []))
                        isShown = !isOther
                        isOther = false
                    } else if line.hasPrefix("<!-- other numbers: ") {
                        isOther = true
                    } else if isShown, line.hasPrefix("    ") {
                        steps[steps.count - 1].shown.append(String(line.dropFirst(4)))
                    } else if !line.isEmpty {
                        isShown = false
                    }
                }
                try #require(steps.count >= 7 && steps.count { $0.shown.isEmpty } <= 1, "\(steps)")
                // The first is asked before anything is added.
                let add = "cat >>/etc/inet256vpn/config.yaml <<'END'\n\n\(yaml)END\n"
                let calls = steps.enumerated().map { place, step in
                    "\(place == 1 ? add : "")echo '=== \(place)'; \(step.command)\n"
                }.joined()
                let said = try await FreshMachine.run(
                    "sudo inet256vpn up >/run/log 2>&1 & pid=$!; up \"$1\"\n\(calls)kill $pid; wait $pid", in: box)
                for (place, step) in steps.enumerated() {
                    let answer = said.output.components(separatedBy: "=== \(place)\n").last?.components(
                        separatedBy: "==="
                    ).first
                    let lines = (answer ?? "").split(separator: "\n").map(String.init)
                    for line in step.shown {
                        #expect(lines.contains(line), "\(step.command) does not say: \(line)\n\(said)")
                    }
                }
            }
        }

        /// What is installed has no link that leads nowhere.
        @Test(.timeLimit(.minutes(1)))
        func theInstalledPagesAreWhole() async throws {
            try await Testbed.with { bed in
                let folder = bed.directory + "/doc"
                let function = try await bed.run(
                    ["sed", "-n", "/^documents()/,/^}/p", Requirements.root + "/scripts/lib.sh"])
                let list = try await bed.run([
                    "bash", "-c", "ROOT='\(Requirements.root)'\n\(function.output)\ndocuments",
                ])
                let pages = list.output.split(separator: "\n").map(String.init)
                try #require(pages.contains("README.md") && pages.contains("docs/README.md"), "\(list)")
                for page in pages {
                    let target = folder + "/" + page
                    try FileManager.default.createDirectory(
                        atPath: (target as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
                    try FileManager.default.copyItem(atPath: Requirements.root + "/" + page, toPath: target)
                }
                var followed = 0
                for page in pages where page.hasSuffix(".md") {
                    let text = try String(contentsOfFile: folder + "/" + page, encoding: .utf8)
                    for link in text.matches(of: #/\]\(([^)\s]+)\)/#).map({ String($0.1) }) where !link.contains("://")
                    {
                        let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
                        let near = ((folder + "/" + page) as NSString).deletingLastPathComponent
                        let target = parts[0].isEmpty ? folder + "/" + page : near + "/" + parts[0]
                        followed += 1
                        guard FileManager.default.fileExists(atPath: target) else {
                            Issue.record("\(page) leads to \(link), which is not installed")
                            continue
                        }
                        guard parts.count == 2 else { continue }
                        let there = try String(contentsOfFile: target, encoding: .utf8)
                        #expect(Self.anchors(there).contains(String(parts[1])), "\(page) leads to \(link)")
                    }
                }
                #expect(followed > 40)
            }
        }

        /// As GitHub makes them of headings.
        private static func anchors(_ text: String) -> Set<String> {
            let headings = text.split(separator: "\n").filter { $0.hasPrefix("#") }
            return Set(
                headings.map { heading in
                    String(
                        heading.drop { $0 == "#" }.drop { $0 == " " }.lowercased().filter {
                            $0.isLetter || $0.isNumber || $0 == " " || $0 == "-" || $0 == "_"
                        }.map { $0 == " " ? "-" : $0 })
                })
        }
    }
}
