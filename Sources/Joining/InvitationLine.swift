package import INET256
internal import Wire

/// An invitation as it is passed on: one line of letters, digits, "-" and "_" behind "inet256:", for a shell, a chat or a QR code.
///
/// The bytes: version (1), flags (1), address (32), secret (16), then four lists, each a count (1) and its members: endpoints, central
/// servers, and of at most one member the prefix and the network, where they are not the usual ones. A member is a length (1) and text.
/// Behind all of it the first four bytes of its BLAKE2b hash: a line that was cut or mistyped is told from one that is refused.
package struct InvitationLine: Sendable {
    package var address: Address
    package var secret: InvitationSecret
    /// Where the inviter may be reached, as `peers[].addrs` has it.
    package var endpoints: [String] = []
    /// Central servers that know where it is, as `discovery` has them.
    package var servers: [String] = []
    /// The mesh's prefix and network, where they are not the default ones: both ends must have the same.
    package var prefix: String?
    package var network: String?

    package static let scheme = "inet256:"
    package static let mostEndpoints = 8
    package static let mostServers = 4
    /// In bytes, of one text.
    package static let longestText = 200
    /// In characters, generously.
    package static let longest = 4096

    private static let version: UInt8 = 1
    private static let checksum = 4

    package init(address: Address, secret: InvitationSecret) {
        self.address = address
        self.secret = secret
    }

    package var text: String {
        var bytes: [UInt8] = [Self.version, 0]
        bytes.append(address.raw)
        bytes += secret.bytes
        Self.put(Array(endpoints.prefix(Self.mostEndpoints)), into: &bytes)
        Self.put(Array(servers.prefix(Self.mostServers)), into: &bytes)
        Self.put(prefix.map { [$0] } ?? [], into: &bytes)
        Self.put(network.map { [$0] } ?? [], into: &bytes)
        bytes += Self.sum(bytes[...])
        var characters = [UInt8](repeating: 0, count: Base64.textCount(bytes.count))
        characters.withUnsafeMutableBytes { text in bytes.withUnsafeBytes { Base64.ordered.encode($0, into: text) } }
        return Self.scheme + String(decoding: characters, as: UTF8.self)
    }

    /// - Throws: what is wrong with the line, in words for whoever has typed it.
    package init(parsing text: String) throws(InvitationLineError) {
        let text = text.filter { !$0.isWhitespace }
        guard text.hasPrefix(Self.scheme) else { throw .notOne }
        guard text.utf8.count <= Self.longest else { throw .damaged }
        let characters = Array(text.utf8.dropFirst(Self.scheme.utf8.count))
        guard characters.allSatisfy({ Base64.ordered.contains($0) }) else { throw .damaged }
        var bytes = [UInt8](repeating: 0, count: characters.count * 6 / 8)
        do {
            try bytes.withUnsafeMutableBytes { bytes in
                try characters.withUnsafeBytes { try Base64.ordered.decode($0, into: bytes) }
            }
        } catch { throw .damaged }
        guard let first = bytes.first, bytes.count > Self.checksum else { throw .damaged }
        let body = bytes.dropLast(Self.checksum)
        guard Self.sum(body) == Array(bytes.suffix(Self.checksum)) else { throw .damaged }
        guard first == Self.version else { throw .newer(first) }
        guard let parts = Self.parts(Array(body)) else { throw .damaged }
        self = parts
    }

    private static func parts(_ body: [UInt8]) -> InvitationLine? {
        body.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            guard reader.take(2) != nil, let raw = reader.bytes32(),
                let secret = reader.take(InvitationSecret.count).flatMap({ InvitationSecret(Array($0)) }),
                let endpoints = texts(&reader, mostEndpoints), let servers = texts(&reader, mostServers),
                let prefix = texts(&reader, 1), let network = texts(&reader, 1), reader.isEmpty
            else { return nil }
            var line = InvitationLine(address: Address(raw: raw), secret: secret)
            line.endpoints = endpoints
            line.servers = servers
            line.prefix = prefix.first
            line.network = network.first
            return line
        }
    }

    private static func put(_ texts: [String], into bytes: inout [UInt8]) {
        let fitting = texts.filter { $0.utf8.count <= longestText }
        bytes.append(UInt8(clamping: fitting.count))
        for text in fitting { bytes.appendText(text) }
    }

    private static func texts(_ reader: inout ByteReader, _ limit: Int) -> [String]? {
        guard let count = reader.big(UInt8.self), count <= limit else { return nil }
        var texts: [String] = []
        for _ in 0..<count {
            guard let text = reader.text(longestText), text.utf8.allSatisfy({ (33...126).contains($0) }) else {
                return nil
            }
            texts.append(text)
        }
        return texts
    }

    private static func sum(_ body: ArraySlice<UInt8>) -> [UInt8] {
        var hash = [UInt8](repeating: 0, count: 32)
        hash.withUnsafeMutableBytes { $0.hash(Array(body), []) }
        return Array(hash.prefix(checksum))
    }
}

/// Why a line is no invitation.
package enum InvitationLineError: Error, Equatable, CustomStringConvertible {
    case notOne
    case damaged
    case newer(UInt8)

    package var description: String {
        switch self {
        case .notOne:
            "this is no invitation: one begins with \"\(InvitationLine.scheme)\", as `inet256vpn invite` prints it"
        case .damaged: "a part of the invitation is missing or was mistyped: copy the whole line again"
        case .newer(let version):
            "the invitation is of a newer form (\(version)): install a newer inet256vpn here, or have it made by an older one"
        }
    }
}

extension [UInt8] {
    /// A length (1 byte) and the text, of which 255 bytes are taken at most.
    mutating func appendText(_ text: String) {
        let bytes = Array(text.utf8.prefix(255))
        append(UInt8(clamping: bytes.count))
        append(contentsOf: bytes)
    }
}

extension ByteReader {
    /// Nil where it is not all there, longer than `limit` bytes, or no UTF-8.
    mutating func text(_ limit: Int) -> String? {
        guard let count = big(UInt8.self), count <= limit, let bytes = take(Int(count)) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}
