import INET256
import NodeProtocol
import TestSupport
import Testing
import Wire

@Suite struct NodeAnswerTests {
    private static let id = NodeQuestionID(high: 0, low: 5)

    private func read(_ kind: NodeFrame.Kind, _ json: String) throws(NodeAnswerError) -> NodeAnswer {
        let result: Result<NodeAnswer, NodeAnswerError> = Array(json.utf8).withUnsafeBytes { bytes in
            do throws(NodeAnswerError) { return .success(try NodeAnswer(kind, bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    private func read(_ frame: [UInt8]) throws -> NodeAnswer {
        try frame.withUnsafeBytes { bytes in
            let frame = try #require(try NodeFrame.first(in: bytes))
            #expect(frame.requestID == Self.id)
            return try NodeAnswer(frame.kind, frame.json)
        }
    }

    /// What the server writes the client reads.
    @Test func answersComeBack() throws {
        let key = TestSupport.key(4).publicKey
        guard case .address(key.address) = try read(NodeFrame.found(Self.id, key.address)) else {
            return #expect(Bool(false), "another address")
        }
        guard case .publicKey(let found) = try read(NodeFrame.publicKey(Self.id, serialized: key.serialized)) else {
            return #expect(Bool(false), "no key")
        }
        #expect(found == key)
        for kind in [NodeFrame.Kind.find, .publicKey] {
            guard case .failed("no \"one\"\n\u{1}é") = try read(NodeFrame.failed(kind, Self.id, "no \"one\"\n\u{1}é"))
            else {
                return #expect(Bool(false), "other words")
            }
        }
    }

    /// A word says more than what stands beside it, however the others write it.
    @Test func aFailureComesFirst() throws {
        for json in [
            #"{"error":"not found"}"#, #"{"ok":{"addr":"x"},"error":"not found"}"#, #"{"\u0065rror":"not\u0020found"}"#,
        ] {
            guard case .failed("not found") = try read(.find, json) else {
                return #expect(Bool(false), "\(json)")
            }
        }
        #expect(throws: NodeAnswerError.noAddress) { try read(.find, #"{"ok":{},"error":""}"#) }
    }

    @Test func whatIsNoAnswerIsRefused() {
        #expect(throws: NodeAnswerError.notJSON) { try read(.find, "") }
        #expect(throws: NodeAnswerError.notJSON) { try read(.find, "[1]") }
        #expect(throws: NodeAnswerError.empty) { try read(.find, "{}") }
        for ok in ["null", "{}", "{\"addr\":1}", "{\"addr\":\"short\"}", "\"x\""] {
            #expect(throws: NodeAnswerError.noAddress, "\(ok)") { try read(.find, "{\"ok\":\(ok)}") }
            #expect(throws: NodeAnswerError.noKey, "\(ok)") { try read(.publicKey, "{\"ok\":\(ok)}") }
        }
        #expect(throws: NodeAnswerError.noKey) { try read(.publicKey, #"{"ok":{"public_key":"AAAA"}}"#) }
    }
}
