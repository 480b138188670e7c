internal import Foundation
internal import Testing

/// A directory of the test's own, gone with the value.
package final class TemporaryDirectory: Sendable {
    package let path: String

    package init() throws {
        // Short: a Unix socket's path has 107 bytes.
        path = "/tmp/i256-\(UInt32.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    package func file(_ name: String) -> String { path + "/" + name }

    @discardableResult
    package func write(_ name: String, _ bytes: [UInt8], mode: Int = 0o600) throws -> String {
        let path = file(name)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return path
    }

    @discardableResult
    package func write(_ name: String, _ text: String, mode: Int = 0o600) throws -> String {
        try write(name, Array(text.utf8), mode: mode)
    }

    package func mode(of name: String) throws -> Int {
        let value = try FileManager.default.attributesOfItem(atPath: file(name))[.posixPermissions]
        return try #require(value as? Int)
    }
}
