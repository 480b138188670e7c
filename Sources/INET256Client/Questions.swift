internal import INET256
internal import NodeProtocol
internal import Synchronization
internal import Wire

/// A connection's questions that have no answer yet. They may be answered in any order.
final class Questions: Sendable {
    /// Nil for an answer that is none to the question.
    typealias Outcome = Promise<NodeAnswer?, NodeError>

    private struct State {
        var open: [NodeQuestionID: (kind: NodeFrame.Kind, answer: Outcome)] = [:]
        var last: UInt64 = 0
        var ended: NodeError?
    }

    private let state = Mutex(State())

    func begin(_ kind: NodeFrame.Kind) throws(NodeError) -> (NodeQuestionID, Outcome) {
        let result = state.withLock { state -> Result<(NodeQuestionID, Outcome), NodeError> in
            if let error = state.ended { return .failure(error) }
            state.last += 1
            let id = NodeQuestionID(high: 0, low: state.last)
            let answer = Outcome()
            state.open[id] = (kind, answer)
            return .success((id, answer))
        }
        return try result.get()
    }

    /// Nobody waits for it any more.
    func forget(_ id: NodeQuestionID) {
        state.withLock { state in _ = state.open.removeValue(forKey: id) }
    }

    /// An answer has come. One to a question that nobody waits for any more is none of anybody's business.
    func answer(_ frame: NodeFrame) {
        let id = frame.requestID
        let question = state.withLock { state in
            state.open[id]?.kind == frame.kind ? state.open.removeValue(forKey: id) : nil
        }
        question?.answer.end(Self.outcome(of: frame))
    }

    func end(_ error: NodeError) {
        let open = state.withLock { state in
            if state.ended == nil { state.ended = error }
            defer { state.open = [:] }
            return Array(state.open.values)
        }
        for question in open { question.answer.end(.failure(error)) }
    }

    private static func outcome(of frame: NodeFrame) -> Result<NodeAnswer?, NodeError> {
        do throws(NodeAnswerError) {
            let answer = try NodeAnswer(frame.kind, frame.json)
            if case .failed(let words) = answer { return .failure(error(words)) }
            return .success(answer)
        } catch {
            switch error {
            case .notJSON: return .failure(.unavailable("the daemon's answer is no JSON"))
            case .empty: return .failure(.unavailable("the daemon's answer says nothing"))
            case .noAddress, .noKey: return .success(nil)
            }
        }
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
