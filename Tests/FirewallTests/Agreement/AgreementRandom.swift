import TestSupport
import Wire

/// What the generators of rules and packets ask of chance.
extension SplitMix {
    /// True in so many of a hundred.
    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    /// One of these, which are never none.
    mutating func pick<Elements: RandomAccessCollection>(_ elements: Elements) -> Elements.Element {
        elements[elements.index(elements.startIndex, offsetBy: number(0...elements.count - 1))]
    }

    mutating func address() -> IPv6Address { IPv6Address(high: next(), low: next()) }

    /// Any address within the prefix.
    mutating func address(in prefix: IPv6Prefix) -> IPv6Address {
        let bits = SlowOracle.bits(prefix)
        let tail = SlowOracle.bits(address()).dropFirst(bits.count)
        return IPv6Address(bits: bits + tail)
    }
}

extension IPv6Address {
    /// From 128 ones and zeros.
    init(bits: String) {
        let halves = (bits.prefix(64), bits.dropFirst(64))
        guard bits.count == 128, let high = UInt64(halves.0, radix: 2), let low = UInt64(halves.1, radix: 2) else {
            preconditionFailure("not an address: \(bits)")
        }
        self.init(high: high, low: low)
    }

    /// The next one; all ones is followed by all zeros.
    var next: IPv6Address {
        let (sum, carry) = low.addingReportingOverflow(1)
        return IPv6Address(high: carry ? high &+ 1 : high, low: sum)
    }

    var previous: IPv6Address { IPv6Address(high: low == 0 ? high &- 1 : high, low: low &- 1) }
}

extension IPv6Prefix {
    /// From at most 128 ones and zeros.
    init(bits: String) {
        let address = IPv6Address(bits: bits + String(repeating: "0", count: 128 - bits.count))
        guard let prefix = IPv6Prefix(address, length: bits.count) else { preconditionFailure("not a prefix: \(bits)") }
        self = prefix
    }

    var highest: IPv6Address {
        let bits = SlowOracle.bits(self)
        return IPv6Address(bits: bits + String(repeating: "1", count: 128 - bits.count))
    }
}
