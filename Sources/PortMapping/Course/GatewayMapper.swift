package import Wire

/// A client of PCP, and of NAT-PMP where the router speaks that: one mapping for UDP, kept. Datagrams and time go in, datagrams for
/// the router's port 5351 and a deadline come out.
package struct GatewayMapper {
    package enum State: Equatable, Sendable {
        /// Questions are on their way.
        case asking
        case mapped(Mapping)
        /// By no protocol; the reasons stand in `failures`.
        case failed
    }

    /// What the router is asked now.
    private enum Question: Equatable {
        case pcpMap
        /// Whether it still has the mapping: its epoch tells.
        case pcpAnnounce
        /// NAT-PMP says the address and the port in two answers.
        case natpmpAddress
        case natpmpMap(address: IPv6Address)
    }

    private let target: MappingTarget
    private let times: MappingTimes
    private let nonce: MappingNonce
    package private(set) var state = State.asking
    package private(set) var failures: [MappingProtocol: MappingFailure] = [:]
    /// What waits for its answer; nil while nothing is asked.
    private var question: Question?
    private var sent = 0
    private var epoch = ServerEpoch()
    /// When the mapping is renewed, whatever happens until then.
    private var renewal = Instant.distantFuture
    /// Whether the router answers questions for its epoch: nil until it is known.
    private var tellsEpoch: Bool?
    /// Since when the router may have forgotten the mapping, unless it is renewed.
    private var expires = Instant.distantFuture
    private var answered = Instant.distantPast
    /// When the question is repeated, or the mapping renewed.
    package private(set) var deadline: Instant
    private var output: [[UInt8]] = []

    /// Asks at the first tick.
    package init(
        _ target: MappingTarget, times: MappingTimes = MappingTimes(), random: any RandomSource, now: Instant
    ) {
        self.target = target
        self.times = times
        nonce = MappingNonce(random)
        deadline = now
        question = .pcpMap
    }

    /// Datagrams for the router, in order.
    package mutating func takeOutput() -> [[UInt8]] {
        defer { output = [] }
        return output
    }

    package mutating func tick(now: Instant) {
        if case .mapped = state, now >= expires {
            state = .asking
            if question == nil { return begin(.pcpMap, now) }
        }
        guard now >= deadline else { return }
        guard let question else { return now >= renewal ? renew(now) : look(now) }
        // The last question has had no answer.
        if sent >= times.questions { return fail(.silent, now) }
        ask(question, now)
    }

    /// A datagram from the router's port; whatever it is.
    package mutating func receive(_ bytes: UnsafeRawBufferPointer, now: Instant) {
        if let response = PCPResponse(bytes) {
            take(response, now)
        } else if let response = NATPMPResponse(bytes) {
            take(response, now)
        }
    }

    /// The router's kernel says that nobody listens at the port: no need to wait for more. A mapping that is there is another matter: then
    /// the router is starting again.
    package mutating func refused() {
        guard case .asking = state, question != nil else { return }
        for by in [MappingProtocol.pcp, .natpmp] where failures[by] == nil { failures[by] = .refused("nobody listens") }
        question = nil
        state = .failed
        deadline = .distantFuture
    }

    /// What the router said to everybody on its link. It is believed for one thing: that the mapping should be looked after.
    package mutating func receiveAnnouncement(_ bytes: UnsafeRawBufferPointer, now: Instant) {
        guard case .mapped(let mapping) = state, question == nil else { return }
        if let response = PCPResponse(bytes), response.body == .announcement {
            if !epoch.note(response.epoch, now: now) { renewSoon(now, times.announcementPause) }
        } else if let response = NATPMPResponse(bytes), case .address(let address) = response.body {
            let isKnown = epoch.note(response.epoch, now: now)
            if !isKnown || address != mapping.external.address { renewSoon(now, times.announcementPause) }
        }
    }

    /// The network is another, or may be: whether the mapping is still there is worth a question.
    package mutating func networkChanged(now: Instant) {
        guard case .mapped = state, question == nil else { return }
        renewSoon(now, times.changePause)
    }

    /// Gives the mapping back, also one whose answer may be on its way. Nobody waits for an answer to this.
    package mutating func release() {
        let none = Endpoint(address: IPv6Address(mappedIPv4: 0), port: 0)
        let isAsked = sent > 0 && question != nil
        switch (state, question) {
        case (.mapped(let mapping), _) where mapping.by == .pcp: output.append(pcpRequest(none, lifetime: 0))
        case (.asking, .pcpMap) where isAsked: output.append(pcpRequest(none, lifetime: 0))
        case (.mapped, _), (.asking, .natpmpMap):
            output.append(NATPMPFormat.mapRequest(internalPort: target.own.port, suggested: 0, lifetime: 0))
        case (.asking, _), (.failed, _): break
        }
        question = nil
        deadline = .distantFuture
        state = .failed
    }

    // MARK: Questions

    private mutating func begin(_ question: Question, _ now: Instant) {
        self.question = question
        sent = 0
        ask(question, now)
    }

    private mutating func ask(_ question: Question, _ now: Instant) {
        output.append(bytes(of: question))
        // 250 ms, 500 ms, 1 s.
        deadline = now + times.firstPause * (1 << Int64(sent))
        sent += 1
    }

    private func bytes(of question: Question) -> [UInt8] {
        switch question {
        case .pcpAnnounce: PCPFormat.announceRequest(client: target.own.address)
        case .pcpMap: pcpRequest(wish, lifetime: times.lifetime)
        case .natpmpAddress: NATPMPFormat.addressRequest
        case .natpmpMap:
            NATPMPFormat.mapRequest(
                internalPort: target.own.port, suggested: wish.port, lifetime: times.lifetime)
        }
    }

    private func pcpRequest(_ suggested: Endpoint, lifetime: UInt32) -> [UInt8] {
        PCPMapRequest(
            client: target.own.address, nonce: nonce, internalPort: target.own.port, suggested: suggested,
            lifetime: lifetime
        ).bytes
    }

    /// What it was the last time, else the port that we have inside.
    private var wish: Endpoint {
        if case .mapped(let mapping) = state { return mapping.external }
        return Endpoint(address: IPv6Address(mappedIPv4: 0), port: target.own.port)
    }

    /// Not at once behind an answer: whoever says much must not have us ask much.
    private mutating func renewSoon(_ now: Instant, _ pause: Interval) {
        let earliest = answered + pause
        guard now < earliest else { return renew(now) }
        renewal = min(renewal, earliest)
        deadline = min(deadline, earliest)
    }

    private mutating func renew(_ now: Instant) {
        guard case .mapped(let mapping) = state else {
            deadline = .distantFuture
            return
        }
        begin(mapping.by == .pcp ? .pcpMap : .natpmpAddress, now)
    }

    /// Whether the router has forgotten, which costs it less than a renewal.
    private mutating func look(_ now: Instant) {
        guard case .mapped(let mapping) = state else { return renew(now) }
        begin(mapping.by == .pcp ? .pcpAnnounce : .natpmpAddress, now)
    }

    /// It has not.
    private mutating func rest(_ now: Instant) {
        question = nil
        guard now < renewal else { return renew(now) }
        deadline = tellsEpoch == false ? renewal : min(renewal, now + times.care)
    }

    private mutating func fail(_ failure: MappingFailure, _ now: Instant) {
        guard let question else { return }
        let by: MappingProtocol = question == .pcpMap || question == .pcpAnnounce ? .pcp : .natpmp
        if question == .pcpAnnounce, tellsEpoch == nil {
            tellsEpoch = false
            return rest(now)
        }
        if case .mapped = state, failure == .silent, expires > now {
            // A router that starts again is silent for a while, and what it forgot comes back by being asked for again.
            self.question = nil
            deadline = min(expires, now + times.breath)
            return
        }
        failures[by] = failure
        switch by {
        case .pcp:
            state = .asking
            epoch.forget()
            begin(.natpmpAddress, now)
        case .natpmp, .upnp:
            self.question = nil
            state = .failed
            deadline = .distantFuture
        }
    }

    // MARK: Answers

    private mutating func take(_ response: PCPResponse, _ now: Instant) {
        if question == .pcpAnnounce, response.body == .announcement { return takeEpoch(response, now) }
        guard question == .pcpMap, case .map(let nonce, let port, let external) = response.body,
            nonce == self.nonce, port == target.own.port
        else { return }
        guard response.result == PCPResponse.success else {
            return fail(.refused(PCPResult.text(response.result)), now)
        }
        _ = epoch.note(response.epoch, now: now)
        settle(Mapping(by: .pcp, external: external, lifetime: response.lifetime), now)
    }

    private mutating func takeEpoch(_ response: PCPResponse, _ now: Instant) {
        guard response.result == PCPResponse.success else {
            return fail(.refused(PCPResult.text(response.result)), now)
        }
        tellsEpoch = true
        if epoch.note(response.epoch, now: now) { rest(now) } else { renew(now) }
    }

    private mutating func take(_ response: NATPMPResponse, _ now: Instant) {
        switch question {
        case .pcpMap:
            // A server of NAT-PMP does not know PCP's version, and says so in its own (RFC 6887 appendix A).
            guard response.result == NATPMPFormat.unsupportedVersion else { return }
            fail(.refused(NATPMPResult.text(response.result)), now)
        case .natpmpAddress:
            guard response.result == NATPMPResponse.success else {
                return fail(.refused(NATPMPResult.text(response.result)), now)
            }
            guard case .address(let address) = response.body else { return }
            let isKnown = epoch.note(response.epoch, now: now)
            if case .mapped(let mapping) = state, isKnown, now < renewal, mapping.external.address == address {
                return rest(now)
            }
            begin(.natpmpMap(address: address), now)
        case .natpmpMap(let address):
            guard response.result == NATPMPResponse.success else {
                return fail(.refused(NATPMPResult.text(response.result)), now)
            }
            guard case .map(let port, let external, let lifetime) = response.body, port == target.own.port else {
                return
            }
            _ = epoch.note(response.epoch, now: now)
            settle(
                Mapping(by: .natpmp, external: Endpoint(address: address, port: external), lifetime: lifetime), now)
        case .pcpAnnounce, nil: break
        }
    }

    private mutating func settle(_ mapping: Mapping, _ now: Instant) {
        guard mapping.lifetime > 0, mapping.external.port != 0 else {
            return fail(.refused("it answered with no port at all"), now)
        }
        question = nil
        state = .mapped(mapping)
        answered = now
        failures[mapping.by] = nil
        // Half of it (RFC 6887 section 11.2.1), with the other half to repeat questions in.
        let granted = min(max(mapping.lifetime, times.shortestLifetime), times.longestLifetime)
        renewal = now + .seconds(Int64(granted) / 2)
        expires = now + .seconds(Int64(granted))
        rest(now)
    }
}
