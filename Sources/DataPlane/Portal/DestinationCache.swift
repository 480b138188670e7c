internal import INET256
internal import Wire

/// Which 256-bit address stands behind an IPv6 address: what the network answered before, in bounded memory, and the nodes that there
/// is a published way to.
struct DestinationCache {
    private static let capacity = 8192
    private var learned: [IPv6Address: Address] = [:]
    /// As many as there are sessions.
    private var named: [IPv6Address: Address] = [:]
    /// A burst goes to one destination.
    private var last: (ip: IPv6Address, address: Address)?

    @inline(__always)
    mutating func look(_ ip: IPv6Address) -> Address? {
        if let last, last.ip == ip { return last.address }
        guard let address = learned[ip] ?? named[ip] else { return nil }
        last = (ip, address)
        return address
    }

    mutating func learn(_ ip: IPv6Address, _ address: Address) {
        // Whoever scans the prefix fills the cache; the destinations in use come back by one question each.
        if learned.count >= Self.capacity { learned.removeAll(keepingCapacity: true) }
        learned[ip] = address
        last = (ip, address)
    }

    mutating func forget(_ ip: IPv6Address) {
        learned[ip] = nil
        last = nil
    }

    // MARK: Published ways

    /// Of two nodes with one derived address the core has to choose: the first that was named stays.
    mutating func name(_ ip: IPv6Address, _ address: Address) {
        if named[ip] == nil { named[ip] = address }
    }

    mutating func unname(_ ip: IPv6Address, _ address: Address) {
        if named[ip] == address { named[ip] = nil }
        last = nil
    }

    mutating func unnameAll() {
        named.removeAll()
        last = nil
    }
}
