import Foundation
import TestSupport
import Testing

@testable import Settings

/// A configuration file is replaced as a whole, with all that it is besides its bytes.
@Suite struct EditedFileTests {
    private static let old: [UInt8] = Array("old\n".utf8)
    private static let new: [UInt8] = Array("new\n".utf8)

    private static func open(_ path: String, patience: Int = 5) throws -> EditedFile {
        try EditedFile(path, limit: 1000, patience: patience)
    }

    private static func status(_ path: String) -> stat {
        var status = stat()
        stat(path, &status)
        return status
    }

    private static func names(_ directory: TemporaryDirectory) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
    }

    @Test func modeOwnerAndLinksStay() throws {
        let directory = try TemporaryDirectory()
        let real = try directory.write("real.yaml", Self.old, mode: 0o640)
        if getuid() == 0 { chown(real, 1234, 4321) }
        let path = directory.file("config.yaml")
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "real.yaml")
        let before = Self.status(path)
        let file = try Self.open(path)
        #expect(file.contents.bytes == Self.old)
        try file.replace(with: Self.new)
        file.finish()
        let after = Self.status(real)
        #expect(after.st_mode == before.st_mode && after.st_uid == before.st_uid && after.st_gid == before.st_gid)
        #expect(try FileContents.read(path, limit: 100).bytes == Self.new)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path) == "real.yaml")
        #expect(try Self.names(directory) == ["config.yaml", "real.yaml"])
    }

    /// Not only its bytes: whoever looks whether it was written sees that it was not.
    @Test func whatIsPutBackIsTheVeryFile() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("config.yaml", Self.old)
        let before = FileVersion(path)
        let file = try Self.open(path)
        try file.replace(with: Self.new)
        #expect(FileVersion(path) != before)
        try file.putBack()
        #expect(FileVersion(path) == before)
        #expect(try FileContents.read(path, limit: 100).bytes == Self.old)
        #expect(try Self.names(directory) == ["config.yaml"])
    }

    @Test func whatSomebodyElseHasWrittenIsLeft() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("config.yaml", Self.old)
        let early = try Self.open(path)
        try directory.write("config.yaml", "theirs")
        #expect {
            try early.replace(with: Self.new)
        } throws: { error in
            (error as? FileError)?.code == EAGAIN && "\(error)".contains("try again")
        }
        withExtendedLifetime(early) {}
        #expect(try FileContents.read(path, limit: 100).bytes == Array("theirs".utf8))
        #expect(try Self.names(directory) == ["config.yaml"])
    }

    /// Twenty edits at once: none is lost.
    @Test func oneAfterTheOther() async throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("config.yaml", "")
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask {
                    do {
                        let file = try Self.open(path, patience: 60)
                        try file.replace(with: file.contents.bytes + [UInt8(0x41 + number)])
                        file.finish()
                    } catch {
                        Issue.record("\(error)")
                    }
                }
            }
        }
        #expect(try FileContents.read(path, limit: 100).bytes.sorted() == (0..<20).map { UInt8(0x41 + $0) })
    }

    @Test func whoWaitsTooLongIsToldWhy() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("config.yaml", Self.old)
        let first = try Self.open(path)
        #expect {
            _ = try Self.open(path, patience: 1)
        } throws: { error in
            "\(error)".contains("somebody else has been changing it for 1 s")
        }
        withExtendedLifetime(first) {}
    }

    @Test func whatIsNoFileIsRefused() throws {
        let directory = try TemporaryDirectory()
        #expect(throws: FileError.self) { _ = try Self.open(directory.file("none.yaml")) }
        #expect(throws: FileError.self) { _ = try Self.open(directory.path) }
        let large = try directory.write("large.yaml", [UInt8](repeating: 0x41, count: 2000))
        #expect(throws: FileError.self) { _ = try Self.open(large) }
    }
}
