internal import INET256
internal import Wire

/// What a box has to tell: what happened, to those above, and of keys and routes, to the other engines. Bounded; the oldest events are kept.
struct BoxNews {
    private(set) var events: [BoxEvent] = []
    /// Whether other engines use the main node's sessions as well.
    var isShared: Bool
    /// What these are to be told.
    private(set) var keys: [ShareChange] = []
    /// And what of what is relayed.
    var forwarding = Forwarding()

    static let maximumEvents = 4096

    init(isShared: Bool) { self.isShared = isShared }

    mutating func note(_ event: BoxEvent) {
        if events.count < Self.maximumEvents { events.append(event) }
    }

    mutating func note(_ change: ShareChange) { keys.append(change) }

    mutating func takeEvents() -> [BoxEvent] {
        guard !events.isEmpty else { return [] }
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    mutating func takeKeys() -> [ShareChange] {
        defer { keys.removeAll(keepingCapacity: true) }
        return keys
    }
}
