import Foundation
import Logging
import Settings
import Synchronization
import Testing

@testable import inet256vpn

@Suite struct LogTests {
    /// What a logger wrote.
    private final class Paper: Sendable {
        let lines = Mutex<[String]>([])
        func write(_ line: String) { lines.withLock { $0.append(line) } }
        var text: [String] { lines.withLock { $0 } }
    }

    @Test func textLines() {
        let paper = Paper()
        let output = LogOutput(LogConfiguration(), journal: false, write: paper.write)
        var logger = output.logger("test")
        logger[metadataKey: "box"] = "a b"
        logger.info("too quiet")
        logger.notice("link up", metadata: ["peer": "x=\"1\"", "n": "7", "empty": ""])
        logger.error("a\nb\u{1b}[2J", metadata: ["private_key": "abc", "seed": "def"])
        #expect(
            paper.text == [
                "notice link up box=\"a b\" empty=\"\" n=7 peer=\"x=\\\"1\\\"\"\n",
                "error a\\nb\\u{1b}[2J box=\"a b\" private_key=REDACTED seed=REDACTED\n",
            ])
    }

    @Test func theLevelChangesForAllLoggersAtOnce() {
        let paper = Paper()
        let output = LogOutput(LogConfiguration(), journal: false, write: paper.write)
        let logger = output.logger("early")
        logger.debug("no")
        output.level = .trace
        logger.debug("yes")
        output.level = .critical
        logger.error("no")
        #expect(paper.text == ["debug yes\n"])
    }

    @Test func theJournalGetsPriorities() {
        let paper = Paper()
        let logger = LogOutput(LogConfiguration(level: .trace), journal: true, write: paper.write).logger("x")
        logger.trace("a")
        logger.warning("b")
        logger.critical("c")
        #expect(paper.text == ["<7>trace a\n", "<4>warning b\n", "<2>critical c\n"])
    }

    @Test func jsonLines() throws {
        let paper = Paper()
        let logger = LogOutput(LogConfiguration(format: .json), journal: false, write: paper.write).logger("x")
        logger.warning("a \"quoted\"\nline", metadata: ["peer": "p", "secret": "s"])
        let line = try #require(paper.text.first)
        #expect(line.hasSuffix("}\n") && line.count { $0 == "\n" } == 1)
        let fields = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
        #expect(fields["message"] == "a \"quoted\"\nline")
        #expect(fields["level"] == "warning" && fields["logger"] == "x" && fields["peer"] == "p")
        #expect(fields["secret"] == "REDACTED")
        #expect(fields["time"]?.hasSuffix("Z") == true)
    }
}
