internal import INET256
internal import Wire

/// Keys that follow from an address alone: whoever knows the address can compute them, nobody else.
struct AddressKeys {
    /// Keys mac1 of message 1.
    let mac: [UInt8]
    /// Seals cookie replies.
    let cookie: [UInt8]
    /// Tells a box which of its addresses is called.
    let hint: UInt32

    init(_ address: Address) {
        mac = Self.derive("inet256 mac1", address, 32)
        cookie = Self.derive("inet256 cookie", address, 32)
        hint = Self.derive("inet256 hint", address, 4).withUnsafeBytes { $0.little(0) }
    }

    private static func derive(_ label: String, _ address: Address, _ count: Int) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: count)
        let label = Array(label.utf8)
        out.withUnsafeMutableBytes { out in
            label.withUnsafeBytes { label in
                address.raw.withBytes {
                    Blake2b.hash(into: out, key: UnsafeRawBufferPointer(start: nil, count: 0), label, $0)
                }
            }
        }
        return out
    }

    /// The 16-byte MAC of message 1 up to `mac1`.
    func mac1(_ message: UnsafeRawBufferPointer) -> [UInt8] {
        keyedHash(mac, message.slice(0, InitiationLayout.mac1) ?? message)
    }
}

/// A 16-byte keyed BLAKE2b.
func keyedHash(_ key: [UInt8], _ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    var out = [UInt8](repeating: 0, count: 16)
    out.withUnsafeMutableBytes { out in
        key.withUnsafeBytes {
            Blake2b.hash(into: out, key: $0, bytes, UnsafeRawBufferPointer(start: nil, count: 0))
        }
    }
    return out
}

/// Where a handshake message came in: what a cookie is bound to.
enum Ingress: Hashable {
    case direct(Endpoint)
    /// Through the link with this neighbour, said to be from that address.
    case relayed(neighbour: Address, source: Address)

    fileprivate var bytes: [UInt8] {
        var out: [UInt8] = []
        switch self {
        case .direct(let endpoint):
            out.append(0)
            out.appendLittle(endpoint.address.high)
            out.appendLittle(endpoint.address.low)
            out.appendLittle(endpoint.port)
        case .relayed(let neighbour, let source):
            out.append(1)
            out.append(neighbour.raw)
            out.append(source.raw)
        }
        return out
    }
}

/// Makes and checks the cookies of a box under load: a MAC of the ingress under a secret that changes every two
/// minutes. Holds nothing per caller.
struct CookieJar {
    static let secretLifetime: Interval = .seconds(120)
    private var secret: [UInt8]
    private var previous: [UInt8]
    private var renewAt: Instant
    private let random: any RandomSource

    init(random: any RandomSource, now: Instant) {
        self.random = random
        secret = Self.fresh(random)
        previous = secret
        renewAt = now + Self.secretLifetime
    }

    private static func fresh(_ random: any RandomSource) -> [UInt8] {
        var secret = [UInt8](repeating: 0, count: 32)
        secret.withUnsafeMutableBytes { random.fill($0) }
        return secret
    }

    /// Does message 1 carry a cookie made for this ingress lately?
    mutating func admits(_ message: InitiationMessage, from ingress: Ingress, now: Instant) -> Bool {
        renew(now)
        guard let covered = message.bytes.slice(0, InitiationLayout.mac2),
            let shown = message.bytes.slice(InitiationLayout.mac2, InitiationLayout.count - InitiationLayout.mac2)
        else { return false }
        for secret in [secret, previous] {
            let cookie = ingress.bytes.withUnsafeBytes { keyedHash(secret, $0) }
            let expected = keyedHash(cookie, covered)
            if expected.withUnsafeBytes({ constantTimeEqual($0, shown) }) { return true }
        }
        return false
    }

    /// The reply that hands out a cookie: sealed so that only who sent the message can read it on the way.
    mutating func reply(
        to message: InitiationMessage, from ingress: Ingress, keys: AddressKeys, now: Instant
    ) -> [UInt8] {
        renew(now)
        let cookie = ingress.bytes.withUnsafeBytes { keyedHash(secret, $0) }
        var nonce = [UInt8](repeating: 0, count: 24)
        nonce.withUnsafeMutableBytes { random.fill($0) }
        let sealed = keys.cookie.withUnsafeBytes {
            XChaCha20Poly1305.seal(cookie, nonce: nonce, additional: message.mac1, key: $0)
        }
        return CookieMessage.make(receiver: message.sender, nonce: nonce, sealed: sealed)
    }

    private mutating func renew(_ now: Instant) {
        guard now >= renewAt else { return }
        // Nobody asked for longer than a lifetime: the secret in use is as old as the one before would be.
        previous = now - renewAt < Self.secretLifetime ? secret : Self.fresh(random)
        secret = Self.fresh(random)
        renewAt = now + Self.secretLifetime
    }
}
