internal import CNftnl
internal import Glibc
internal import Netlink

/// The firewall's table in the kernel, and the one socket that writes it.
///
/// The kernel ties an owned table to this socket: nobody else can change it, and it goes when the object goes. So the
/// object lives as long as the firewall is to stand. Every change is one transaction: packets meet the old rules or the
/// new ones. Belongs to one thread at a time, and to the network namespace in which it was made.
package final class FirewallTable {
    package let name: String
    /// Nobody else can change the table. Where the kernel does not know that (before 5.12) `FirewallWatcher` tells of
    /// changes.
    package private(set) var isOwned = false
    /// What stands in the kernel as far as we know; nil before the first load.
    package private(set) var loaded: Ruleset?
    private let socket: NetlinkSocket
    private var wantsOwnership = true
    private var picture: TablePicture?

    /// Opens the socket and changes nothing.
    package init(name: String = Ruleset.standardTable) throws(FirewallError) {
        self.name = name
        do {
            socket = try NetlinkSocket(.netfilter)
        } catch {
            throw FirewallError("open the firewall", error)
        }
    }

    /// The same on the socket of an earlier run, which it has left open: its table stands, and stays until `load` puts another in its place.
    /// - Parameter adopted: the object's from here on; closed also where this throws.
    package init(name: String, adopting adopted: Int32) throws(FirewallError) {
        self.name = name
        do {
            socket = try NetlinkSocket(adopting: adopted, .netfilter)
        } catch {
            throw FirewallError("take over the firewall", error)
        }
    }

    /// For who keeps the table's owner open beyond this object; it stays this object's.
    package var descriptor: Int32 { socket.descriptor }

    /// Takes away what the socket owns under other names: an earlier run may have been configured with one.
    package func removeOthers() throws(FirewallError) {
        let owned = try reading("look at the firewall") { reader throws(NetlinkError) in
            try NftTables(reader).list().filter { $0.family == .inet && $0.owner == port && $0.name != name }
        }
        for table in owned { try send(NftBatch.removal(of: table.name), "remove the firewall") }
    }

    /// The netlink port that changes of ours come from.
    package var port: UInt32 { socket.port }

    /// Puts a table into the kernel in place of whatever stands under its name: leftovers, or what we loaded before.
    /// - Parameter owned: ask for ownership; without it others may edit the table, and it outlives this object.
    package func load(_ ruleset: Ruleset, owned: Bool = true) throws(FirewallError) {
        wantsOwnership = owned
        try loadAnew(ruleset, "load the firewall")
    }

    /// Makes the table that stands into this one in one transaction. Counters, limits, elements and rules that are in
    /// both are not touched. When the kernel refuses, all stays as it was.
    package func swap(to ruleset: Ruleset) throws(FirewallError) {
        let operation = "change the firewall"
        guard let old = loaded else { return try loadAnew(ruleset, operation) }
        let new = named(ruleset)
        guard new != old else { return }
        do {
            try send(NftBatch.change(from: old, to: new), operation)
            note(new)
        } catch {
            // A table that others may edit need not be what we take it for.
            guard !isOwned else { throw error }
            try loadAnew(ruleset, operation)
        }
    }

    /// Puts the table back that was loaded last, after somebody else changed it.
    package func restore() throws(FirewallError) {
        guard let loaded else { return }
        try loadAnew(loaded, "restore the firewall")
    }

    /// Asks the kernel whether it would take this: for a moment a table of another name stands that is out of force. What
    /// is loaded is not touched, and no packet meets the other.
    package func trial(_ ruleset: Ruleset) throws(FirewallError) {
        let operation = "try the firewall"
        // A socket of its own: whatever happens, the table goes with it.
        let other = try FirewallTable(name: "\(name)_trial_\(port)")
        let renamed = other.named(ruleset)
        do {
            try other.send(NftBatch.trial(renamed, owned: true), operation)
        } catch {
            guard error.isUnknownOwnership(of: other.name) else { throw error }
            try other.send(NftBatch.trial(renamed, owned: false), operation)
        }
        try other.send(NftBatch.removal(of: other.name), operation)
    }

    /// Takes the table out of the kernel; fine when it is gone already.
    package func remove() throws(FirewallError) {
        try send(NftBatch.removal(of: name), "remove the firewall")
        loaded = nil
        picture = nil
        isOwned = false
    }

    /// Packets and bytes of each counter, by name.
    package func counters() throws(FirewallError) -> [String: FirewallCount] {
        try reading("read the firewall's counters") { reader throws(NetlinkError) in
            try FirewallCount.all(in: name, reader)
        }
    }

    /// Whether the table is still as we left it. One that we own needs only be there. Of another its chains and rules are
    /// compared, one by one, and how many sets and objects it has; elements of sets are not.
    package func isIntact() throws(FirewallError) -> Bool {
        guard loaded != nil else { return false }
        guard !isOwned else {
            return try reading("look at the firewall") { reader throws(NetlinkError) in
                try NftTables(reader).list().contains { $0.family == .inet && $0.name == name && $0.owner == port }
            }
        }
        guard let picture, let seen = try look() else { return false }
        return seen == picture
    }

    /// Takes the table as it stands now for right: after a change of our own that came by another socket.
    package func remember() {
        // The change is done; without a picture of it the table counts as changed and is put back once more.
        picture = isOwned ? nil : (try? look()) ?? nil
    }

    // MARK: Transactions

    private func loadAnew(_ ruleset: Ruleset, _ operation: String) throws(FirewallError) {
        let new = named(ruleset)
        guard wantsOwnership else {
            try send(NftBatch.fresh(new, owned: false, replacing: true), operation)
            isOwned = false
            return note(new)
        }
        do {
            try send(NftBatch.fresh(new, owned: true, replacing: true), operation)
            isOwned = true
        } catch {
            guard error.isUnknownOwnership(of: name) else { throw error }
            try send(NftBatch.fresh(new, owned: false, replacing: true), operation)
            isOwned = false
        }
        note(new)
    }

    private func named(_ ruleset: Ruleset) -> Ruleset {
        var ruleset = ruleset
        ruleset.table = name
        return ruleset
    }

    private func note(_ ruleset: Ruleset) {
        loaded = ruleset
        remember()
    }

    private func look() throws(FirewallError) -> TablePicture? {
        try reading("look at the firewall") { reader throws(NetlinkError) in
            try TablePicture(of: name, reader)
        }
    }

    private func send(_ batch: consuming NftBatch, _ operation: String) throws(FirewallError) {
        guard batch.messages > 2 else { return }
        let refusals: [BatchRefusal]
        do {
            refusals = try batch.withBytes { bytes throws(NetlinkError) in
                try socket.execute(
                    batch: bytes, count: batch.messages, "send", "the transaction of \(bytes.count) bytes")
            }
        } catch {
            throw FirewallError(operation, error)
        }
        guard let first = refusals.first else { return }
        let subject = batch.subjects[first.message]
        let refusal = NetlinkError(
            operation: subject.operation, object: subject.object, code: first.code, kernelText: first.text)
        throw FirewallError(
            operation, refusal, furtherRefusals: refusals.count - 1, owner: first.code == EPERM ? stranger() : nil)
    }

    /// Who owns the table, when that is not this socket.
    private func stranger() -> String? {
        // Only words for a message: without the privilege to look there is nothing to say.
        guard let reader = try? NetlinkSocket(.netfilter), let tables = try? NftTables(reader).list(),
            let owner = tables.first(where: { $0.family == .inet && $0.name == name })?.owner, owner != port
        else { return nil }
        return SocketOwner.describe(port: owner)
    }

    private func reading<T>(
        _ operation: String, _ body: (NetlinkSocket) throws(NetlinkError) -> T
    ) throws(FirewallError) -> T {
        do {
            return try body(try NetlinkSocket(.netfilter))
        } catch {
            throw FirewallError(operation, error)
        }
    }
}

extension FirewallError {
    /// The kernel does not know the flag NFT_TABLE_F_OWNER: it stumbled over the very message that bears it.
    fileprivate func isUnknownOwnership(of table: String) -> Bool {
        (code == EOPNOTSUPP || code == EINVAL) && object == NftSubject.createTable(table, owned: true).object
    }
}
