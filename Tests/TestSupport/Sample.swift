package import INET256

/// Addresses with nothing behind them.
package enum Sample {
    package static let plain = "oJLz5ZaqwUZSwU9l8AdC6pCFdB7YvAUaKBwacOgKicJ"
    package static let dashed = "-JLz5ZaqwUZSwU9l8AdC6pCFdB7YvAUaKBwacOgKicJ"
    package static let doubleDashed = "--Lz5ZaqwUZSwU9l8AdC6pCFdB7YvAUaKBwacOgKicJ"

    package static func address(_ text: String) throws -> Address { try Address(parsing: text) }
}
