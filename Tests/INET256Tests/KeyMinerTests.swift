import INET256
import TestSupport
import Testing

@Suite struct KeyMinerTests {
    @Test func findsWhatItIsAskedFor() throws {
        let miner = try #require(KeyMiner(leadingZeros: 6))
        #expect(miner.expectedAttempts == 64)
        let seed = SeededRandom.freshSeed()
        let random = SeededRandom(seed: seed)
        var found: PrivateKey?
        // Ten thousand attempts fail with a probability of 2^-227.
        for _ in 0..<100 where found == nil { found = miner.mine(attempts: 100, random: random) }
        let key = try #require(found, "seed \(seed)")
        #expect(key.address.leadingZeroBits >= 6)
    }

    @Test func stopsAfterItsAttempts() throws {
        let miner = try #require(KeyMiner(leadingZeros: 127))
        #expect(miner.mine(attempts: 50, random: SystemRandom()) == nil)
        let any = try #require(KeyMiner(leadingZeros: 0))
        #expect(any.mine(attempts: 0, random: SystemRandom()) == nil)
        #expect(any.mine(attempts: -1, random: SystemRandom()) == nil)
        #expect(any.mine(attempts: 1, random: SystemRandom()) != nil)
    }

    @Test func refusesWhatAnIPv6AddressCannotShow() {
        #expect(KeyMiner(leadingZeros: -1) == nil)
        #expect(KeyMiner(leadingZeros: 128) == nil)
    }
}
