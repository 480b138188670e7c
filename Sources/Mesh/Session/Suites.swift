package import INET256
internal import Wire

/// The suites of the handshake, by number: what the transport keys seal with. Offered as a bit set in message 1 (and in the
/// prologue), chosen by the callee in the sealed payload of message 2, so nobody on the way can talk the two down.
struct Suites: Equatable {
    /// Bit n offers suite n.
    let bits: UInt16
    /// Those of `bits`, this box's favourite first, and the library that each is taken from.
    let preference: [SuiteChoice]

    init(ciphers: [Cipher], minimum: UInt8, backends: CipherBackends = .floor) {
        preference = ciphers.compactMap { cipher in
            guard cipher.rawValue >= minimum, let backend = backends[cipher] else { return nil }
            return SuiteChoice(cipher: cipher, backend: backend)
        }
        bits = preference.reduce(0) { $0 | 1 << UInt16($1.cipher.rawValue) }
    }

    /// The best one that the other side offers too.
    func choose(from offered: UInt16) -> SuiteChoice? {
        preference.first { offered & (1 << UInt16($0.cipher.rawValue)) != 0 }
    }

    /// A choice of the other side, if it was among what was offered.
    func accept(_ number: UInt8) -> SuiteChoice? { preference.first { $0.cipher.rawValue == number } }
}

/// What a session seals with: the cipher, which both ends agree on, and the library, which is this end's own business.
package struct SuiteChoice: Sendable, Equatable {
    package let cipher: Cipher
    package let backend: CipherBackend
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
    var suites: Suites { Suites(ciphers: ciphers, minimum: minimumSuite, backends: backends) }

    /// Whether any allowed cipher is left on this machine. A box cannot be made without one.
    package var hasCipher: Bool { suites.bits != 0 }
}
