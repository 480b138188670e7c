/// Bytes as the configuration writes them: a whole number, with a unit or without.
enum ByteCount {
    /// The largest first.
    private static let units: [(name: String, shift: Int)] = [("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0)]

    /// "4 MiB", "4MiB" or "4194304"; nil for anything else, and for what is beyond 64 bits.
    static func parse(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }
        guard let count = Int(digits), String(count) == digits else { return nil }
        // No blanks behind a bare number: they would promise a unit.
        if unit.isEmpty { return digits.count == text.count ? count : nil }
        guard let factor = units.first(where: { $0.name == unit }).map({ 1 << $0.shift }) else { return nil }
        let (product, overflow) = count.multipliedReportingOverflow(by: factor)
        return overflow ? nil : product
    }

    /// The same number by the largest unit that divides it: `parse` gives it back.
    static func text(_ count: Int) -> String {
        let unit = units.first { count != 0 && count % (1 << $0.shift) == 0 } ?? ("B", 0)
        return "\(count >> unit.shift) \(unit.name)"
    }
}

extension ConfigurationValue {
    /// Bytes within `range`.
    func byteCount(in range: ClosedRange<Int>) -> Int? {
        let expected =
            "a number of bytes from \(ByteCount.text(range.lowerBound)) to \(ByteCount.text(range.upperBound)), "
            + "such as \"4 MiB\" (units: B, KiB, MiB, GiB)"
        guard let text = text(expected: expected) else { return nil }
        guard let count = ByteCount.parse(text), range.contains(count) else {
            complain(expected: expected)
            return nil
        }
        return count
    }
}
