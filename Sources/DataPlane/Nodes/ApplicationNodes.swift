package import API
package import INET256
package import Logging
internal import Wire

/// Lets the API open nodes on the running data plane.
package struct ApplicationNodes: APINodeService {
    let inbox: NodeInbox
    let logger: Logger

    package init(inbox: NodeInbox, logger: Logger) {
        self.inbox = inbox
        self.logger = logger
    }

    package func open(_ key: PrivateKey, _ arrival: NodeArrival) async throws(APINodeError) {
        let answer = Promise<Void, APINodeError>()
        try inbox.post(.open(key, arrival, answer))
        try await answer.value(cancelled: .cancelled)
    }

    package func drop(_ key: PrivateKey, caller: APICaller) async throws(APINodeError) {
        let answer = Promise<Void, APINodeError>()
        try inbox.post(.drop(key, answer))
        try await answer.value(cancelled: .cancelled)
        logger.info("node dropped", metadata: ["node": "\(key.address)", "by": "\(caller)"])
    }
}
