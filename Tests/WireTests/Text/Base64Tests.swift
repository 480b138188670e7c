import Foundation
import Testing
import Wire

@Suite struct Base64Tests {
    @Test(arguments: [
        ("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob"), ("Zm9vYmFy", "foobar"),
    ])
    func examplesOfTheStandard(_ text: String, _ plain: String) {
        #expect(Base64.standard.padded(Array(plain.utf8)) == text)
        #expect(Base64.standard.bytes(padded: Array(text.utf8)) == Array(plain.utf8))
        #expect(Base64.standard.bytes(padded: text.utf8.filter { $0 != UInt8(ascii: "=") }) == Array(plain.utf8))
    }

    @Test(arguments: [
        "A", "Zg=", "Zg===", "Z=g=", "Zm9v=", "Zm9v====", "Z-8=", "Zm 9v", "=", "==", "====", "ab*d", "ab-_", "abcde",
    ])
    func whatIsNoneIsRefused(_ text: String) { #expect(Base64.standard.bytes(padded: Array(text.utf8)) == nil) }

    @Test func writesAsFoundationDoes() {
        for count in 0...200 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 89 &+ count) }
            let text = Data(bytes).base64EncodedString()
            #expect(Base64.standard.padded(bytes) == text)
            #expect(Base64.standard.bytes(padded: Array(text.utf8)) == bytes)
        }
    }

    /// Texts of up to four characters, of those that matter. Foundation also takes padding in the midst; for what is written
    /// properly, padding left out or not, the two agree.
    @Test func readsWhatFoundationReads() {
        let characters = Array("AZaz09+/=-".utf8)
        var texts: [[UInt8]] = [[]]
        var all: [[UInt8]] = [[]]
        for _ in 0..<4 {
            texts = texts.flatMap { text in characters.map { text + [$0] } }
            all += texts
        }
        var (taken, written) = (0, 0)
        for text in all {
            let ours = Base64.standard.bytes(padded: text)
            if let ours {
                let whole = text + [UInt8](repeating: UInt8(ascii: "="), count: (4 - text.count % 4) % 4)
                #expect(Data(base64Encoded: Data(whole)) == Data(ours), "\(String(decoding: text, as: UTF8.self))")
                taken += 1
            }
            if let theirs = Data(base64Encoded: Data(text)), Array(theirs.base64EncodedString().utf8) == text {
                #expect(ours == [UInt8](theirs), "\(String(decoding: text, as: UTF8.self))")
                written += 1
            }
        }
        #expect(taken > 4000 && written > 2000)
    }
}
