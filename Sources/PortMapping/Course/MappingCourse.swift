package import Wire

/// What UPnP's thread is to do.
package enum IGDJob: Equatable, Sendable {
    /// - Parameters:
    ///   - own: IPv4-mapped.
    ///   - port: what would be liked outside.
    ///   - lifetime: in seconds.
    case map(own: Endpoint, port: UInt16, lifetime: UInt32)
    /// The outside port.
    case unmap(port: UInt16)
}

/// How a router is brought to open a port: PCP or NAT-PMP, else UPnP, and after all have failed the same again when some time has
/// passed. The mapping is kept as long as this is ticked. Datagrams, answers of UPnP's thread and time go in.
package struct MappingCourse {
    private enum Phase {
        case gateway
        /// Asked for, or kept until `expires`.
        case upnp(Mapping?, isAsked: Bool, expires: Instant)
        case resting
    }

    package let target: MappingTarget
    private let times: MappingTimes
    private let random: any RandomSource
    private var gateway: GatewayMapper
    private var phase = Phase.gateway
    /// Of UPnP and of whatever has failed.
    private var own: Instant = .distantFuture
    /// When UPnP came to an end, well or not.
    private var answered = Instant.distantPast
    private var upnpFailure: MappingFailure?
    private var jobs: [IGDJob] = []

    package init(
        _ target: MappingTarget, times: MappingTimes = MappingTimes(), random: any RandomSource, now: Instant
    ) {
        self.target = target
        self.times = times
        self.random = random
        gateway = GatewayMapper(target, times: times, random: random, now: now)
    }

    package var deadline: Instant { min(own, gateway.deadline) }

    /// What there is now; nil while there is nothing.
    package var mapping: Mapping? {
        switch phase {
        case .gateway:
            if case .mapped(let mapping) = gateway.state { mapping } else { nil }
        case .upnp(let mapping, _, _): mapping
        case .resting: nil
        }
    }

    /// Whether it is still to be found out.
    package var isAsking: Bool {
        switch phase {
        case .gateway: mapping == nil
        case .upnp(let mapping, _, _): mapping == nil
        case .resting: false
        }
    }

    /// Why not, by protocol.
    package var failures: [MappingProtocol: MappingFailure] {
        var failures = gateway.failures
        failures[.upnp] = upnpFailure
        return failures
    }

    /// Datagrams for the router's port 5351.
    package mutating func takeOutput() -> [[UInt8]] { gateway.takeOutput() }

    package mutating func takeJobs() -> [IGDJob] {
        defer { jobs = [] }
        return jobs
    }

    // MARK: What happens

    package mutating func tick(now: Instant) {
        gateway.tick(now: now)
        follow(now)
        guard now >= own else { return }
        own = .distantFuture
        switch phase {
        case .gateway: break
        case .upnp(let mapping, let isAsked, let expires):
            if isAsked { return igdAnswered(.failure(.silent), now: now) }
            askUPnP(now >= expires ? nil : mapping, expires, now)
        case .resting:
            phase = .gateway
            gateway = GatewayMapper(target, times: times, random: random, now: now)
            gateway.tick(now: now)
        }
    }

    package mutating func receive(_ bytes: UnsafeRawBufferPointer, now: Instant) {
        gateway.receive(bytes, now: now)
        follow(now)
    }

    /// The router's kernel says that nobody listens at the port.
    package mutating func refused(now: Instant) {
        gateway.refused()
        follow(now)
    }

    package mutating func receiveAnnouncement(_ bytes: UnsafeRawBufferPointer, now: Instant) {
        gateway.receiveAnnouncement(bytes, now: now)
        // It has what it had not before.
        if case .resting = phase { networkChanged(now: now) }
    }

    /// The network is another, or may be, though the router is called the same.
    package mutating func networkChanged(now: Instant) {
        switch phase {
        case .gateway: gateway.networkChanged(now: now)
        case .upnp(let mapping?, isAsked: false, let expires):
            if now - answered >= times.failurePause { askUPnP(mapping, expires, now) }
        case .resting where own != .distantFuture: own = min(own, max(now, answered + times.failurePause))
        case .upnp, .resting: break
        }
    }

    package mutating func igdAnswered(_ answer: Result<Mapping, MappingFailure>, now: Instant) {
        var before: (mapping: Mapping?, expires: Instant) = (nil, .distantFuture)
        switch phase {
        case .upnp(let mapping, _, let expires): before = (mapping, expires)
        // It has come after all, later than was waited for.
        case .resting where own != .distantFuture: guard case .success = answer else { return }
        case .gateway, .resting: return
        }
        answered = now
        switch answer {
        case .success(let mapping):
            upnpFailure = nil
            guard mapping.lifetime > 0 else {
                phase = .upnp(mapping, isAsked: false, expires: .distantFuture)
                own = now + times.upnpCare
                return
            }
            let granted = min(max(mapping.lifetime, times.shortestLifetime), times.longestLifetime)
            phase = .upnp(mapping, isAsked: false, expires: now + .seconds(Int64(granted)))
            own = now + min(.seconds(Int64(granted) / 2), times.upnpCare)
        case .failure(let failure):
            upnpFailure = failure
            if let mapping = before.mapping, failure == .silent, now < before.expires,
                before.expires != .distantFuture
            {
                phase = .upnp(mapping, isAsked: false, expires: before.expires)
                own = min(before.expires, now + times.breath)
            } else {
                phase = .resting
                own = now + times.rest
            }
        }
    }

    /// Gives back what there is.
    package mutating func release() {
        gateway.release()
        if case .upnp(let mapping?, _, _) = phase { jobs.append(.unmap(port: mapping.external.port)) }
        phase = .resting
        own = .distantFuture
    }

    // MARK: The next way

    /// The router knows neither PCP nor NAT-PMP.
    private mutating func follow(_ now: Instant) {
        guard case .gateway = phase, gateway.state == .failed else { return }
        askUPnP(nil, .distantFuture, now)
    }

    private mutating func askUPnP(_ mapping: Mapping?, _ expires: Instant, _ now: Instant) {
        phase = .upnp(mapping, isAsked: true, expires: expires)
        own = now + times.upnpPatience
        jobs.append(
            .map(own: target.own, port: mapping?.external.port ?? target.own.port, lifetime: times.lifetime))
    }
}
