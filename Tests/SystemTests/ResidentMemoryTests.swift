import Glibc
import Testing

@testable import System

/// What the process gives back. Serial: both look at the whole process, in which other tests run at the same time.
@Suite(.serialized) struct ResidentMemoryTests {
    /// Blocks as large as the daemon's pools are the kernel's at once when they are freed, however often one was.
    @Test func largeBlocksDoNotStay() throws {
        ResidentMemory.settle()
        func allocated() -> UnsafeMutableRawPointer { .allocate(byteCount: 8 << 20, alignment: 4096) }
        // The first one goes in any case.
        allocated().deallocate()
        var gone = 0
        var held: [UnsafeMutableRawPointer] = []
        for _ in 0..<64 where gone < 3 {
            let block = allocated()
            #expect(try isMapped(block))
            block.deallocate()
            // What other tests have left in the heap is used up first: a place that stays is taken, and the next one tried.
            if try isMapped(block) { held.append(allocated()) } else { gone += 1 }
        }
        for block in held { block.deallocate() }
        #expect(gone == 3, "\(held.count) stayed")
        #expect(try statusLine("THP_enabled") == "0")
    }

    /// Most of what the test program has run through so far is not needed for the next line.
    @Test func pagesOfTheProgramGoAndComeBack() throws {
        let before = try filePages()
        let covered = ResidentMemory.giveBack()
        let after = try filePages()
        #expect(covered > 10 << 20, "the program and its libraries are larger")
        #expect(after < before / 2, "\(before) pages before, \(after) after")
        // And everything still runs.
        #expect([3, 1, 2].sorted().map(String.init).joined() == "123")
    }

    /// Pages of files that the process has in hand (proc(5), status).
    private func filePages() throws -> Int {
        let words = try #require(try statusLine("RssFile")).split(separator: " ")
        return try #require(Int(words[0])) * 1024 / Int(getpagesize())
    }

    private func statusLine(_ key: String) throws -> String? {
        let text = try read("/proc/self/status")
        let line = text.split(separator: "\n").first { $0.hasPrefix("\(key):") }
        return line.map { $0.dropFirst(key.count + 1).drop { $0 == " " || $0 == "\t" } }.map(String.init)
    }

    /// Whether the address is in any mapping: 8 MB that malloc keeps would be.
    private func isMapped(_ address: UnsafeMutableRawPointer) throws -> Bool {
        let wanted = UInt(bitPattern: address) + 4 << 20
        return try read("/proc/self/maps").split(separator: "\n").contains { line in
            let ends = line.prefix { $0 != " " }.split(separator: "-").compactMap { UInt($0, radix: 16) }
            return ends.count == 2 && (ends[0]..<ends[1]).contains(wanted)
        }
    }

    private func read(_ path: String) throws -> String {
        let file = open(path, O_RDONLY)
        try #require(file >= 0)
        defer { close(file) }
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(file, &chunk, chunk.count)
            guard count > 0 else { break }
            all += chunk.prefix(count)
        }
        return String(decoding: all, as: UTF8.self)
    }
}
