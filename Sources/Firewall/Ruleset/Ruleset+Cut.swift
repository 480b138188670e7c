package import Wire

/// A flow through the portal that was ended, by its two ends.
package struct CutFlow: Hashable, Sendable {
    /// On the mesh's side.
    package let theirs: IPv6Address
    /// On our side: the box or a host behind it.
    package let ours: IPv6Address
    package let transport: UInt8
    package let theirPort: UInt16
    package let ourPort: UInt16

    package init(theirs: IPv6Address, ours: IPv6Address, transport: UInt8, theirPort: UInt16, ourPort: UInt16) {
        self.theirs = theirs
        self.ours = ours
        self.transport = transport
        self.theirPort = theirPort
        self.ourPort = ourPort
    }
}

/// A connection is not over when connection tracking forgets it. Where our side speaks next, the kernel takes that for the beginning
/// of a connection of our own ("loose" pickup), which most policies allow, and the other end is answered again. So what was cut stays
/// in the table: whatever comes of it at either side, and is no new beginning, is answered with a reset (or "prohibited"), which ends
/// it at both ends.
extension Ruleset {
    /// What has been dropped of cut flows.
    package static let cutCounter = "cut"
    static let cutSet = "mesh_cut"
    static let cutChain = "mesh_cut_off"

    /// The same table, in which nothing of these flows passes; the table itself where there are none. Only packets of no known
    /// connection ask for them, so the rest of the traffic costs what it did.
    package func cutting(_ flows: [CutFlow]) -> Ruleset {
        guard !flows.isEmpty else { return self }
        var cut = self
        cut.counters.append(Self.cutCounter)
        cut.sets.append(RulesetSet(name: Self.cutSet, elements: .flows(flows)))
        let end: [Statement] = [.counter(named: Self.cutCounter), .goto(PolicyCompiler.rejectChain)]
        cut.chains.insert(
            RulesetChain(
                name: Self.cutChain,
                rules: [
                    // A new connection between the same ports is a matter for the rules.
                    RulesetRule([.tcpMidway] + end),
                    RulesetRule([.notTransport(6)] + end),
                ]), at: 0)
        for place in cut.chains.indices {
            guard let side = PolicyCompiler.meshSide(ofWay: cut.chains[place].name),
                let known = cut.chains[place].rules.firstIndex(where: \.letsKnownConnectionsPass)
            else { continue }
            cut.chains[place].rules.insert(
                RulesetRule([.flowIn(side, set: Self.cutSet), .jump(Self.cutChain)]), at: known + 1)
        }
        return cut
    }
}

extension RulesetRule {
    fileprivate var letsKnownConnectionsPass: Bool { statements == [.connection([.established, .related]), .accept] }
}
