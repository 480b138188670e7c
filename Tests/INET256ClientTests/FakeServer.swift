import Foundation
import INET256
import Synchronization
import Testing

/// The daemon's end of one connection, byte for byte, on the thread of whoever calls.
final class FakeConnection: @unchecked Sendable {
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    /// Signs of life that have come.
    private(set) var keepAlives = 0

    init(_ descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(descriptor) }

    /// The request's head and body, as text.
    func request() -> String {
        while true {
            let text = String(decoding: buffer, as: UTF8.self)
            if let end = text.range(of: "\r\n\r\n"),
                let field = text.range(of: "Content-Length: "),
                let count = Int(text[field.upperBound...].prefix { $0.isNumber }),
                text[end.upperBound...].utf8.count >= count
            {
                buffer.removeFirst(text[..<end.upperBound].utf8.count + count)
                return String(text.prefix(text[..<end.upperBound].count + count))
            }
            guard fill() else { return text }
        }
    }

    /// The next frame with its length; nil at the end. Signs of life are passed over.
    func frame() -> [UInt8]? {
        while true {
            if buffer.count >= 4 {
                let count = 4 + buffer[..<4].reduce(0) { $0 << 8 | Int($1) }
                if buffer.count >= count {
                    let frame = Array(buffer[..<count])
                    buffer.removeFirst(count)
                    if frame == FakeConnection.keepAlive {
                        keepAlives += 1
                        continue
                    }
                    return frame
                }
            }
            guard fill() else { return nil }
        }
    }

    func write(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return }
            sent += count
        }
    }

    func write(_ text: String) { write(Array(text.utf8)) }

    /// Takes the request and lets the node open.
    @discardableResult
    func accept() -> String {
        let text = request()
        write(Self.accepted)
        return text
    }

    /// Says that nothing more will come, and reads until the other end has closed.
    func drain() {
        shutdown(descriptor, Int32(SHUT_WR))
        while fill() {}
    }

    func shutDown() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    private func fill() -> Bool {
        var chunk = [UInt8](repeating: 0, count: 65536)
        let count = read(descriptor, &chunk, chunk.count)
        if count > 0 { buffer += chunk[..<count] }
        return count > 0
    }

    static let accepted = "HTTP/1.1 200 OK\r\n\r\n"
    static let keepAlive: [UInt8] = [0, 0, 0, 4] + Array("KEEP".utf8)

    static func frame(_ type: String, _ body: [UInt8]) -> [UInt8] {
        let count = UInt32(4 + body.count).bigEndian
        return withUnsafeBytes(of: count) { Array($0) } + Array(type.utf8) + body
    }
}

/// A daemon that does what a test says: each connection gets `body` on a thread of its own.
final class FakeServer: Sendable {
    let path: String
    private let descriptor: Int32

    init(_ body: @escaping @Sendable (_ connection: FakeConnection, _ number: Int) -> Void) throws {
        path = NSTemporaryDirectory() + "i256c-\(UUID().uuidString.prefix(8)).sock"
        let listening = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        descriptor = listening
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listening, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0 && listen(listening, 16) == 0)
        Thread.detachNewThread {
            var number = 0
            while true {
                let accepted = Foundation.accept(listening, nil, nil)
                guard accepted >= 0 else { return }
                let connection = FakeConnection(accepted)
                let current = number
                number += 1
                Thread.detachNewThread { body(connection, current) }
            }
        }
    }

    deinit {
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
        unlink(path)
    }
}

/// Ends `body` after `seconds`: then it throws `cancelled`.
func limited<R: Sendable>(_ seconds: Double = 10, _ body: @escaping @Sendable () async throws -> R) async throws -> R {
    let work = Task(operation: body)
    let watch = Task {
        try await Task.sleep(for: .milliseconds(Int64(seconds * 1000)))
        work.cancel()
    }
    defer { watch.cancel() }
    return try await work.value
}
