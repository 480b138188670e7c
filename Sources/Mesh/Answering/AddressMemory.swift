internal import Wire

/// The addresses that were noted last, a bounded number of them.
struct AddressMemory {
    static let capacity = 4096

    private var known: Set<IPv6Address> = []
    /// In the order in which they came; `oldest` is the next to go.
    private var order: [IPv6Address] = []
    private var oldest = 0

    func contains(_ address: IPv6Address) -> Bool { known.contains(address) }

    mutating func note(_ address: IPv6Address) {
        guard known.insert(address).inserted else { return }
        if order.count < Self.capacity {
            order.append(address)
        } else {
            known.remove(order[oldest])
            order[oldest] = address
            oldest = (oldest + 1) % Self.capacity
        }
    }
}
