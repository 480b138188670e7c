import Testing

@testable import INET256

@Suite struct PassphraseBoxTests {
    private let message = Array("a key and a configuration".utf8)
    private let words = Array("four words nobody guesses".utf8)

    @Test func whoHasThePassphraseHasTheMessage() throws {
        let random = SystemRandom()
        let sealed = try PassphraseBox.seal(message, passphrase: words, random: random)
        #expect(try PassphraseBox.open(sealed, passphrase: words) == message)
        #expect(throws: PassphraseBox.Fault.wrongPassphrase) {
            try PassphraseBox.open(sealed, passphrase: Array("four words somebody guesses".utf8))
        }
        // Whatever is changed is noticed: in the salt, in the nonce, in what is sealed.
        for place in [33, 50, 80, sealed.count - 1] {
            var bent = sealed
            bent[place] ^= 1
            #expect(throws: PassphraseBox.Fault.wrongPassphrase) { try PassphraseBox.open(bent, passphrase: words) }
        }
        #expect(!sealed.indices.contains { sealed[$0...].starts(with: message.prefix(8)) })
        // The same twice is not the same.
        #expect(try PassphraseBox.seal(message, passphrase: words, random: random) != sealed)
    }

    /// What a file asks for is not what is done: a terabyte of memory, a year of passes.
    @Test func aFileDoesNotSayHowMuchWorkIsDone() throws {
        let sealed = try PassphraseBox.seal(message, passphrase: words, random: SystemRandom())
        for (place, value) in [
            (16, UInt64(0)), (16, 17), (16, .max), (24, 0), (24, 8191), (24, 1 << 30 + 1), (24, .max),
        ] {
            var bent = sealed
            for byte in 0..<8 { bent[place + byte] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(byte))) }
            #expect(throws: PassphraseBox.Fault.notOne) { try PassphraseBox.open(bent, passphrase: words) }
        }
        for length in [0, 1, 16, 71, 72, 87] {
            #expect(throws: PassphraseBox.Fault.notOne) {
                try PassphraseBox.open(Array(sealed.prefix(length)), passphrase: words)
            }
        }
        #expect(throws: PassphraseBox.Fault.notOne) {
            try PassphraseBox.open([UInt8](repeating: 0, count: 200), passphrase: words)
        }
    }
}
