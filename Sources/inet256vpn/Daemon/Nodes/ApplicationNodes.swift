internal import API
internal import INET256
internal import Logging
internal import Wire

/// Lets the API open nodes on the running data plane.
struct ApplicationNodes: APINodeService {
    let inbox: NodeInbox
    let logger: Logger

    func open(_ key: PrivateKey, _ arrival: NodeArrival) async throws(APINodeError) {
        let answer = Promise<Void, APINodeError>()
        try inbox.post(.open(key, arrival, answer))
        try await answer.value(cancelled: .cancelled)
    }

    func drop(_ key: PrivateKey, caller: APICaller) async throws(APINodeError) {
        let answer = Promise<Void, APINodeError>()
        try inbox.post(.drop(key, answer))
        try await answer.value(cancelled: .cancelled)
        logger.info("node dropped", metadata: ["node": "\(key.address)", "by": "\(caller)"])
    }
}
