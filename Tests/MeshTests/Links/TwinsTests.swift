import INET256
import Testing
import Wire

@testable import Mesh

/// Addresses whose key is on two machines.
@Suite struct TwinsTests {
    private func address(_ number: UInt64) -> Address { Address(raw: Bytes32(words: (number, 0, 0, 0))) }
    private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    @Test func newsOnceUntilItWasQuiet() {
        var twins = Twins()
        // Ten minutes after the last sign, not the first.
        let news = [0, 599, 1198, 1798].map { twins.note(address(1), at($0)) }
        #expect(news == [true, false, false, true])
        #expect(twins.contains(address(1)) && !twins.contains(address(2)))
    }

    @Test func shownForAnHour() {
        var twins = Twins()
        _ = twins.note(address(2), at(0))
        _ = twins.note(address(1), at(100))
        let shown = twins.lately(at(3599))
        #expect(shown.count == 2 && shown.first?.age == .seconds(3499))
        #expect(twins.lately(at(3600)).map(\.address) == [address(1)] && twins.lately(at(3700)).isEmpty)
    }

    @Test func whatTheAlgorithmNoticedCountsOnce() {
        var twins = Twins()
        let first = twins.take([address(2): at(5), address(1): at(5)])
        let same = twins.take([address(2): at(5), address(1): at(4)])
        let later = twins.take([address(2): at(606)])
        #expect(first == [address(1), address(2)] && same.isEmpty && later == [address(2)])
    }

    @Test func theOldestMakesRoom() {
        var twins = Twins()
        for number in 0..<65 as Range<UInt64> { _ = twins.note(address(number), at(Int64(number))) }
        #expect(!twins.contains(address(0)) && twins.contains(address(1)) && twins.lately(at(65)).count == 64)
    }
}
