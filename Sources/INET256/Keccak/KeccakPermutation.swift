/// Keccak-f[1600] (FIPS 202 section 3): 24 rounds over 25 lanes of 64 bits, lane (x, y) at index x + 5y.
enum KeccakPermutation {
    static let laneCount = 25

    /// Permutes the 25 lanes at `a` in place.
    static func apply(_ a: UnsafeMutablePointer<UInt64>) {
        for constant in roundConstants {
            // Theta: each column takes in the parity of two neighbours.
            let c0 = a[0] ^ a[5] ^ a[10] ^ a[15] ^ a[20]
            let c1 = a[1] ^ a[6] ^ a[11] ^ a[16] ^ a[21]
            let c2 = a[2] ^ a[7] ^ a[12] ^ a[17] ^ a[22]
            let c3 = a[3] ^ a[8] ^ a[13] ^ a[18] ^ a[23]
            let c4 = a[4] ^ a[9] ^ a[14] ^ a[19] ^ a[24]
            let d0 = c4 ^ rotated(c1, 1)
            let d1 = c0 ^ rotated(c2, 1)
            let d2 = c1 ^ rotated(c3, 1)
            let d3 = c2 ^ rotated(c4, 1)
            let d4 = c3 ^ rotated(c0, 1)
            for y in stride(from: 0, to: laneCount, by: 5) {
                a[y] ^= d0
                a[y + 1] ^= d1
                a[y + 2] ^= d2
                a[y + 3] ^= d3
                a[y + 4] ^= d4
            }
            // Rho and pi: walk the one cycle that visits every lane but the first.
            var carried = a[1]
            for step in 0..<24 {
                let target = piTargets[step]
                let next = a[target]
                a[target] = rotated(carried, rhoOffsets[step])
                carried = next
            }
            // Chi, row by row, then iota.
            for y in stride(from: 0, to: laneCount, by: 5) {
                let (r0, r1, r2, r3, r4) = (a[y], a[y + 1], a[y + 2], a[y + 3], a[y + 4])
                a[y] = r0 ^ (~r1 & r2)
                a[y + 1] = r1 ^ (~r2 & r3)
                a[y + 2] = r2 ^ (~r3 & r4)
                a[y + 3] = r3 ^ (~r4 & r0)
                a[y + 4] = r4 ^ (~r0 & r1)
            }
            a[0] ^= constant
        }
    }

    @inline(__always)
    private static func rotated(_ lane: UInt64, _ count: UInt64) -> UInt64 {
        lane &<< count | lane &>> (64 &- count)
    }

    /// FIPS 202 section 3.2.2: (t + 1)(t + 2) / 2 modulo 64 for t from 0 to 23, in the order of the cycle.
    private static let rhoOffsets: [UInt64] = (0..<24).map { (t: UInt64) -> UInt64 in (t + 1) * (t + 2) / 2 % 64 }

    /// FIPS 202 sections 3.2.2 and 3.2.3: where the cycle that starts at lane (1, 0) goes, step by step:
    /// (x, y) becomes (y, 2x + 3y).
    private static let piTargets: [Int] = {
        var (x, y) = (1, 0)
        return (0..<24).map { _ in
            (x, y) = (y, (2 * x + 3 * y) % 5)
            return x + 5 * y
        }
    }()

    /// FIPS 202 section 3.2.5, from the linear feedback shift register x^8 + x^6 + x^5 + x^4 + 1.
    private static let roundConstants: [UInt64] = {
        var register: UInt8 = 1
        return (0..<24).map { _ in
            var constant: UInt64 = 0
            for j in 0..<7 {
                let bit = (1 << j) - 1
                if register & 1 == 1 { constant |= UInt64(1) << bit }
                register = register << 1 ^ (register >> 7 == 1 ? 0x71 : 0)
            }
            return constant
        }
    }()
}
