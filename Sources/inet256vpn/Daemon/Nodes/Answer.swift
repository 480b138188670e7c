internal import API
internal import Synchronization

/// One answer on its way from the data plane's thread to the task that asked; the first that is given counts, be it that the
/// task was cancelled.
final class Answer<Value: Sendable>: Sendable {
    typealias Content = Result<Value, APINodeError>

    private enum State {
        case open
        case awaited(CheckedContinuation<Content, Never>)
        case given(Content)
        case taken
    }

    private let state = Mutex(State.open)

    var isGiven: Bool {
        state.withLock { state in
            switch state {
            case .open, .awaited: false
            case .given, .taken: true
            }
        }
    }

    /// From any thread; later ones change nothing.
    func give(_ content: Content) {
        let waiting = state.withLock { state -> CheckedContinuation<Content, Never>? in
            switch state {
            case .open:
                state = .given(content)
                return nil
            case .awaited(let continuation):
                state = .taken
                return continuation
            case .given, .taken:
                return nil
            }
        }
        waiting?.resume(returning: content)
    }

    /// Waits for it; once.
    func value() async throws(APINodeError) -> Value {
        let content = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Content, Never>) in
                let given = state.withLock { state -> Content? in
                    switch state {
                    case .open:
                        state = .awaited(continuation)
                        return nil
                    case .given(let content):
                        state = .taken
                        return content
                    case .awaited, .taken:
                        return .failure(.cancelled)
                    }
                }
                if let given { continuation.resume(returning: given) }
            }
        } onCancel: {
            give(.failure(.cancelled))
        }
        return try content.get()
    }
}
