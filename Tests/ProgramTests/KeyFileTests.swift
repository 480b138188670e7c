import Foundation
import INET256
import TestSupport
import Testing
import Wire

@testable import inet256vpn

@Suite struct KeyFileTests {
    private func bytes(_ key: PrivateKey, asText: Bool = false) -> [UInt8] {
        PrivateKeyFile.contents(of: key, asText: asText).withBytes { [UInt8]($0) }
    }

    @Test(arguments: [false, true])
    func whatIsWrittenIsRead(_ asText: Bool) throws {
        let directory = try TemporaryDirectory()
        let key = PrivateKey(generatedFrom: SystemRandom())
        let path = directory.file("key")
        try PrivateKeyFile.create(path, key: key, asText: asText)
        #expect(try directory.mode(of: "key") == 0o600)
        let file = try PrivateKeyFile.load(path)
        #expect(file.key.address == key.address)
        #expect(file.warnings.isEmpty)
        // Nothing but the key is left behind.
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["key"])
    }

    /// As in `inet256vpn keygen | inet256vpn addr --private-key /dev/stdin`, with a writer that is late.
    @Test func aKeyMayComeThroughAPipe() throws {
        let pipe = Pipe()
        let key = PrivateKey(generatedFrom: SystemRandom())
        let content = Data(bytes(key))
        let writer = Thread {
            try? pipe.fileHandleForWriting.write(contentsOf: content.prefix(10))
            usleep(50_000)
            try? pipe.fileHandleForWriting.write(contentsOf: content.dropFirst(10))
            try? pipe.fileHandleForWriting.close()
        }
        writer.start()
        let file = try PrivateKeyFile.load("/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)")
        #expect(file.key.address == key.address)
        #expect(file.warnings.isEmpty, "a pipe has no mode to be warned about")
    }

    @Test func aKeyIsNeverOverwritten() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("key", "precious")
        #expect(throws: KeyFileError.exists(path)) {
            try PrivateKeyFile.create(path, key: PrivateKey(generatedFrom: SystemRandom()), asText: false)
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious")
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["key"])
        #expect {
            try PrivateKeyFile.create(
                directory.file("no/key"), key: PrivateKey(generatedFrom: SystemRandom()), asText: false)
        } throws: {
            "\($0)".contains("No such file")
        }
    }

    @Test func garbageIsNamed() throws {
        let directory = try TemporaryDirectory()
        let good = bytes(PrivateKey(generatedFrom: SystemRandom()))
        var flipped = good
        flipped[80] ^= 1
        let cases: [(name: String, bytes: [UInt8], says: String)] = [
            ("empty", [], "it is empty"),
            ("short", Array(good.prefix(40)), "cut off"),
            ("long", good + [0], "too many"),
            ("flipped", flipped, "damaged"),
            ("text", Array("hello, world\n".utf8), "not base64"),
            ("noise", (0..<81).map { _ in UInt8.random(in: 128...255) }, "not an INET256 key"),
            ("huge", [UInt8](repeating: 65, count: 5000), "larger than any key file"),
        ]
        for item in cases {
            let path = try directory.write(item.name, item.bytes)
            #expect {
                try PrivateKeyFile.load(path)
            } throws: {
                "\($0)".contains(item.says) && "\($0)".contains(path) && ($0 as? KeyFileError)?.exitStatus == .usage
            }
        }
        #expect { try PrivateKeyFile.load(directory.file("none")) } throws: { "\($0)".contains("keygen --output") }
    }

    @Test func openFilesAreRefusedOrWarnedAbout() throws {
        let directory = try TemporaryDirectory()
        let key = PrivateKey(generatedFrom: SystemRandom())
        let path = try directory.write("key", bytes(key), mode: 0o644)
        #expect(throws: KeyFileError.exposed(path: path, mode: 0o644)) { try PrivateKeyFile.load(path) }
        #expect(try PrivateKeyFile.load(path, tolerant: true).warnings.first?.contains("chmod 600") == true)
        try directory.write("key", bytes(key), mode: 0o640)
        #expect(try PrivateKeyFile.load(path).warnings.first?.contains("mode 0640") == true)
    }

    @Test func aFirstRunMakesWhatIsMissingAndKeepsWhatIsThere() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("etc/config.yaml")
        let done = try FirstRun.prepare(path, random: SystemRandom())
        #expect(done.count == 3)
        #expect(try directory.mode(of: "etc/private_key.inet256") == 0o600)
        #expect(try directory.mode(of: "etc/config.yaml") == 0o644)
        let setup = try DaemonSetup.load(path)
        #expect(done[1].contains(setup.key.address.description))
        #expect(try FirstRun.prepare(path, random: SystemRandom()).isEmpty)
        try FileManager.default.removeItem(atPath: path)
        #expect(try FirstRun.prepare(path, random: SystemRandom()).first?.contains("kept the key") == true)
        #expect(try DaemonSetup.load(path).key.address == setup.key.address)
    }

    @Test func twoNodesWithOneKeyAreRefused() throws {
        let directory = try TemporaryDirectory()
        let key = PrivateKey(generatedFrom: SystemRandom())
        try directory.write("a", bytes(key))
        try directory.write("b", bytes(key, asText: true))
        let path = try directory.write("c.yaml", "private_key_path: ./a\nnodes: [{private_key_path: ./b}]\n")
        #expect { try DaemonSetup.load(path) } throws: { "\($0)".contains("same key") }
    }

    @Test func miningFindsWhatWasAskedFor() async throws {
        let miner = try #require(KeyMiner(leadingZeros: 9))
        let key = await KeySearch(miner: miner).run()
        #expect(key.address.leadingZeroBits >= 9)
    }
}
