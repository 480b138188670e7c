package import INET256
package import Wire

/// A central server's limits.
package struct CentralLimits: Equatable, Sendable {
    /// Addresses of strangers that are kept; each takes up to about 1.4 KB.
    package var capacity = 65_536
    /// Whose place nobody else gets.
    package var kept: Set<Address> = []
    /// Records that are verified in a second, at about 0.1 ms each.
    package var verifications = 2000

    package init() {}
}

/// What a central server has counted.
package struct CentralCounters: Equatable, Sendable {
    package var announcements: UInt64 = 0
    package var lookups: UInt64 = 0
    package var calls: UInt64 = 0
    package var cookies: UInt64 = 0
    /// Not what they say, or signed by nobody.
    package var forged: UInt64 = 0
    package var malformed: UInt64 = 0
    package var limited: UInt64 = 0
    package var full: UInt64 = 0

    package init() {}
}

/// Keeps announcements and hands them to who asks. It needs no trust: what it keeps is signed by whose it is, and what it says of its
/// own (where it saw somebody) is worth a probe and nothing more.
///
/// A source shows that it receives, by a cookie bound to its endpoint, before anything is done for it: no signature is verified, and
/// nothing goes to others on its behalf. All that one datagram makes the server send is no longer than that datagram.
///
/// Pure: datagrams and `now` in, datagrams out.
package struct CentralServer {
    private var table: CentralTable
    private var cookies: CentralCookies
    private var sources: SourceLimit
    private var verifications: TokenBucket
    /// A part that nobody else can use up.
    private var keptVerifications: TokenBucket
    private var calls = TokenBucket(rate: 500, burst: 500)
    package private(set) var counters = CentralCounters()

    /// Seconds for which an announcement lives, whatever it says.
    package static let longestLife: UInt16 = 3600
    static let shortestLife: UInt16 = 5
    /// Between two calls to one box.
    private static let callPause: Interval = .milliseconds(500)

    package init(limits: CentralLimits = CentralLimits(), random: any RandomSource) {
        table = CentralTable(capacity: limits.capacity, kept: limits.kept, seed: random.next64())
        cookies = CentralCookies(random)
        sources = SourceLimit(places: 4096, burst: 64, every: .milliseconds(50), seed: random.next64())
        verifications = TokenBucket(rate: limits.verifications, burst: max(1, limits.verifications / 4))
        keptVerifications = TokenBucket(rate: 200, burst: 200)
    }

    /// Addresses that it has something of.
    package var count: Int { table.entries.count }

    /// Who asks, and at which of the server's addresses.
    struct Asker {
        var endpoint: Endpoint
        var at: IPv6Address
    }

    /// Takes one datagram that came to the address `at`, and gives what is to be sent, at most two.
    package mutating func receive(
        _ bytes: UnsafeRawBufferPointer, from source: Endpoint, at local: IPv6Address = .unspecified, now: Instant
    ) -> [DiscoveryDatagram] {
        let asker = Asker(endpoint: source, at: local)
        guard bytes.count <= DiscoveryKind.largest, bytes.count >= CentralFormat.askHead,
            var message = CentralMessage(bytes), message.kind.isRequest, message.status == 0,
            let cookie = message.rest.cookie()
        else {
            counters.malformed &+= 1
            return []
        }
        guard sources.take(source.address.wideSource, now: now) else {
            counters.limited &+= 1
            return []
        }
        cookies.turn(now)
        table.expire(now: now)
        guard cookies.isGood(cookie, for: source) else {
            guard bytes.count >= CentralFormat.cookieAnswerCount else { return [] }
            counters.cookies &+= 1
            var answer = CentralFormat.begin(.centralCookie, message.nonce)
            cookies.cookie(for: source).put(into: &answer)
            EndpointBytes.put(source, into: &answer)
            return [DiscoveryDatagram(answer, to: source, from: local)]
        }
        return message.kind == .centralAnnounce
            ? announce(message, cookie, from: asker, now) : lookUp(message, bytes.count, from: asker, now)
    }

    // MARK: Announcements

    private mutating func announce(
        _ message: CentralMessage, _ cookie: CentralCookie, from asker: Asker, _ now: Instant
    ) -> [DiscoveryDatagram] {
        var rest = message.rest
        guard let bytes = rest.take(rest.remaining), let claim = CentralRecord(unverified: bytes) else {
            counters.malformed &+= 1
            return []
        }
        // Made for another endpoint or another server, and sent here by who asked for it there.
        guard claim.binding == cookie.binding else {
            counters.forged &+= 1
            return []
        }
        let known = table.entries[claim.address]
        if let known, known.record.milliseconds >= claim.milliseconds {
            return [receipt(.stale, message.nonce, known.record.milliseconds, asker)]
        }
        let isKept = table.isKept(claim.address)
        guard isKept && keptVerifications.take(now: now) || verifications.take(now: now) else {
            counters.limited &+= 1
            return []
        }
        guard let record = CentralRecord(bytes) else {
            counters.forged &+= 1
            return []
        }
        let life = min(Self.longestLife, max(Self.shortestLife, record.life))
        guard table.put(record, from: asker, until: now + .seconds(Int64(life)), now: now) else {
            counters.full &+= 1
            return [receipt(.full, message.nonce, 0, asker)]
        }
        counters.announcements &+= 1
        return [receipt(.done, message.nonce, record.milliseconds, asker)]
    }

    private func receipt(
        _ status: CentralFormat.Status, _ nonce: UInt64, _ milliseconds: UInt64, _ asker: Asker
    ) -> DiscoveryDatagram {
        var answer = CentralFormat.begin(.centralReceipt, nonce, status)
        EndpointBytes.put(asker.endpoint, into: &answer)
        answer.appendLittle(milliseconds)
        return DiscoveryDatagram(answer, to: asker.endpoint, from: asker.at)
    }

    // MARK: Lookups

    private mutating func lookUp(
        _ message: CentralMessage, _ count: Int, from asker: Asker, _ now: Instant
    ) -> [DiscoveryDatagram] {
        var rest = message.rest
        guard count == CentralFormat.lookupCount, let address = rest.address(), let wanted = rest.address(),
            rest.isPadding
        else {
            counters.malformed &+= 1
            return []
        }
        counters.lookups &+= 1
        let entry = table.entries[wanted]
        var answer = CentralFormat.begin(.centralFound, message.nonce)
        EndpointBytes.put(asker.endpoint, into: &answer)
        let age = entry.map { (now - $0.announced).nanoseconds / 1_000_000_000 } ?? 0
        answer.appendLittle(UInt32(clamping: age))
        // Who tells its peers alone where it is does not want it told by others.
        EndpointBytes.put(entry.flatMap { $0.record.isSealed ? nil : $0.endpoint }, into: &answer)
        answer.appendLittle(UInt16(clamping: entry?.record.bytes.count ?? 0))
        answer += entry?.record.bytes ?? []
        return [DiscoveryDatagram(answer, to: asker.endpoint, from: asker.at)]
            + call(address, wanted, entry, asker.endpoint, now)
    }

    /// Two that ask for each other, each by the endpoint that it announced itself from: who was first hears of the other at once.
    private mutating func call(
        _ asker: Address, _ wanted: Address, _ entry: CentralTable.Entry?, _ source: Endpoint, _ now: Instant
    ) -> [DiscoveryDatagram] {
        guard let own = table.entries[asker], own.endpoint == source, asker != wanted else { return [] }
        table.note(asker, wants: wanted)
        guard let entry, table.wants(wanted, asker), now - entry.calledAt >= Self.callPause, calls.take(now: now)
        else { return [] }
        table.noteCall(of: wanted, now: now)
        counters.calls &+= 1
        var note = CentralFormat.begin(.centralCall, 0)
        cookies.cookie(for: entry.endpoint).put(into: &note)
        note.append(asker.raw)
        EndpointBytes.put(source, into: &note)
        return [DiscoveryDatagram(note, to: entry.endpoint, from: entry.at)]
    }
}

/// Cookies that the server need not remember: each is a hash of the endpoint under a secret, of which the last two count.
struct CentralCookies {
    private var secrets: [SecretBytes]
    private var turnAt: Instant = .distantPast
    private let random: any RandomSource

    /// A box that announces itself every two minutes has a good one each time, mostly; else it says it once more.
    private static let life: Interval = .seconds(180)

    init(_ random: any RandomSource) {
        self.random = random
        secrets = [Self.secret(random), Self.secret(random)]
    }

    private static func secret(_ random: any RandomSource) -> SecretBytes {
        let secret = SecretBytes(count: Bytes32.count)
        secret.withMutableBytes { random.fill($0) }
        return secret
    }

    mutating func turn(_ now: Instant) {
        guard now >= turnAt else { return }
        if turnAt != .distantPast { secrets = [Self.secret(random), secrets[0]] }
        turnAt = now + Self.life
    }

    func cookie(for endpoint: Endpoint) -> CentralCookie { cookie(endpoint, secrets[0]) }

    func isGood(_ cookie: CentralCookie, for endpoint: Endpoint) -> Bool {
        guard cookie != .none else { return false }
        return secrets.contains { self.cookie(endpoint, $0) == cookie }
    }

    private func cookie(_ endpoint: Endpoint, _ secret: SecretBytes) -> CentralCookie {
        var bytes: [UInt8] = []
        EndpointBytes.put(endpoint, into: &bytes)
        bytes.appendLittle(endpoint.scope)
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        let hash = secret.withBytes { Keyed.hash(key: $0, bytes, none) }
        return CentralCookie(high: hash.words.0, low: hash.words.1)
    }
}
