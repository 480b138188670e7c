internal import INET256
package import Wire

/// The way out: announcements.
extension LocalDiscovery {
    package mutating func tick(now: Instant) {
        asked = asked.filter { $0.value.until > now }
        heard = heard.filter { $0.value.until > now }
        for place in places {
            guard let turn = due[place], turn.at <= now else { continue }
            let isArrival = turn.arrivals <= Self.arrivals.count
            announce(place, isArrival ? .localArrival : .localAnnouncement)
            let pause = turn.arrivals < Self.arrivals.count ? Self.arrivals[turn.arrivals] : period
            due[place] = Due(at: now + jitter(pause), arrivals: min(turn.arrivals + 1, Self.arrivals.count + 1))
        }
    }

    /// Between two announcements now.
    private var period: Interval { isQuiet ? settings.period * Self.quietPeriods : settings.period }

    /// Sealed for who knows this box, and for each group that it is of.
    private mutating func announce(_ place: LocalPlace, _ kind: DiscoveryKind) {
        let group = place.isIPv4 ? LocalGroup.ipv4 : LocalGroup.ipv6
        let scope = place.isIPv4 ? 0 : place.interface
        let target = Endpoint(address: group, port: LocalGroup.port, scope: scope)
        for key in [ownKey] + groups {
            sequence &+= 1
            send(message(place), kind, key, target, from: place)
        }
        count(\.announced)
    }

    /// What this box says of itself at a place.
    func message(_ place: LocalPlace) -> LocalMessage {
        var message = LocalMessage(sender: own)
        let longest = settings.period * Self.quietPeriods
        message.next = UInt16(clamping: longest.nanoseconds / 1_000_000_000)
        message.run = run
        message.sequence = sequence
        message.source = place.address
        message.ports = place.ports
        return message
    }

    mutating func send(
        _ message: LocalMessage, _ kind: DiscoveryKind, _ key: LocalKey, _ target: Endpoint, from place: LocalPlace
    ) {
        outbox.append(
            LocalDatagram(
                bytes: message.sealed(kind, key, random), target: target, source: place.address,
                interface: place.interface))
    }
}
