import INET256
import Mesh
import Testing
import Wire

@testable import DataPlane

/// What people read of a link's trouble.
@Suite struct LinkTroubleWordsTests {
    private static let endpoint = Endpoint(address: IPv6Address(high: 0x2001_0db8 << 32, low: 1), port: 25632)
    private static let other = Endpoint(address: IPv6Address(high: 0x2001_0db8 << 32, low: 2), port: 1)
    private static let address = Address(raw: Bytes32(words: (1, 2, 3, 4)))

    private static let words: [(LinkTrouble, String)] = [
        (
            .noAnswer,
            "no answer: nothing reachable at its endpoints knows this id (check the id, the address and port, and firewalls)"
        ),
        (.lost(endpoint), "no answer any more from \(endpoint)"),
        (.lost(nil), "no answer any more from its endpoint"),
        (.stopped, "the other end has stopped"),
        (
            .unsendable([LinkTrouble.Unsent(endpoint, .unreachable), LinkTrouble.Unsent(other, .denied)]),
            "no route to \(endpoint): this machine's kernel finds none that works (ip route get shows which it takes); "
                + "a rule of this machine drops what goes to \(other): look at its output filters (nft list ruleset)"
        ),
        (.unsendable([LinkTrouble.Unsent(other, .failed)]), "this machine's kernel sends nothing to \(other)"),
        (.otherKey(address), "refused: answered with the key of \(address)"),
        (
            .occupied(endpoint, by: address),
            "\(endpoint) is \(address), not this peer: compare the id with what `addr` prints there"
        ),
        (.invalidKey, "refused: answered with an invalid key"),
        (.noCommonCipher, "refused: chose a cipher that is not allowed here"),
        (
            .notAccepted,
            "the other end does not accept a link: add this box to its peers, or set accept: any there"
        ),
        (.linksFull(1024), "all 1024 links are taken"),
        (
            .sameKey,
            "another machine uses this box's key and has the link there; give one of the two a key of its own (keygen)"
        ),
        (.waiting, "waiting for it to call: no endpoint is configured"),
    ]

    @Test func eachTroubleIsSaid() {
        for (trouble, text) in Self.words { #expect(trouble.text == text) }
    }

    /// Every word for programs is one of something that is said to people as well.
    @Test func eachCauseHasWords() {
        #expect(Set(Self.words.map(\.0.cause)) == Set(BoxStatus.Link.Cause.allCases.filter { $0 != .denied }))
        #expect(LinkTrouble.unsendable([LinkTrouble.Unsent(Self.other, .denied)]).cause == .denied)
    }
}
