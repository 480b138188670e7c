internal import INET256
internal import Synchronization
internal import Wire

/// A connection's questions that have no answer yet. They may be answered in any order.
final class Questions: Sendable {
    private struct State {
        var open: [RequestID: (type: FrameType, answer: Promise<JSONReading, NodeError>)] = [:]
        var last: UInt64 = 0
        var ended: NodeError?
    }

    private let state = Mutex(State())

    func begin(_ type: FrameType) throws(NodeError) -> (RequestID, Promise<JSONReading, NodeError>) {
        let result = state.withLock { state -> Result<(RequestID, Promise<JSONReading, NodeError>), NodeError> in
            if let error = state.ended { return .failure(error) }
            state.last += 1
            let id = RequestID(high: 0, low: state.last)
            let answer = Promise<JSONReading, NodeError>()
            state.open[id] = (type, answer)
            return .success((id, answer))
        }
        return try result.get()
    }

    /// Nobody waits for it any more.
    func forget(_ id: RequestID) {
        state.withLock { state in _ = state.open.removeValue(forKey: id) }
    }

    /// An answer has come. One to a question that nobody waits for any more is none of anybody's business.
    func answer(_ type: FrameType, _ id: RequestID, _ json: [UInt8]) {
        let question = state.withLock { state in
            state.open[id]?.type == type ? state.open.removeValue(forKey: id) : nil
        }
        question?.answer.end(Self.outcome(of: json))
    }

    func end(_ error: NodeError) {
        let open = state.withLock { state in
            if state.ended == nil { state.ended = error }
            defer { state.open = [:] }
            return Array(state.open.values)
        }
        for question in open { question.answer.end(.failure(error)) }
    }

    /// `{"ok": ...}`, or `{"ok": ..., "error": "words"}`.
    private static func outcome(of json: [UInt8]) -> Result<JSONReading, NodeError> {
        guard let answer = JSONReading(json) else { return .failure(.unavailable("the daemon's answer is no JSON")) }
        if let words = answer["error"]?.text, !words.isEmpty { return .failure(error(words)) }
        guard let ok = answer["ok"] else { return .failure(.unavailable("the daemon's answer says nothing")) }
        return .success(ok)
    }

    /// The wire has words only; these are what daemons say when the network has no answer.
    private static func error(_ words: String) -> NodeError {
        let text = words.lowercased()
        let isUnknown = ["not found", "no address", "no node"].contains { text.contains($0) }
        return isUnknown ? .notFound : .unavailable(words)
    }
}

extension String {
    fileprivate func contains(_ part: String) -> Bool {
        !part.isEmpty && indices.contains { self[$0...].hasPrefix(part) }
    }
}
