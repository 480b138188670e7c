import API
import INET256
import Mesh
import NodeProtocol
import Testing
import Wire

@testable import DataPlane

/// Messages of nodes on one box and between two, on a clock of the test's own.
@Suite struct HostedMessagesTests {
    // MARK: On one box

    @Test func nodesOfOneBoxReachEachOtherWithoutLeavingIt() throws {
        let place = Place(gate: .only([]))
        let (a, b) = (Place.key(), Place.key())
        let (sinkA, sinkB) = (Sink(), Sink())
        let holdA = try place.hosted.open(a, sink: sinkA, now: place.now)
        _ = try place.hosted.open(b, sink: sinkB, now: place.now)
        place.send(
            [("to b", b.address), ("to me", a.address), ("", b.address), ("main", place.box.mainAddress)], holdA)
        #expect(sinkA.received.map(\.from) == [a.address] && sinkA.texts == ["to me"])
        #expect(sinkB.received.map(\.from) == [a.address, a.address] && sinkB.texts == ["to b", ""])
        #expect(place.atMain == ["main"])
        #expect(place.box.outbox.isEmpty)
        // Somebody elsewhere is not among those whom the gate lets through.
        place.send([("far", Place.key().address)], holdA)
        #expect(place.hosted.counters.prohibited == 1 && place.box.status(now: place.now).sessions.isEmpty)
    }

    @Test(arguments: [
        [0, 0, 0, 1], Array("garbage".utf8), [UInt8](repeating: 0, count: 100), [0, 1, 0, 36] + Array("DATA".utf8),
        [0, 0, 0, 36] + Array("KEEP".utf8) + [UInt8](repeating: 0, count: 32),
        [0, 0, 0, 37] + Array("DATA".utf8) + [UInt8](repeating: 0, count: 32),
        [0, 0, 0, 35] + Array("DATA".utf8) + [UInt8](repeating: 0, count: 32),
        [255, 255, 255, 255] + Array("DATA".utf8) + [UInt8](repeating: 0, count: 32),
    ]) func whatIsNoFrameEndsItsBatchOnly(_ rubbish: [UInt8]) throws {
        let place = Place()
        let key = Place.key()
        let sink = Sink()
        let hold = try place.hosted.open(key, sink: sink, now: place.now)
        place.send(Place.frame("good", key.address) + rubbish, hold)
        place.send([("next", key.address)], hold)
        #expect(sink.texts == ["good", "next"])
        #expect(place.hosted.counters.malformed == 1)
    }

    // MARK: Two boxes

    @Test func aMessageSentRightAfterOpenArrives() throws {
        let (near, far) = Place.pair()
        let (a, b) = (Place.key(), Place.key())
        let (sinkA, sinkB) = (Sink(), Sink())
        let holdA = try near.hosted.open(a, sink: sinkA, now: near.now)
        // Before its destination is there.
        near.send([("early", b.address)], holdA)
        let holdB = try far.hosted.open(b, sink: sinkB, now: far.now)
        far.send([("back", a.address)], holdB)
        Place.run(near, far, for: .milliseconds(60))
        #expect(sinkB.texts == ["early"] && sinkB.received.map(\.from) == [a.address])
        #expect(sinkA.texts == ["back"])
        let long = String(repeating: "y", count: 65_535)
        near.send([(long, b.address), ("", b.address)], holdA)
        Place.run(near, far, for: .milliseconds(20))
        #expect(Set(sinkB.texts.dropFirst()) == [long, ""])
        // Opened again elsewhere on the same box, it is the same address.
        far.hosted.leave(holdB, now: far.now)
        let again = Sink()
        _ = try far.hosted.open(b, sink: again, now: far.now)
        Place.run(near, far, for: .milliseconds(20))
        near.send([("again", b.address)], holdA)
        Place.run(near, far, for: .milliseconds(100))
        #expect(again.texts == ["again"])
    }

    @Test func theGateIsAskedInBothDirections() throws {
        let (near, far) = Place.pair()
        let (a, b) = (Place.key(), Place.key())
        let sink = Sink()
        let hold = try near.hosted.open(a, sink: Sink(), now: near.now)
        _ = try far.hosted.open(b, sink: sink, now: far.now)
        far.hosted.gate = .only([])
        near.send([("knock", b.address)], hold)
        Place.run(near, far, for: .milliseconds(100))
        #expect(sink.texts.isEmpty && far.hosted.counters.prohibited == 1)
        far.hosted.gate = .only([a.address])
        near.send([("knock", b.address)], hold)
        Place.run(near, far, for: .milliseconds(100))
        #expect(sink.texts == ["knock"])
        near.hosted.gate = .only([far.box.mainAddress])
        near.send([("out", b.address)], hold)
        #expect(near.hosted.counters.prohibited == 1)
    }

    @Test func questionsWaitForTheNetworkAndNotForEver() throws {
        let (near, far) = Place.pair()
        let b = Place.key()
        let (found, key) = (Sink(), Sink())
        near.hosted.ask(NodeQuestion(.address(prefix: b.address, bits: 64)), from: found, now: near.now)
        near.hosted.ask(NodeQuestion(.publicKey(of: b.address)), from: key, now: near.now)
        let hold = try far.hosted.open(b, sink: Sink(), now: far.now)
        Place.run(near, far, for: .milliseconds(60))
        #expect(found.answers == ["\(b.address)"])
        #expect(key.answers == ["\(b.publicKey.serialized)"])
        far.hosted.leave(hold, now: far.now)
        Place.run(near, far, for: .milliseconds(60))
        let (gone, quitter) = (Sink(), Sink())
        near.hosted.ask(NodeQuestion(.address(prefix: b.address, bits: 256)), from: gone, now: near.now)
        near.hosted.ask(NodeQuestion(.publicKey(of: Place.key().address)), from: quitter, now: near.now)
        Place.run(near, far, for: .milliseconds(1900))
        #expect(gone.answers.isEmpty && near.hosted.questions.count == 2)
        // Who has gone is not asked for any more.
        quitter.end(.closed)
        Place.run(near, far, for: .milliseconds(400))
        #expect(gone.answers == ["not found"] && quitter.answers.isEmpty && near.hosted.questions.isEmpty)
        let wild = Sink()
        near.hosted.ask(NodeQuestion(.address(prefix: b.address, bits: 257)), from: wild, now: near.now)
        #expect(wild.answers == ["not found"])
    }
}
