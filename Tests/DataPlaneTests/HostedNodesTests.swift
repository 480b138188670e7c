import API
import INET256
import Mesh
import NodeProtocol
import Testing
import Wire

@testable import DataPlane

/// Nodes of applications on boxes in this process, on a clock of the test's own.
@Suite struct HostedNodesTests {
    // MARK: Opening and closing

    @Test func theFirstConnectionThatHasRoomGetsTheBatch() throws {
        let place = Place()
        let key = Place.key()
        let (first, second) = (Sink(), Sink())
        let hold = try place.hosted.open(key, sink: first, now: place.now)
        _ = try place.hosted.open(key, sink: second, now: place.now)
        place.send([("one", key.address), ("two", key.address)], hold)
        #expect(first.texts == ["one", "two"] && second.texts.isEmpty)
        #expect(first.batches == 1, "one batch a node and turn")
        first.isFull = true
        place.send([("three", key.address)], hold)
        #expect(second.texts == ["three"])
        second.isFull = true
        place.send([("four", key.address), ("five", key.address)], hold)
        #expect(place.hosted.counters.full == 2)
        #expect(place.hosted.counters.received == 3 && place.hosted.counters.sent == 5)
    }

    @Test func whatOneHasNoRoomForGoesToTheNext() throws {
        let place = Place()
        let key = Place.key()
        let (first, second) = (Sink(), Sink())
        let hold = try place.hosted.open(key, sink: first, now: place.now)
        _ = try place.hosted.open(key, sink: second, now: place.now)
        (first.room, second.room) = (2, 1)
        place.send((1...5).map { ("\($0)", key.address) }, hold)
        #expect(first.texts == ["1", "2"] && second.texts == ["3"])
        #expect(place.hosted.counters.full == 2 && place.hosted.counters.received == 3)
    }

    @Test func whatIsLargerThanABatchGoesInSeveral() throws {
        let place = Place()
        let key = Place.key()
        let sink = Sink()
        let hold = try place.hosted.open(key, sink: sink, now: place.now)
        let long = String(repeating: "x", count: 65_535)
        place.send(Array(repeating: (long, key.address), count: 9), hold)
        #expect(sink.batches > 1)
        #expect(sink.texts == Array(repeating: long, count: 9))
    }

    @Test func theMainAddressIsReservedAndNodesAreLimited() throws {
        let place = Place(limit: 1)
        #expect(throws: APINodeError.reserved) {
            try place.hosted.open(place.mainKey, sink: Sink(), now: place.now)
        }
        #expect(throws: APINodeError.reserved) { try place.hosted.drop(place.mainKey, now: place.now) }
        let key = Place.key()
        let hold = try place.hosted.open(key, sink: Sink(), now: place.now)
        let again = try place.hosted.open(key, sink: Sink(), now: place.now)
        let error = #expect(throws: APINodeError.self) {
            try place.hosted.open(Place.key(), sink: Sink(), now: place.now)
        }
        #expect(error?.status == 503)
        place.hosted.leave(hold, now: place.now)
        #expect(place.hosted.node(key.address) != nil, "the other connection has it open")
        place.hosted.leave(again, now: place.now)
        place.hosted.leave(again, now: place.now)
        #expect(place.hosted.node(key.address) == nil && place.hosted.applications.isEmpty)
        _ = try place.hosted.open(key, sink: Sink(), now: place.now)
        #expect(place.hosted.applications == [key.address])
    }

    @Test func aConfiguredNodeCanBeJoinedAndStays() throws {
        let place = Place(limit: 1)
        let key = Place.key()
        try place.hosted.addConfigured(key, now: place.now)
        let sink = Sink()
        let hold = try place.hosted.open(key, sink: sink, now: place.now)
        let other = try place.hosted.open(Place.key(), sink: Sink(), now: place.now)
        place.send([("a", key.address)], other)
        #expect(sink.texts == ["a"])
        try place.hosted.drop(key, now: place.now)
        #expect(sink.end == .closed)
        place.send([("b", key.address)], other)
        #expect(place.hosted.counters.unread == 1)
        place.send([("c", key.address)], hold)
        #expect(place.hosted.counters.closed == 1)
        #expect(place.hosted.node(key.address) != nil)
    }

    @Test func dropEndsEveryConnectionAndTheNodeCanBeOpenedAgain() throws {
        let place = Place()
        let key = Place.key()
        let sinks = [Sink(), Sink()]
        let holds = try sinks.map { try place.hosted.open(key, sink: $0, now: place.now) }
        try place.hosted.drop(key, now: place.now)
        #expect(sinks.allSatisfy { $0.end == .closed })
        #expect(place.hosted.node(key.address) == nil)
        try place.hosted.drop(key, now: place.now)
        let sink = Sink()
        let hold = try place.hosted.open(key, sink: sink, now: place.now)
        for old in holds { place.hosted.leave(old, now: place.now) }
        place.send([("again", key.address)], hold)
        #expect(sink.texts == ["again"])
        place.hosted.endAll()
        #expect(sink.end == .closed)
    }

    @Test func whoOpensAndClosesForeverLeavesNothingBehind() throws {
        let place = Place()
        for _ in 0..<3000 {
            let hold = try place.hosted.open(Place.key(), sink: Sink(), now: place.now)
            place.hosted.leave(hold, now: place.now)
            place.now = place.now + .milliseconds(20)
        }
        let status = place.box.status(now: place.now)
        #expect(status.nodes.count == 1)
        #expect(status.network["known_origins"] <= 1024)
    }
}
