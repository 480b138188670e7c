import Foundation
import INET256
import INET256Client

/// Sends a message of each of many sizes from one node to another, some hundred kilobytes ahead of what has come, and
/// keeps account: each may come once, unaltered. What is lost can be sent again in another round; its bytes are then
/// others, so that the round can be told when it comes after all.
struct SizeSweep {
    private let source: any Node
    private let target: any Node
    /// By round, then size: sent and not come; come.
    private var missing: [Set<Int>] = []
    private var came: [Set<Int>] = []
    private var underWay = 0
    /// What no network may do: messages that were altered, made up or doubled.
    private(set) var faults: [String] = []
    private(set) var messageCount = 0
    private(set) var byteCount = 0

    /// Bytes under way at most, much less than any queue on the way holds.
    private static let window = 512 * 1024
    /// What a message costs of the window besides its bytes.
    private static let overhead = 256
    /// Nothing comes for this long: what is missing is lost.
    private static let patience: Duration = .seconds(5)
    /// Faults of one kind come in thousands.
    private static let mostFaults = 20

    init(from source: any Node, to target: any Node) {
        self.source = source
        self.target = target
    }

    /// Sends one message of each of `sizes`; returns those that did not come.
    mutating func round(_ sizes: some Sequence<Int>) async throws -> Set<Int> {
        let round = missing.count
        missing.append([])
        came.append([])
        underWay = 0
        for size in sizes {
            while underWay > 0, underWay + size + Self.overhead > Self.window {
                if try await !receive(within: Self.patience) { underWay = 0 }
            }
            missing[round].insert(size)
            underWay += size + Self.overhead
            try await source.send(Self.payload(size, round), to: target.localAddress)
        }
        while !missing[round].isEmpty, try await receive(within: Self.patience) {}
        return missing[round]
    }

    /// Takes what still comes until nothing does for `pause`: that would be a second copy.
    mutating func listen(for pause: Duration) async throws {
        while try await receive(within: pause) {}
    }

    /// False when nothing came.
    private mutating func receive(within limit: Duration) async throws -> Bool {
        let message: Message
        do {
            message = try await soon(limit) { [target] in try await target.receive() }
        } catch NodeError.cancelled {
            return false
        }
        let size = message.payload.count
        messageCount += 1
        byteCount += size
        guard message.source == source.localAddress, message.destination == target.localAddress else {
            fault("\(size) bytes came from \(message.source) for \(message.destination)")
            return true
        }
        // The latest round first: the shortest payloads are alike in all.
        let rounds = missing.indices.reversed().filter { Self.isPayload(message.payload, $0) }
        if let round = rounds.first(where: { missing[$0].contains(size) }) {
            missing[round].remove(size)
            came[round].insert(size)
            underWay -= size + Self.overhead
        } else if rounds.contains(where: { came[$0].contains(size) }) {
            fault("\(size) bytes came twice")
        } else {
            fault("\(size) bytes came altered, or were never sent")
        }
        return true
    }

    private mutating func fault(_ what: String) {
        if faults.count < Self.mostFaults { faults.append(what) }
    }

    // MARK: - What is sent

    /// Bytes without a pattern (xorshift), twice as many as the longest message has; each message is a piece of them.
    private static let bytes: [UInt8] = {
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15
        return (0..<2 * (Message.maximumCount + 1)).map { _ in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return UInt8(truncatingIfNeeded: state >> 24)
        }
    }()

    /// Where the piece begins: elsewhere for each size (the factor is odd) and round.
    private static func start(_ size: Int, _ round: Int) -> Int {
        (size * 40_503 + round * 20_011) % (Message.maximumCount + 1)
    }

    private static func payload(_ size: Int, _ round: Int) -> [UInt8] {
        let start = start(size, round)
        return Array(bytes[start..<(start + size)])
    }

    /// In one call of C: a loop over two gigabytes would take minutes in a debug build.
    private static func isPayload(_ payload: [UInt8], _ round: Int) -> Bool {
        let start = start(payload.count, round)
        return payload.withUnsafeBytes { payload in
            bytes.withUnsafeBytes { bytes in
                guard let came = payload.baseAddress, let sent = bytes.baseAddress else { return payload.isEmpty }
                return memcmp(came, sent + start, payload.count) == 0
            }
        }
    }
}
