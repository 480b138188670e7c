import API
import INET256
import Testing
import Wire

@testable import DataPlane

/// The way of what the API asks, to the thread that obeys.
@Suite struct NodeInboxTests {
    @Test func aCancelledQuestionEndsAtOnce() async throws {
        let answer = Promise<Address, APINodeError>()
        let task = Task { () async throws(APINodeError) -> Address in try await answer.value(cancelled: .cancelled) }
        task.cancel()
        await #expect(throws: APINodeError.cancelled) { try await task.value }
        #expect(answer.isDecided)
    }

    @Test func aClosedInboxTellsThoseWhoWait() async throws {
        let inbox = try NodeInbox()
        let answer = Promise<Void, APINodeError>()
        try inbox.post(.drop(Place.key(), answer))
        inbox.close()
        await #expect(throws: APINodeError.closed) { try await answer.value(cancelled: .cancelled) }
        #expect(throws: APINodeError.closed) { try inbox.post(.drop(Place.key(), Promise<Void, APINodeError>())) }
    }

    @Test func aFullInboxRefuses() throws {
        let inbox = try NodeInbox()
        let key = Place.key()
        for _ in 0..<8192 { try inbox.post(.drop(key, Promise<Void, APINodeError>())) }
        #expect(throws: APINodeError.busy) { try inbox.post(.drop(key, Promise<Void, APINodeError>())) }
        #expect(inbox.drain().count == 8192)
        try inbox.post(.drop(key, Promise<Void, APINodeError>()))
    }
}
