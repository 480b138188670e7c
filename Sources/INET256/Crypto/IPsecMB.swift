internal import CCiphers

/// Intel's Multi-Buffer Crypto for IPsec, if this machine has it. Looked for once a process, on first use.
enum IPsecMB {
    /// Its functions. They stay where they are as long as the process lives: keys point to them.
    private struct Library: @unchecked Sendable {
        let functions: UnsafeMutablePointer<ipsecmb>
        let trouble: String?
    }

    private static let library: Library = {
        let functions = UnsafeMutablePointer<ipsecmb>.allocate(capacity: 1)
        functions.initialize(to: ipsecmb())
        return Library(functions: functions, trouble: ipsecmb_load(functions).map { String(cString: $0) })
    }()

    /// Why it cannot be used; nil when it can.
    static var trouble: String? { library.trouble }

    /// Whether it is there, of the right version, and wrong all the same.
    static var isBroken: Bool { library.functions.pointee.is_broken }

    /// What a key takes, in bytes.
    static func byteCount(_ cipher: Cipher) -> Int {
        switch cipher {
        case .chaCha20Poly1305: Int(IPSECMB_CHACHA_BYTES)
        case .aes256GCM: Int(IPSECMB_GCM_BYTES)
        }
    }

    /// Makes a key of 32 bytes ready in `memory`, which has `byteCount` bytes.
    static func prepare(_ cipher: Cipher, in memory: UnsafeMutableRawPointer, key: UnsafeRawBufferPointer) {
        precondition(trouble == nil, "the library is used without being there")
        precondition(UInt(bitPattern: memory) % UInt(IPSECMB_ALIGNMENT) == 0, "its keys stand on 64 bytes")
        let memory = memory.assumingMemoryBound(to: UInt8.self)
        switch cipher {
        case .chaCha20Poly1305: ipsecmb_chacha_begin(library.functions, memory, key.bytePointer)
        case .aes256GCM: ipsecmb_gcm_begin(library.functions, memory, key.bytePointer)
        }
    }
}
