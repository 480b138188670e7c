internal import INET256
package import Wire

/// The way in: what the server says. Anybody can send in its name, so what counts is the number that was asked with, or the cookie.
extension CentralClient {
    package mutating func receive(
        _ bytes: UnsafeRawBufferPointer, from source: Endpoint, now: Instant, wall: UInt64
    ) {
        guard isServer(source), bytes.count <= DiscoveryKind.largest, let message = CentralMessage(bytes) else {
            return
        }
        switch message.kind {
        case .centralCookie: takeCookie(message, source, now, wall)
        case .centralReceipt: takeReceipt(message, source, now)
        case .centralFound: takeFound(message, source, now)
        case .centralCall: takeCall(message, source)
        case .centralAnnounce, .centralLookup, .localAnnouncement, .localArrival, .localChallenge, .localAnswer: break
        }
    }

    /// The question that an answer is to; it is no longer open then.
    private mutating func question(_ message: CentralMessage, _ source: Endpoint) -> Question? {
        guard let question = open[message.nonce], question.server == source else {
            counters.refused &+= 1
            return nil
        }
        open[message.nonce] = nil
        return question
    }

    private mutating func takeCookie(
        _ message: CentralMessage, _ source: Endpoint, _ now: Instant, _ wall: UInt64
    ) {
        var rest = message.rest
        guard let question = question(message, source), let cookie = rest.cookie(), cookie != .none,
            let seen = rest.endpoint()
        else { return }
        cookies[source] = cookie
        answered(source)
        see(seen, now)
        guard question.cookie != cookie, repeats.take(now: now) else { return }
        switch question.about {
        case .announcement: announceAt = now
        case .lookup(let address):
            if missing[address] != nil { missing[address] = Search(at: now) } else { keysAsked.remove(address) }
        }
        tick(now: now, wall: wall)
    }

    private mutating func takeReceipt(_ message: CentralMessage, _ source: Endpoint, _ now: Instant) {
        var rest = message.rest
        guard let question = question(message, source), question.about == .announcement, let seen = rest.endpoint(),
            let milliseconds = rest.little(UInt64.self), let status = CentralFormat.Status(rawValue: message.status)
        else { return }
        answered(source)
        switch status {
        case .done: counters.taken &+= 1
        case .stale:
            // This box's clock was set back: it goes on from where it was. A server that lies spoils its own records alone.
            if milliseconds < CentralRecord.endOfTime - 1, milliseconds >= lastMilliseconds {
                lastMilliseconds = milliseconds
                announceAt = now
            }
        case .full: break
        }
        see(seen, now)
    }

    /// The server sees this box there.
    private mutating func see(_ endpoint: Endpoint?, _ now: Instant) {
        guard let endpoint, endpoint.address.isWorthAProbe, endpoint != observed else { return }
        observed = endpoint
        // Once more for each change, and not more often than once a second where somebody makes it change all the time.
        announceAt = min(announceAt, max(now, seenAt + .seconds(1)))
        seenAt = now
    }

    // MARK: Found

    private mutating func takeFound(_ message: CentralMessage, _ source: Endpoint, _ now: Instant) {
        var rest = message.rest
        guard let question = question(message, source), case .lookup(let address) = question.about,
            let seen = rest.endpoint(), rest.little(UInt32.self) != nil, let announcedFrom = rest.endpoint(),
            let count = rest.little(UInt16.self)
        else { return }
        answered(source)
        see(seen, now)
        guard count > 0, let bytes = rest.take(Int(count)) else { return }
        guard let record = CentralRecord(bytes), record.address == address else {
            counters.refused &+= 1
            return
        }
        // One that was replaced since: somebody says again what was true once.
        if let old = known[address], old.milliseconds > record.milliseconds {
            counters.refused &+= 1
            return
        }
        learn(record)
        counters.found &+= 1
        guard missing[address] != nil else { return }
        let list =
            record.places
            ?? shared(with: address).flatMap {
                SealedPlaces.open(record.body, of: address, with: $0)
            }
        guard let list else { return }
        let endpoints = worthTrying(list, announcedFrom)
        guard !endpoints.isEmpty else { return }
        news.append(DiscoveryNews(address, endpoints, .central, lasts: .seconds(Int64(max(60, record.life)))))
    }

    /// Keeps the key. A peer that can be sealed for from now on is told soon where this box is.
    private mutating func learn(_ record: CentralRecord) {
        let isNew = known[record.address] == nil
        if isNew {
            known[record.address] = Known(key: record.key, milliseconds: record.milliseconds)
            if settings.visibility == .peers { announceAt = .distantPast }
        } else {
            known[record.address]?.milliseconds = record.milliseconds
        }
    }

    /// In the order in which they are to be tried. Private ones are of use within one site: to who has the same outer address, or
    /// where nothing else is known.
    private func worthTrying(_ list: [Candidate], _ announcedFrom: Endpoint?) -> [Endpoint] {
        let worth = list.sorted { $0.kind < $1.kind }.map(\.endpoint) + [announcedFrom].compactMap(\.self)
        let possible = worth.filter { $0.port != 0 && $0.address.isWorthAProbe }
        let outer = Set(possible.filter { !$0.address.isPrivate }.map(\.address))
        let isSameSite = observed.map { outer.contains($0.address) || $0.address.isPrivate } ?? false
        let chosen = outer.isEmpty || isSameSite ? possible : possible.filter { !$0.address.isPrivate }
        var endpoints: [Endpoint] = []
        for endpoint in chosen where !endpoints.contains(endpoint) { endpoints.append(endpoint) }
        return Array(endpoints.prefix(PlaceSource.central.most))
    }

    // MARK: Calls

    /// A peer that this box looks for looks for it, from there, and calls right now: a handshake from here opens the way for it.
    private mutating func takeCall(_ message: CentralMessage, _ source: Endpoint) {
        var rest = message.rest
        guard let cookie = rest.cookie(), cookie == cookies[source], let caller = rest.address(),
            let place = rest.endpoint(), let place, place.address.isWorthAProbe, missing[caller] != nil
        else {
            counters.refused &+= 1
            return
        }
        counters.calls &+= 1
        news.append(DiscoveryNews(caller, [place], .called, lasts: .seconds(60)))
    }
}
