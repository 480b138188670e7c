internal import Foundation
internal import Settings

/// Standard input and output byte for byte, for commands that pass messages on.
enum StandardStreams {
    /// What there is to read, up to `count` bytes; empty at the end. The blocking call is made on a thread of its own kind.
    static func read(_ count: Int = 65536) async throws -> [UInt8] {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<[UInt8], any Error>) in
            DispatchQueue.global().async {
                var bytes = [UInt8](repeating: 0, count: count)
                while true {
                    let got = Glibc.read(STDIN_FILENO, &bytes, count)
                    if got < 0, errno == EINTR { continue }
                    if got < 0 { return continuation.resume(throwing: FileError("read", "standard input")) }
                    return continuation.resume(returning: Array(bytes.prefix(got)))
                }
            }
        }
    }

    static func write(_ bytes: [UInt8]) { bytes.withUnsafeBytes { Output.write($0) } }
}
