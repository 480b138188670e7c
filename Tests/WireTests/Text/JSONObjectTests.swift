import Foundation
import TestSupport
import Testing

@testable import Wire

@Suite struct JSONObjectTests {
    private func read<R>(_ text: String, _ body: (JSONObject?) throws -> R) rethrows -> R {
        try Array(text.utf8).withUnsafeBytes { try body(JSONObject($0)) }
    }

    @Test func membersAreFoundInPlace() throws {
        let text =
            #" {"a":[1,{"b":"}"}],"nbits" : 13 , "target":"x\/\u0041\n","x":null,"n":-1.5e3,"nbits":14,"o":{"k":{"v":"é😀"}}} "#
        try read(text) { object in
            let object = try #require(object)
            #expect(object.integer("nbits") == 14)
            #expect(object.text("target") == Array("x/A\n".utf8) && object.string("target") == "x/A\n")
            #expect(object.text("nbits") == nil && object.integer("n") == nil && object.text("b") == nil)
            #expect(object.object("o")?.object("k")?.string("v") == "é😀")
            #expect(object.object("o")?.object("k")?.text("v") == nil, "texts are ASCII")
            #expect(object.object("a") == nil && object.has("a") && object.has("x") && !object.has("b"))
        }
    }

    @Test func escapesAreRead() throws {
        try read(#"{"t":"x\"\u00e9\ud83d\ude00\b\f\r\t\\","\u006eame":"\u00410"}"#) { object in
            let object = try #require(object)
            #expect(object.string("t") == "x\"é😀\u{8}\u{c}\r\t\\")
            #expect(object.string("name") == "A0" && object.text("name") == Array("A0".utf8))
            #expect(!object.has("nam") && !object.has("names"))
        }
    }

    @Test func whatIsNoUTF8IsReplaced() throws {
        let bytes = Array("{\"t\":\"a".utf8) + [0xff, 0x22, 0x7d]
        try bytes.withUnsafeBytes { bytes in
            let object = try #require(JSONObject(bytes))
            #expect(object.string("t") == "a\u{fffd}" && object.text("t") == nil)
        }
    }

    /// Whether a comma before a bracket stands within a name or text, where it is no more than a character.
    private static func hasCommaInText(_ bytes: [UInt8]) -> Bool {
        String(decoding: bytes, as: UTF8.self).contains(/"[^"]*,[ \t\r\n]*[}\]][^"]*"/)
    }

    private static let texts = [
        "", "{", "[]", "1", "\"x\"", "null", "{}x", "{} {}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{"a":"x}"#,
        #"{"a":"\"#,
        "{a:1}", "{'a':1}", #"{"a":1 "b":2}"#, #"{,}"#, #"{"a":[1,]}"#, #"{"a":[,1]}"#, #"{"a":{}"#, #"{"a":nan}"#,
        #"{"a":+1}"#,
        #"{"a":01}"#, #"{"a":1.}"#, #"{"a":.5}"#, #"{"a":1e}"#, #"{"a":-}"#, #"{"a":0x1}"#, #"{"a":tru}"#,
        #"{"a":truex}"#,
        #"{"a":"\q"}"#, #"{"a":"\u12"}"#, #"{"a":"\u12g4"}"#, #"{"a":"\ud83d"}"#, #"{"a":"\ude00"}"#,
        #"{"a":"\ud83d\u0041"}"#,
        "{\"a\":\"\u{1}\"}", "{\"a\":\"\n\"}", #"{"a":1}"#, #"{}"#, " \t\r\n{ \"a\" :\n1 } ", #"{"a":-0}"#,
        #"{"a":-0.0e-0}"#,
        #"{"a":1E+2}"#, #"{"a":[]}"#, #"{"a":[[],{}]}"#, #"{"a":true,"b":false,"c":null}"#, #"{"":""}"#,
        "{\"a\":\"\u{7f}é\"}",
        #"{"a":"\/\"\\\b\f\n\r\t\u0000"}"#,
    ]

    @Test(arguments: texts) func takesWhatFoundationTakes(_ text: String) {
        let theirs = Self.foundation(Array(text.utf8))
        read(text) { #expect(($0 != nil) == (theirs != nil), "\(text)") }
    }

    /// What Foundation makes of it; without the commas behind a last member that it lets pass (RFC 8259 does not).
    private static func foundation(_ bytes: [UInt8]) -> [String: Any]? {
        let solid = bytes.filter { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }
        let ends: [UInt8] = [UInt8(ascii: "}"), UInt8(ascii: "]")]
        if zip(solid, solid.dropFirst()).contains(where: { $0 == UInt8(ascii: ",") && ends.contains($1) }) {
            return nil
        }
        return (try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any]
    }

    /// Good texts with a place changed, cut out or doubled: the two agree about each.
    @Test func agreesWithFoundationAboutBentTexts() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix(seed: seed)
        func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }
        let bends = Array("{}[]\",:\\u01-+.eE tfnal/d8".utf8)
        for _ in 0..<20_000 {
            var bytes = Array(Self.texts[below(Self.texts.count)].utf8)
            for _ in 0...below(2) where !bytes.isEmpty {
                let place = below(bytes.count)
                switch below(3) {
                case 0: bytes[place] = bends[below(bends.count)]
                case 1: bytes.remove(at: place)
                default: bytes.insert(bends[below(bends.count)], at: place)
                }
            }
            guard String(validating: bytes, as: UTF8.self) != nil else { continue }
            let theirs = Self.foundation(bytes)
            bytes.withUnsafeBytes { raw in
                let ours = JSONObject(raw)
                guard (ours != nil) == (theirs != nil) || theirs == nil && Self.hasCommaInText(bytes) else {
                    Issue.record("seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
                    return
                }
                if let text = theirs?["a"] as? String, bytes.count(where: { $0 == UInt8(ascii: "a") }) == 1 {
                    #expect(ours?.string("a") == text, "seed \(seed)")
                }
            }
        }
    }

    @Test func depthAndNumberAreBounded() {
        func nested(_ depth: Int) -> String {
            String(repeating: "{\"a\":", count: depth) + "1" + String(repeating: "}", count: depth)
        }
        read(nested(JSONObject.deepest - 1)) { #expect($0 != nil) }
        read(nested(JSONObject.deepest)) { #expect($0 == nil) }
        read(#"{"a":"# + String(repeating: "[", count: 60_000)) { #expect($0 == nil) }
        func wide(_ count: Int) -> String { "{" + (0..<count).map { "\"\($0)\":1" }.joined(separator: ",") + "}" }
        read(wide(JSONObject.mostMembers)) { #expect($0?.integer("63") == 1) }
        read(wide(JSONObject.mostMembers + 1)) { #expect($0 == nil) }
    }

    @Test func quotedTextsComeBack() throws {
        for text in ["", "plain", "a\"\\\n\r\t\u{0}\u{1}\u{1f}é😀/", "\u{7f}\u{2028}"] {
            let quoted = jsonQuoted(text)
            let theirs = try JSONSerialization.jsonObject(with: Data("[\(quoted)]".utf8)) as? [String]
            #expect(theirs == [text])
            read("{\"t\":\(quoted)}") { #expect($0?.string("t") == text) }
        }
    }
}
