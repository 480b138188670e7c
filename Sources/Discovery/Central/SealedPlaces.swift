internal import INET256
internal import Wire

/// Endpoints that only some can read: `visibility: peers`.
///
///     0    nonce (24 bytes)
///     24   16 slots (32 bytes each), of which one is for each of up to 16 peers, the others are random
///     536  endpoints, padded with zeros to 153 bytes, sealed under a key of this announcement alone; tag (16 bytes)
///
/// A slot is that key XOR a pad that the announcing box and one peer can compute and nobody else: keyed BLAKE2b over label, nonce and
/// the announcing box's address, under the X25519 secret of both keys. A pair of addresses would not do for a key: a server knows the
/// addresses of all who announce and ask. The keys need no other way than this one: each record bears its owner's, and the address is
/// its hash. So a box whose peer has never announced itself cannot seal for it yet, and does from the next announcement on.
enum SealedPlaces {
    static let slots = 16
    static let slotCount = Bytes32.count
    private static let clearCount = 1 + CentralRecord.mostPlaces * CentralRecord.placeCount
    private static let slotsAt = XChaCha20Poly1305.nonceCount
    private static let sealedAt = slotsAt + slots * slotCount
    static let count = sealedAt + clearCount + XChaCha20Poly1305.tagCount
    private static let label = Array("inet256vpn central discovery, slot".utf8)

    /// - Parameter readers: what this box has in common with each reader; the first 16 count.
    static func seal(
        _ places: [Candidate], by own: Address, for readers: [SecretBytes], _ random: some RandomSource
    ) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: sealedAt)
        bytes.withUnsafeMutableBytes { random.fill($0) }
        let nonce = Array(bytes[..<slotsAt])
        let key = SecretBytes(count: Bytes32.count, from: random)
        for (place, reader) in readers.prefix(slots).enumerated() {
            let pad = pad(reader, nonce, own)
            key.withBytes { key in
                pad.withBytes { pad in
                    for index in 0..<slotCount {
                        bytes[slotsAt + place * slotCount + index] = key[index] ^ pad[index]
                    }
                }
            }
        }
        var clear = Places.bytes(places)
        clear += [UInt8](repeating: 0, count: clearCount - clear.count)
        return bytes + XChaCha20Poly1305.seal(clear, nonce: nonce, additional: label, key: key)
    }

    /// Nil where it is not for us, or nobody can read it.
    static func open(_ bytes: [UInt8], of sender: Address, with shared: SecretBytes) -> [Candidate]? {
        guard bytes.count == count else { return nil }
        let nonce = Array(bytes[..<slotsAt])
        let sealed = Array(bytes[sealedAt...])
        let pad = pad(shared, nonce, sender)
        for place in 0..<slots {
            let start = slotsAt + place * slotCount
            let key = SecretBytes(count: slotCount)
            key.withMutableBytes { key in
                pad.withBytes { pad in
                    for index in 0..<slotCount { key[index] = bytes[start + index] ^ pad[index] }
                }
            }
            if let clear = XChaCha20Poly1305.open(sealed, nonce: nonce, additional: label, key: key) {
                return clear.withUnsafeBytes { Places.read($0) }
            }
        }
        return nil
    }

    private static func pad(_ shared: SecretBytes, _ nonce: [UInt8], _ sender: Address) -> Bytes32 {
        shared.withBytes { shared in
            sender.raw.withBytes { Keyed.hash(key: shared, label + nonce, $0) }
        }
    }
}
