internal import INET256
package import Wire

/// The way in.
extension LocalDiscovery {
    /// Takes a datagram that came to the group or to this machine. `source` is who sent it, `interface` where it came in.
    package mutating func receive(
        _ bytes: UnsafeRawBufferPointer, from source: Endpoint, interface: UInt32, now: Instant
    ) {
        guard bytes.count == LocalMessage.count, let kind = DiscoveryKind(bytes), !kind.isCentral else { return }
        // What this machine itself has sent to the group comes back to it.
        guard !places.contains(where: { $0.interface == interface && $0.address == source.address }),
            let place = places.first(where: { $0.interface == interface && $0.reaches(source.address) })
        else { return }
        guard sources.take(source.address.linkSource, now: now) else { return count(\.limited) }
        let datagram = [UInt8](bytes)
        let spot = Spot(interface: interface, address: source.address)
        switch kind {
        case .localAnnouncement: announced(datagram, kind, spot, source, place, now)
        case .localArrival:
            announced(datagram, kind, spot, source, place, now)
            answerArrival(place, now)
        case .localChallenge: challenged(datagram, source, place, now)
        case .localAnswer: answered(datagram, spot, now)
        case .centralAnnounce, .centralLookup, .centralReceipt, .centralFound, .centralCookie, .centralCall: break
        }
    }

    // MARK: Announcements of others

    private mutating func announced(
        _ datagram: [UInt8], _ kind: DiscoveryKind, _ spot: Spot, _ source: Endpoint, _ place: LocalPlace,
        _ now: Instant
    ) {
        count(\.heard)
        guard let (message, key) = read(datagram, kind, spot, now), message.sender != own else { return }
        // Said elsewhere, and sent again from here.
        guard message.source == spot.address, !message.ports.isEmpty else { return count(\.replayed) }
        if let known = heard[spot], known.sender == message.sender, known.run == message.run {
            guard message.sequence > known.sequence else { return count(\.replayed) }
            if known.ports == message.ports {
                heard[spot]?.sequence = message.sequence
                return believe(spot, message, now)
            }
        }
        challenge(message.sender, key, spot, source, place, now)
    }

    /// Who wrote it is not known before it is opened: the key of who was last there is tried first, then all others, for as many
    /// datagrams as there is time for.
    private mutating func read(
        _ datagram: [UInt8], _ kind: DiscoveryKind, _ spot: Spot, _ now: Instant
    ) -> (LocalMessage, LocalKey)? {
        if let known = heard[spot], let message = LocalMessage.open(datagram, kind, known.key) {
            return isMeant(message, known.key) ? (message, known.key) : nil
        }
        guard tries.take(now: now) else {
            count(\.limited)
            return nil
        }
        for key in groups {
            if let message = LocalMessage.open(datagram, kind, key) {
                return isMeant(message, key) ? (message, key) : nil
            }
        }
        for key in peers.values {
            if let message = LocalMessage.open(datagram, kind, key) {
                return isMeant(message, key) ? (message, key) : nil
            }
        }
        count(\.foreign)
        return nil
    }

    /// Whether who is named in it may be of interest: under an address's own key nobody else is named, and strangers are let in only
    /// as configured.
    private func isMeant(_ message: LocalMessage, _ key: LocalKey) -> Bool {
        switch key.reader {
        case .knowing(let address): message.sender == address
        case .secret: true
        case .anybody: peers[message.sender] != nil || admitsAnybody
        }
    }

    // MARK: Challenge and answer

    private mutating func challenge(
        _ sender: Address, _ key: LocalKey, _ spot: Spot, _ source: Endpoint, _ place: LocalPlace, _ now: Instant
    ) {
        guard !asked.values.contains(where: { $0.spot == spot && $0.sender == sender && $0.until > now }) else {
            return
        }
        guard asked.count < Self.mostAsked, challenges.take(now: now) else { return count(\.limited) }
        let token = LocalMessage.Token(high: random.next64(), low: random.next64())
        asked[token] = Asked(sender: sender, key: key, spot: spot, until: now + Self.answerPatience)
        var message = LocalMessage(sender: sender)
        message.token = token
        message.source = place.address
        count(\.challenged)
        send(message, .localChallenge, key, source, from: place)
    }

    /// Who can ask so knows this box's address, or its group's secret.
    private mutating func challenged(
        _ datagram: [UInt8], _ source: Endpoint, _ place: LocalPlace, _ now: Instant
    ) {
        guard answers.hasToken(now: now) else { return count(\.limited) }
        for key in [ownKey] + groups {
            guard let question = LocalMessage.open(datagram, .localChallenge, key) else { continue }
            guard question.sender == own, question.source == source.address, answers.take(now: now) else { return }
            var answer = message(place)
            answer.token = question.token
            count(\.answered)
            return send(answer, .localAnswer, key, source, from: place)
        }
        count(\.foreign)
    }

    private mutating func answered(_ datagram: [UInt8], _ spot: Spot, _ now: Instant) {
        let open = asked.filter { $0.value.spot == spot && $0.value.until > now }
        for (token, question) in open {
            guard let message = LocalMessage.open(datagram, .localAnswer, question.key), message.token == token
            else { continue }
            asked[token] = nil
            guard message.sender == question.sender, message.source == spot.address, !message.ports.isEmpty
            else { return count(\.replayed) }
            return take(message, question.key, spot, now)
        }
    }

    /// It is there, and now.
    private mutating func take(_ message: LocalMessage, _ key: LocalKey, _ spot: Spot, _ now: Instant) {
        let isStranger = peers[message.sender] == nil
        if isStranger {
            let others = strangers(now: now)
            guard others.contains(message.sender) || others.count < Self.mostStrangers else { return count(\.limited) }
        }
        if heard[spot] == nil, heard.count >= Self.mostHeard {
            guard let oldest = heard.min(by: { $0.value.until < $1.value.until })?.key else { return }
            heard[oldest] = nil
        }
        heard[spot] = Heard(
            sender: message.sender, key: key, run: message.run, sequence: message.sequence, ports: message.ports,
            until: now, isStranger: isStranger)
        believe(spot, message, now)
    }

    /// For three of its longest periods, and an hour at most.
    private mutating func believe(_ spot: Spot, _ message: LocalMessage, _ now: Instant) {
        guard let known = heard[spot] else { return }
        let lasts = Interval.seconds(min(3600, 3 * Int64(message.next) + 5))
        heard[spot]?.until = now + lasts
        let scope = spot.address.isLinkLocal ? spot.interface : 0
        // Of all places that it speaks from.
        var endpoints = known.ports.map { Endpoint(address: spot.address, port: $0, scope: scope) }
        for (other, also) in heard where other != spot && also.sender == known.sender && also.until > now {
            let scope = other.address.isLinkLocal ? other.interface : 0
            endpoints += also.ports.map { Endpoint(address: other.address, port: $0, scope: scope) }
        }
        var found = DiscoveryNews(
            known.sender, Array(endpoints.prefix(PlaceSource.local.most)), .local, lasts: lasts)
        found.isStranger = known.isStranger
        news.append(found)
    }

    // MARK: Who has just come

    /// Says that this box is here too: at once, but not for each of many.
    private mutating func answerArrival(_ place: LocalPlace, _ now: Instant) {
        guard let turn = due[place], turn.at > now + .milliseconds(200), arrivalsHeard.take(now: now) else { return }
        let pause = Interval.milliseconds(Int64(20 + random.next(below: 80)))
        // Who has been here for a while asks nobody to answer to that, or two boxes would go on for ever.
        due[place] = Due(at: now + pause, arrivals: turn.arrivals)
    }
}
