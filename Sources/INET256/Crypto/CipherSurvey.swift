/// What each library makes of each cipher on this machine: is it there, does it compute rightly, how fast is it?
public struct CipherSurvey: Sendable {
    public enum Verdict: Sendable, Equatable {
        /// It is right, and takes so many nanoseconds to seal and open `measuredCount` bytes.
        case works(nanoseconds: Double)
        /// It is not there, or not for this processor.
        case unavailable(String)
        /// It is there and gave a wrong result: it is not used, and somebody should know.
        case faulty(String)
    }

    public struct Finding: Sendable, Equatable {
        public let cipher: Cipher
        public let backend: CipherBackend
        public let verdict: Verdict
    }

    /// The length of text that the fastest is chosen by, in bytes: a full datagram on an ordinary path.
    public static let measuredCount = 1400

    public let findings: [Finding]

    /// Looks at this machine, which takes some 10 to 20 milliseconds. Libraries that are not in `backends` are not
    /// touched.
    public init(of backends: [CipherBackend] = CipherBackend.allCases) {
        findings = Cipher.allCases.flatMap { cipher in
            backends.map { Finding(cipher: cipher, backend: $0, verdict: Self.judge(cipher, $0)) }
        }
    }

    init(findings: [Finding]) { self.findings = findings }

    /// For each cipher the fastest library that computes it rightly.
    public var choice: CipherBackends {
        func fastest(_ cipher: Cipher) -> CipherBackend? {
            var best: (backend: CipherBackend, nanoseconds: Double)?
            for finding in findings where finding.cipher == cipher {
                guard case .works(let nanoseconds) = finding.verdict else { continue }
                if best.map({ nanoseconds < $0.nanoseconds }) ?? true { best = (finding.backend, nanoseconds) }
            }
            return best?.backend
        }
        return CipherBackends(chaCha20Poly1305: fastest(.chaCha20Poly1305), aes256GCM: fastest(.aes256GCM))
    }

    private static func judge(_ cipher: Cipher, _ backend: CipherBackend) -> Verdict {
        if let trouble = backend.trouble(with: cipher) {
            return backend == .ipsecMB && IPsecMB.isBroken ? .faulty(trouble) : .unavailable(trouble)
        }
        if let fault = CipherCheck(cipher: cipher, backend: backend).fault() { return .faulty(fault) }
        let measured = CipherMeasurement(cipher, backend, byteCount: measuredCount)
        return .works(nanoseconds: measured.sealing + measured.opening)
    }

    /// What is there and wrong, a sentence each.
    public var warnings: [String] {
        findings.compactMap { finding in
            switch finding.verdict {
            case .works, .unavailable: nil
            case .faulty(let why):
                "\(finding.backend.rawValue) is not used for \(finding.cipher.name): \(why)"
            }
        }
    }
}

/// Which library each cipher is taken from. A cipher without one is not offered.
public struct CipherBackends: Sendable, Equatable {
    private let chaCha: CipherBackend?
    private let aes: CipherBackend?

    public init(chaCha20Poly1305: CipherBackend?, aes256GCM: CipherBackend?) {
        chaCha = chaCha20Poly1305
        aes = aes256GCM
    }

    /// libsodium for what it has here. Nothing is measured: the same on every run of the same machine.
    public static let floor = CipherBackends(
        chaCha20Poly1305: .libsodium, aes256GCM: Cipher.aes256GCM.isAvailable ? .libsodium : nil)

    public subscript(cipher: Cipher) -> CipherBackend? {
        switch cipher {
        case .chaCha20Poly1305: chaCha
        case .aes256GCM: aes
        }
    }
}
