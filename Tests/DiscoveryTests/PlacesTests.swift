import INET256
import Testing
import Wire

@testable import Discovery

@Suite struct PlacesTests {
    private let a = key(1).address

    @Test func theConfigurationComesFirstAndAllOfItIsBounded() {
        var places = FoundPlaces()
        let now = Instant.at(0)
        let configured = (1...10).map { v4(10, 0, 0, UInt32($0)) }
        holds(
            places.note(
                DiscoveryNews(a, (1...9).map { v4(10, 1, 0, UInt32($0)) }, .lastGood, lasts: .seconds(10)), now: now))
        holds(
            places.note(
                DiscoveryNews(a, (1...9).map { v4(10, 2, 0, UInt32($0)) }, .local, lasts: .seconds(5)), now: now))
        let local = (1...4).map { v4(10, 2, 0, UInt32($0)) }
        let good = (1...4).map { v4(10, 1, 0, UInt32($0)) }
        #expect(places.endpoints(of: a, besides: configured, now: now) == configured + local + good.prefix(2))
        #expect(places.endpoints(of: a, now: now) == local + good)
        // Said again it is no news.
        holds(!places.note(DiscoveryNews(a, local, .local, lasts: .seconds(6)), now: now))
        holds(places.expire(now: now + .seconds(6)) == [a])
        #expect(places.endpoints(of: a, now: now + .seconds(6)) == good)
        holds(places.expire(now: now + .seconds(10)) == [a])
        holds(places.expire(now: now + .seconds(11)).isEmpty)
    }

    @Test func peersAreBounded() {
        var places = FoundPlaces()
        for number in 0..<5000 {
            let address = Address(raw: Bytes32(words: (1, UInt64(number), 2, 3)))
            places.note(DiscoveryNews(address, [v4(10, 0, 0, 1)], .central, lasts: .seconds(9)), now: .at(0))
        }
        let last = Address(raw: Bytes32(words: (1, 4999, 2, 3)))
        #expect(places.endpoints(of: last, now: .at(0)).isEmpty)
        holds(places.expire(now: .at(10)).count == FoundPlaces.mostPeers)
    }

    @Test func lastGoodPlacesComeBack() {
        var good = LastGoodPlaces()
        holds(good.note(a, at: v4(192, 0, 2, 1)))
        holds(!good.note(a, at: v4(192, 0, 2, 1)))
        holds(good.note(a, at: Endpoint(address: IPv6Address(high: 0x2001_0db8 << 32, low: 7), port: 9)))
        holds(!good.note(a, at: Endpoint(address: IPv6Address(high: 0xfe80 << 48, low: 7), port: 9, scope: 2)))
        #expect(good.text == "inet256vpn endpoints 1\n\(a) [2001:db8::7]:9 192.0.2.1:25632\n")
        #expect(LastGoodPlaces(text: good.text) == good)
        for number in 0..<2000 {
            good.note(Address(raw: Bytes32(words: (1, UInt64(number), 2, 3))), at: v4(192, 0, 2, 1))
        }
        #expect(good.places.count == LastGoodPlaces.mostPeers && good.places[a] == nil)
        #expect(LastGoodPlaces(text: good.text) == good)
        #expect(good.text.utf8.count < LastGoodPlaces.largestFile)
        good.keep([])
        #expect(good.places.isEmpty && good.text == "inet256vpn endpoints 1\n")
    }

    @Test func whatTheFileSaysIsNotTrusted() {
        let head = "inet256vpn endpoints 1\n"
        let texts = [
            "", "something", "inet256vpn endpoints 2\n\(a) 192.0.2.1:1\n", head + "\(a)\n", head + "\(a) here\n",
            head + "\(a) 224.0.0.1:5 255.255.255.255:5 0.0.0.0:5 192.0.2.1:0\n", head + "x 192.0.2.1:1\n",
        ]
        for text in texts { #expect(LastGoodPlaces(text: text).places.isEmpty, "\(text)") }
        let long = head + "\(a)" + String(repeating: " 192.0.2.1:1", count: 50) + "\n"
        #expect(LastGoodPlaces(text: long).places[a]?.count == PlaceSource.lastGood.most)
    }
}
