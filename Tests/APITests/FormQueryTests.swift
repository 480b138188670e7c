import Testing

@testable import API

@Suite struct FormQueryTests {
    @Test func fieldsAreDecoded() {
        let query = FormQuery("from=alice&to=tcp%2F22&at=&way=in&x=a+b%20c&to=second&flag")
        #expect(query["from"] == "alice" && query["to"] == "tcp/22" && query["at"] == "" && query["x"] == "a b c")
        #expect(query["flag"] == "" && query["none"] == nil)
        #expect(FormQuery("")["from"] == nil)
    }

    /// Nothing that comes is a reason to fail.
    @Test(arguments: ["a=%", "a=%4", "a=%zz", "a=%ff", "%=1", "a=%C0%AF", "=&==&&&"])
    func whatIsNotInOrderIsLeftOut(text: String) { #expect(FormQuery(text)["a"] == nil) }

    @Test func itIsBounded() {
        let text = (0..<10_000).map { "f\($0)=1" }.joined(separator: "&")
        #expect(FormQuery(text)["f15"] == "1" && FormQuery(text)["f16"] == nil)
    }
}
