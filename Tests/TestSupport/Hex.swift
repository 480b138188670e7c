/// The bytes that hexadecimal digits stand for. Blanks are skipped; anything else is a slip in the test itself.
package func hex(_ text: String) -> [UInt8] {
    let digits = text.compactMap { $0.isWhitespace ? nil : $0.hexDigitValue.map(UInt8.init) }
    precondition(digits.count % 2 == 0 && digits.count == text.count { !$0.isWhitespace }, "not hexadecimal: \(text)")
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

package func hexText(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}
