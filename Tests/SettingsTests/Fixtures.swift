import Foundation
import INET256

/// Addresses with nothing behind them.
enum Sample {
    static let plain = "oJLz5ZaqwUZSwU9l8AdC6pCFdB7YvAUaKBwacOgKicJ"
    static let dashed = "-JLz5ZaqwUZSwU9l8AdC6pCFdB7YvAUaKBwacOgKicJ"
    static let doubleDashed = "--Lz5ZaqwUZSwU9l8AdC6pCFdB7YvAUaKBwacOgKicJ"

    static func address(_ text: String) throws -> Address { try Address(parsing: text) }
}

/// A directory of the test's own, gone with the value.
final class TemporaryDirectory {
    let path = "/tmp/i256-\(UInt32.random(in: 0 ... .max))"

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }

    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
        return file(name)
    }
}
