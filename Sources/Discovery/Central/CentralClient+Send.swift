internal import INET256
package import Wire

/// The way out: announcements and questions.
extension CentralClient {
    /// - Parameter wall: milliseconds since 1970 by the machine's clock, which may be wrong.
    package mutating func tick(now: Instant, wall: UInt64) {
        guard !servers.isEmpty else { return }
        lapse(now)
        if announceAt <= now { announce(now, wall) }
        askAfter(now)
    }

    /// What nobody answered is forgotten, and the server with it after a few.
    private mutating func lapse(_ now: Instant) {
        let late = open.filter { $0.value.until <= now }
        guard !late.isEmpty else { return }
        for nonce in late.keys { open[nonce] = nil }
        unanswered += 1
        guard unanswered >= Self.mostUnanswered, server != nil else { return }
        startAnew(now)
    }

    // MARK: Announcements

    private mutating func announce(_ now: Instant, _ wall: UInt64) {
        // Faster while the server has not answered at all.
        announceAt = now + (server == nil ? min(settings.period, .seconds(5)) : period)
        for target in targets {
            guard let nonce = ask(.announcement, of: target, now) else { return }
            // Several may be endpoints of one server: each has one that is newer than the one before.
            lastMilliseconds = min(CentralRecord.endOfTime - 1, max(wall, lastMilliseconds + 1))
            send(.centralAnnounce, nonce, record(lastMilliseconds, for: target).bytes, to: target)
        }
        counters.announced &+= 1
    }

    private mutating func record(_ milliseconds: UInt64, for target: Endpoint) -> CentralRecord {
        let list = Array(told.prefix(CentralRecord.mostPlaces))
        // Two of its longest periods and a half: one that is lost does no harm.
        let seconds = longestPeriod.nanoseconds / 1_000_000_000
        let life = UInt16(clamping: min(Int64(CentralServer.longestLife), seconds * 5 / 2))
        let body =
            switch settings.visibility {
            case .all: CentralRecord.Body.clear(list)
            case .peers: CentralRecord.Body.sealed(SealedPlaces.seal(list, by: key.address, for: readers(), random))
            }
        return CentralRecord(
            body, milliseconds: milliseconds, life: life, binding: (cookies[target] ?? .none).binding, by: key)
    }

    /// Own addresses, and where the server sees this box.
    var told: [Candidate] {
        var list = candidates.filter { $0.endpoint.port != 0 && $0.endpoint.address.isWorthAProbe }
        if let observed, !list.contains(where: { $0.endpoint == observed }) {
            // Before what may be private: of many addresses of its own it must not be the one that is left out.
            let place = list.firstIndex { $0.endpoint.address.isPrivate } ?? list.count
            list.insert(Candidate(observed, .observed), at: min(place, CentralRecord.mostPlaces - 1))
        }
        return list
    }

    /// What this box has in common with each peer whose key is known; who is missing first.
    private mutating func readers() -> [SecretBytes] {
        let order = known.keys.sorted { (missing[$0] == nil ? 1 : 0, $0) < (missing[$1] == nil ? 1 : 0, $1) }
        return order.prefix(SealedPlaces.slots).compactMap { shared(with: $0) }
    }

    mutating func shared(with address: Address) -> SecretBytes? {
        guard let peer = known[address] else { return nil }
        if let shared = peer.shared { return shared }
        let shared = peer.key.x25519().flatMap { X25519.agree(key.x25519Secret, $0) }
        known[address]?.shared = shared
        return shared
    }

    // MARK: Questions

    private mutating func askAfter(_ now: Instant) {
        let due = missing.filter { $0.value.at <= now }.sorted { ($0.value.at, $0.key) < ($1.value.at, $1.key) }
        for (place, entry) in due.enumerated() {
            guard place < Self.lookupsAtOnce else {
                missing[entry.key]?.at = now + Self.lookupPause
                continue
            }
            let times = entry.value.times
            let pause = times < Self.firstPauses.count ? Self.firstPauses[times] : settings.period
            missing[entry.key] = Search(at: now + min(pause, settings.period), times: times + 1)
            lookUp(entry.key, now)
        }
        learnKeys(now)
    }

    func lookup(_ address: Address) -> [UInt8] {
        var body: [UInt8] = []
        body.append(key.address.raw)
        body.append(address.raw)
        return body + [UInt8](repeating: 0, count: CentralFormat.lookupCount - CentralFormat.askHead - body.count)
    }

    mutating func lookUp(_ address: Address, _ now: Instant) {
        for target in targets {
            guard let nonce = ask(.lookup(address), of: target, now) else { return }
            send(.centralLookup, nonce, lookup(address), to: target)
        }
        counters.asked &+= 1
    }

    /// To seal for peers takes their keys: one that is up is asked about once.
    private mutating func learnKeys(_ now: Instant) {
        guard settings.visibility == .peers, server != nil, open.isEmpty,
            let unknown = peers.first(where: { known[$0] == nil && missing[$0] == nil && !keysAsked.contains($0) })
        else { return }
        keysAsked.insert(unknown)
        lookUp(unknown, now)
    }

    /// A number for a question that waits; nil where too many do.
    private mutating func ask(_ about: About, of server: Endpoint, _ now: Instant) -> UInt64? {
        guard open.count < Self.mostOpen else { return nil }
        let nonce = random.next64()
        open[nonce] = Question(
            about: about, server: server, cookie: cookies[server] ?? .none, until: now + Self.patience)
        return nonce
    }

    mutating func send(_ kind: DiscoveryKind, _ nonce: UInt64, _ body: [UInt8], to target: Endpoint) {
        var bytes = CentralFormat.begin(kind, nonce)
        (cookies[target] ?? .none).put(into: &bytes)
        outbox.append(DiscoveryDatagram(bytes + body, to: target))
    }
}
