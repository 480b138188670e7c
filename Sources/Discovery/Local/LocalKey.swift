internal import INET256
internal import Wire

/// What announcements on a link are sealed with, and so who can read them.
struct LocalKey {
    enum Reader: Equatable {
        /// Whoever knows this address, who configured it as a peer for instance.
        case knowing(Address)
        /// Whoever has the shared secret.
        case secret
        /// Everybody.
        case anybody
    }

    let reader: Reader
    let bytes: Bytes32

    /// For whoever knows `address`.
    init(knowing address: Address) {
        reader = .knowing(address)
        bytes = address.raw.withBytes { Self.derive("inet256vpn local discovery, address", $0) }
    }

    /// For whoever has the secret, a text of the operator's own.
    init(secret: String) {
        reader = .secret
        bytes = Array(secret.utf8).withUnsafeBytes { Self.derive("inet256vpn local discovery, secret", $0) }
    }

    private init(reader: Reader, bytes: Bytes32) {
        self.reader = reader
        self.bytes = bytes
    }

    /// No secret at all.
    static let anybody = LocalKey(
        reader: .anybody,
        bytes: derive("inet256vpn local discovery, anybody", UnsafeRawBufferPointer(start: nil, count: 0)))

    /// BLAKE2b-256 of the label and what is known.
    private static func derive(_ label: String, _ known: UnsafeRawBufferPointer) -> Bytes32 {
        Keyed.hash(key: UnsafeRawBufferPointer(start: nil, count: 0), Array(label.utf8), known)
    }
}

/// BLAKE2b-256 with or without a key.
enum Keyed {
    static func hash(key: UnsafeRawBufferPointer, _ a: [UInt8], _ b: UnsafeRawBufferPointer) -> Bytes32 {
        var hash = [UInt8](repeating: 0, count: Bytes32.count)
        return hash.withUnsafeMutableBytes { hash in
            a.withUnsafeBytes { Blake2b.hash(into: hash, key: key, $0, b) }
            return hash.baseAddress.map { Bytes32(loading: $0) } ?? .zero
        }
    }
}
