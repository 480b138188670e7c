/// Whole transactions: a table from nothing, a table that goes, a table that becomes another.
extension NftBatch {
    /// - Parameters:
    ///   - owned: the table belongs to the socket that sends the batch and goes with it (NFT_TABLE_F_OWNER).
    ///   - replacing: what stands under the name goes first, in the same transaction; it need not be there.
    package static func fresh(_ ruleset: Ruleset, owned: Bool, replacing: Bool) -> NftBatch {
        transaction { batch in
            if replacing { batch.deleteTableIfPresent(ruleset.table) }
            batch.create(ruleset, owned: owned)
        }
    }

    /// A table that is out of force, so that no packet meets it. The kernel looks for circles of chains and for statements
    /// at a wrong hook when a transaction is about to be done, and only in what stands after it: neither a batch without
    /// its end (`nft --check`) nor one that deletes the table again would find them.
    package static func trial(_ ruleset: Ruleset, owned: Bool) -> NftBatch {
        transaction { batch in
            batch.deleteTableIfPresent(ruleset.table)
            batch.create(ruleset, owned: owned, dormant: true)
        }
    }

    package static func removal(of table: String) -> NftBatch {
        transaction { $0.deleteTableIfPresent(table) }
    }

    /// Makes the table `old` into `new`, of the same name. What stands in both is not touched: counters and limits keep
    /// their values, sets get the elements that differ, chains whose rules are the same keep them.
    package static func change(from old: Ruleset, to new: Ruleset) -> NftBatch {
        precondition(old.table == new.table, "a change is within one table")
        let difference = RulesetDifference(from: old, to: new)
        return transaction { $0.apply(difference, in: new.table) }
    }

    private mutating func create(_ ruleset: Ruleset, owned: Bool, dormant: Bool = false) {
        let table = ruleset.table
        createTable(table, owned: owned, dormant: dormant)
        for counter in ruleset.counters { createCounter(counter, in: table) }
        for limit in ruleset.limits { createLimit(limit, in: table) }
        for set in ruleset.sets { createSet(set, in: table) }
        for chain in ruleset.chains { createChain(chain, in: table) }
        for map in ruleset.maps { createMap(map, in: table) }
        for chain in ruleset.chains { addRules(of: chain, in: table) }
    }

    /// First all that goes, what names before what is named; then all that comes, the other way round.
    private mutating func apply(_ difference: RulesetDifference, in table: String) {
        for chain in difference.flushedChains { flushChain(chain, in: table) }
        for map in difference.goneMaps { deleteSet(.map, map, in: table) }
        for chain in difference.goneChains { deleteChain(chain, in: table) }
        for set in difference.goneSets { deleteSet(.set, set, in: table) }
        for limit in difference.goneLimits { deleteLimit(limit, in: table) }
        for counter in difference.goneCounters { deleteCounter(counter, in: table) }

        for counter in difference.newCounters { createCounter(counter, in: table) }
        for limit in difference.newLimits { createLimit(limit, in: table) }
        for set in difference.newSets { createSet(set, in: table) }
        for change in difference.changedSets {
            if let gone = change.gone { deleteElements(gone, of: change.name, in: table) }
            if let new = change.new { addElements(new, to: change.name, in: table) }
        }
        for chain in difference.newChains { createChain(chain, in: table) }
        for map in difference.newMaps { createMap(map, in: table) }
        for chain in difference.filledChains { addRules(of: chain, in: table) }
    }
}
