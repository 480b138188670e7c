import Foundation
import TestSupport
import Testing
import Wire

@testable import INET256

@Suite struct SecretBytesTests {
    @Test(arguments: [0, 1, 31, 32, 33, 64, 81, 128, 129, 512, 513, 4096, 100_000])
    func beginsWithZerosAndHoldsItsBytes(count: Int) {
        let secret = SecretBytes(count: count)
        #expect(secret.count == count)
        #expect(secret.bytes == [UInt8](repeating: 0, count: count))
        let random = SeededRandom(seed: UInt64(count)).bytes(count)
        secret.withMutableBytes { $0.copyBytes(from: random) }
        #expect(secret.bytes == random)
        #expect(random.withRaw { SecretBytes(copying: $0) }.bytes == random)
        #expect(UInt(bitPattern: secret.address) % 16 == 0)
    }

    /// Many at once: none overlaps another, and a slot that is used again is zero.
    @Test func slotsAreApartAndClean() {
        let seed = SeededRandom.freshSeed()
        let random = SeededRandom(seed: seed)
        var held: [(SecretBytes, [UInt8])] = []
        for _ in 0..<5000 {
            if held.count > 600 || (!held.isEmpty && random.next(below: 3) == 0) {
                let (secret, expected) = held.remove(at: Int(random.next(below: UInt32(held.count))))
                #expect(secret.bytes == expected, "seed \(seed)")
            } else {
                let count = Int(random.next(below: 700))
                let secret = SecretBytes(count: count)
                #expect(secret.bytes.allSatisfy { $0 == 0 }, "seed \(seed)")
                let bytes = random.bytes(count)
                secret.withMutableBytes { $0.copyBytes(from: bytes) }
                held.append((secret, bytes))
            }
        }
        for (secret, expected) in held { #expect(secret.bytes == expected, "seed \(seed)") }
    }

    /// From several threads, with the pool's lock contended.
    @Test func threadsShareThePool() async {
        let intact = await withTaskGroup(of: Bool.self) { group in
            for task in 0..<8 {
                group.addTask {
                    var kept: [SecretBytes] = []
                    for index in 0..<2000 {
                        let secret = SecretBytes([UInt8](repeating: UInt8(task), count: 32))
                        if index % 3 == 0 { kept.append(secret) }
                        if kept.count > 300 { kept.removeFirst(200) }
                    }
                    return kept.allSatisfy { $0.bytes.allSatisfy { $0 == UInt8(task) } }
                }
            }
            return await group.reduce(true) { $0 && $1 }
        }
        #expect(intact)
    }

    /// The page is locked and kept out of core dumps: the kernel says so in /proc/self/smaps (lo, dd).
    @Test func pagesAreLockedAndNotDumped() throws {
        let secret = SecretBytes(count: 32)
        let address = UInt(bitPattern: secret.address)
        // Read as a stream: files in /proc say that they are empty.
        let file = try #require(FileHandle(forReadingAtPath: "/proc/self/smaps"))
        let map = String(decoding: try #require(try file.readToEnd()), as: UTF8.self)
        var inside = false
        var flags: [Substring]?
        for line in map.split(separator: "\n") {
            if let range = line.split(separator: " ").first?.split(separator: "-"), range.count == 2,
                let start = UInt(range[0], radix: 16), let end = UInt(range[1], radix: 16)
            {
                inside = (start..<end).contains(address)
            } else if inside, line.hasPrefix("VmFlags:") {
                flags = line.split(separator: " ").dropFirst().map { $0 }
            }
        }
        let found = try #require(flags)
        #expect(found.contains("dd"))
        // Locking may be forbidden where the tests run; the secret has to work there, too.
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(8), &limit)
        if limit.rlim_cur >= 4 << 20 { #expect(found.contains("lo")) }
    }

    @Test func neverShowsItsContent() {
        let secret = SecretBytes(Array("hidden".utf8))
        var dumped = ""
        dump(secret, to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), dumped] {
            #expect(!text.contains("hidden") && !text.contains("104"))
        }
    }

    @Test func comparesWholeBuffers() {
        func equal(_ a: [UInt8], _ b: [UInt8]) -> Bool { a.withRaw { a in b.withRaw { constantTimeEqual(a, $0) } } }
        #expect(equal([], []))
        #expect(equal([1, 2, 3], [1, 2, 3]))
        #expect(!equal([1, 2, 3], [1, 2, 4]))
        #expect(!equal([1, 2, 3], [1, 2]))
        #expect(!equal([], [0]))
    }

    @Test func systemRandomFills() {
        let random = SystemRandom()
        let a = SecretBytes(count: 64, from: random)
        let b = SecretBytes(count: 64, from: random)
        #expect(a.bytes != b.bytes)
        random.fill(UnsafeMutableRawBufferPointer(start: nil, count: 0))
    }
}
