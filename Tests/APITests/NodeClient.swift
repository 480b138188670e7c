import Foundation
import INET256
import NodeProtocol

@testable import API

enum Target: Sendable {
    case unix(String)
    case tcp(UInt16)
}

struct ClientError: Error {
    var what: String
    init(_ what: String) { self.what = what }
}

/// A client with plain blocking sockets: nothing of the server's own code but the frames' layout is used.
final class NodeClient {
    private let socket: Int32
    private var buffer: [UInt8] = []

    /// Reads give up after this many seconds.
    static let patience = 8

    /// `source`: the IPv4 address that it comes from over TCP; any of 127.0.0.0/8.
    init(_ target: Target, from source: String? = nil) throws {
        switch target {
        case .unix(let path):
            socket = Foundation.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
            try connect(&address)
        case .tcp(let port):
            socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            if let source {
                var own = address
                inet_pton(AF_INET, source, &own.sin_addr)
                let bound = withUnsafeBytes(of: &own) { bytes in
                    bytes.withMemoryRebound(to: sockaddr.self) {
                        bind(socket, $0.baseAddress, socklen_t(MemoryLayout<sockaddr_in>.size))
                    }
                }
                guard bound == 0 else { throw ClientError("no source \(source)") }
            }
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            try connect(&address)
        }
        var time = timeval(tv_sec: Self.patience, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(socket) }

    /// Opens the node of `key` and takes the 200.
    convenience init(_ target: Target, opening key: PrivateKey) throws {
        try self.init(target)
        write(Self.request("CONNECT", key))
        let head = try readHead()
        guard head == "HTTP/1.1 200 OK\r\n\r\n" else { throw ClientError("refused: \(head)") }
    }

    static func request(
        _ method: String, _ key: PrivateKey, to address: Address? = nil, host: String = "Host:\r\n"
    ) -> [UInt8] {
        head(method, "/nodes/\(address ?? key.address)", key.jsonBody.count, host: host) + key.jsonBody
    }

    static func head(_ method: String, _ path: String, _ length: Int, host: String = "Host:\r\n") -> [UInt8] {
        Array("\(method) \(path) HTTP/1.1\r\n\(host)Content-Length: \(length)\r\n\r\n".utf8)
    }

    /// False when the server has closed.
    @discardableResult
    func write(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count <= 0 { return false }
            sent += count
        }
        return true
    }

    /// Bytes that the kernel takes without waiting.
    func writeNow(_ bytes: [UInt8]) -> Int {
        max(0, bytes.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT)) })
    }

    func closeHalf() { shutdown(socket, Int32(SHUT_WR)) }

    /// Everything up to the end of the connection. Throws when it does not come.
    func readToEnd() throws -> [UInt8] {
        while try fill() {}
        defer { buffer = [] }
        return buffer
    }

    /// Whether the server has closed and everything before that was read. Does not wait.
    var hasEnded: Bool {
        var byte: UInt8 = 0
        let count = recv(socket, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT))
        return count == 0 || count < 0 && errno == ECONNRESET
    }

    func readAnswer() throws -> String { String(decoding: try readToEnd(), as: UTF8.self) }

    func readHead() throws -> String {
        while true {
            let text = String(decoding: buffer, as: UTF8.self)
            if let end = text.range(of: "\r\n\r\n") {
                let head = String(text[..<end.upperBound])
                // A refusal has a body behind it.
                buffer.removeFirst(head.utf8.count)
                return head
            }
            guard try fill() else { throw ClientError("closed before an answer: \(text)") }
        }
    }

    /// The next frame as it stands on the wire; KEEP only when asked for. Nil at the end of the connection.
    func readFrame(keeps: Bool = false) throws -> [UInt8]? {
        while true {
            if buffer.count >= 8 {
                let length = buffer[..<4].reduce(0) { $0 << 8 | Int($1) } + 4
                if buffer.count >= length {
                    let frame = Array(buffer[..<length])
                    buffer.removeFirst(length)
                    if !keeps, frame == NodeFrame.keep { continue }
                    return frame
                }
            }
            guard try fill() else { return nil }
        }
    }

    private func fill() throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        let count = read(socket, &chunk, chunk.count)
        if count < 0, errno == EAGAIN { throw ClientError("nothing came for \(Self.patience) s") }
        guard count > 0 else { return false }
        buffer += chunk[..<count]
        return true
    }

    private func connect<A>(_ address: inout A) throws {
        let result = withUnsafeBytes(of: &address) { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) {
                Foundation.connect(socket, $0.baseAddress, socklen_t(MemoryLayout<A>.size))
            }
        }
        guard result == 0 else {
            let code = errno
            throw ClientError("not connected: errno \(code)")
        }
    }
}
