import Foundation
import Logging
import Settings
import Testing

@testable import inet256vpn

/// The log's way to a reader that is slow, or does not read at all.
@Suite struct LogQueueTests {
    /// A pipe whose writing end is a log's.
    private final class Pipe: Sendable {
        let reading: Int32
        let writing: Int32

        init() {
            var ends: [Int32] = [-1, -1]
            _ = pipe(&ends)
            (reading, writing) = (ends[0], ends[1])
        }

        deinit {
            close(reading)
            close(writing)
        }

        /// Fills it up, and gives how many bytes that took.
        func fill() -> Int {
            let flags = fcntl(writing, F_GETFL)
            _ = fcntl(writing, F_SETFL, flags | O_NONBLOCK)
            defer { _ = fcntl(writing, F_SETFL, flags) }
            let chunk = [UInt8](repeating: UInt8(ascii: "."), count: 4096)
            var count = 0
            while true {
                let written = write(writing, chunk, chunk.count)
                if written <= 0 { return count }
                count += written
            }
        }

        func read(_ count: Int) -> [UInt8] {
            var bytes: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 4096)
            while bytes.count < count {
                let got = Foundation.read(reading, &chunk, min(chunk.count, count - bytes.count))
                if got <= 0 { break }
                bytes += chunk[..<got]
            }
            return bytes
        }

        /// Reads lines as they come until one is `last`.
        func lines(upTo last: String) -> [String] {
            var text = ""
            while !text.hasSuffix(last + "\n") {
                let more = read(1)
                if more.isEmpty { break }
                text += String(decoding: more, as: UTF8.self)
            }
            return text.split(separator: "\n").map(String.init)
        }
    }

    @Test func nothingIsLostOrOutOfOrderInOrdinaryOperation() {
        let pipe = Pipe()
        let output = LogOutput(LogConfiguration(), descriptor: pipe.writing)
        let logger = output.logger("test")
        for number in 0..<1000 { logger.notice("line \(number)") }
        #expect(output.close())
        #expect(pipe.lines(upTo: "notice line 999") == (0..<1000).map { "notice line \($0)" })
        // Closed a second time, and after that not written to.
        #expect(output.close())
    }

    /// Nobody reads: whoever logs goes on at once, and what could not be kept is told where it is missing.
    @Test func aReaderThatDoesNotReadStopsNobody() {
        let pipe = Pipe()
        let filled = pipe.fill()
        let output = LogOutput(LogConfiguration(), descriptor: pipe.writing)
        let logger = output.logger("test")
        let long = String(repeating: "x", count: 1000)
        let began = ContinuousClock.now
        for number in 0..<1000 { logger.notice("\(number) \(long)") }
        // A thousand lines, of which each would have waited for a reader.
        #expect(ContinuousClock.now - began < .seconds(10))
        _ = pipe.read(filled)
        var lines: [String] = []
        while lines.last?.contains("lost") != true {
            let line = pipe.lines(upTo: "").joined()
            if line.isEmpty { break }
            lines.append(line)
        }
        let kept = lines.count - 1
        #expect(kept >= 200 && kept < 300, "256 KiB of them: \(kept)")
        for (number, line) in lines.dropLast().enumerated() { #expect(line.hasPrefix("notice \(number) x")) }
        #expect(lines.last == "warning log lines were lost, as nobody read them in time count=\(1000 - kept)")
        // And on it goes.
        logger.notice("again")
        #expect(output.close())
        #expect(pipe.lines(upTo: "notice again") == ["notice again"])
    }

    @Test func theEndDoesNotWaitForAReader() {
        let pipe = Pipe()
        _ = pipe.fill()
        let output = LogOutput(LogConfiguration(), descriptor: pipe.writing)
        output.logger("test").notice("unread")
        let began = ContinuousClock.now
        #expect(!output.close())
        #expect(ContinuousClock.now - began < .seconds(10))
    }

    /// A reader that is gone costs the lines, and not the program (SIGPIPE is ignored by the daemon).
    @Test func aReaderThatIsGone() {
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [-1, -1]
        _ = Foundation.pipe(&ends)
        close(ends[0])
        let output = LogOutput(LogConfiguration(), descriptor: ends[1])
        for number in 0..<100 { output.logger("test").notice("\(number)") }
        #expect(output.close())
        close(ends[1])
    }
}
