internal import INET256
internal import Wire

/// The suites of the handshake, by number: what the transport keys seal with. Offered as a bit set in message 1 (and in the
/// prologue), chosen by the callee in the sealed payload of message 2, so nobody on the way can talk the two down.
struct Suites: Equatable {
    /// Bit n offers suite n.
    let bits: UInt16
    /// Those of `bits` that this box knows, its favourite first.
    private let preference: [Cipher]

    init(ciphers: [Cipher], minimum: UInt8) {
        preference = ciphers.filter { $0.isAvailable && $0.rawValue >= minimum }
        bits = preference.reduce(0) { $0 | 1 << UInt16($1.rawValue) }
    }

    /// The best one that the other side offers too.
    func choose(from offered: UInt16) -> Cipher? {
        preference.first { offered & (1 << UInt16($0.rawValue)) != 0 }
    }

    /// A choice of the other side, if it was among what was offered.
    func accept(_ number: UInt8) -> Cipher? {
        guard let cipher = Cipher(rawValue: number), bits & (1 << UInt16(number)) != 0 else { return nil }
        return cipher
    }
}

/// The prologue of the handshake: label, version, suites offered, the callee's address. Both ends hash it first, so a
/// change of any of it on the way breaks the handshake.
func handshakePrologue(suites: UInt16, callee: Address) -> [UInt8] {
    var out = Array("inet256vpn session".utf8)
    out.append(protocolVersion)
    out.append(UInt8(truncatingIfNeeded: suites))
    out.append(UInt8(truncatingIfNeeded: suites >> 8))
    callee.raw.withBytes { out.append(contentsOf: $0) }
    return out
}

extension BoxSettings {
    /// Whether any allowed cipher is left on this processor. A box cannot be made without one.
    public var hasCipher: Bool { Suites(ciphers: ciphers, minimum: minimumSuite).bits != 0 }
}
