internal import AdminProtocol
internal import DataPlane
internal import Foundation
internal import INET256
internal import KeyChange
internal import Logging
internal import Mesh
internal import Settings
internal import System
internal import Wire

/// Both sides of a change of key in the daemon: tells others that this box has another, until they have its new address, and heeds what
/// peers say of theirs.
///
/// A statement is signed by both keys and comes by a session of one of them. Whoever holds a peer's key is that peer, so it says no more
/// than the peer itself could have had written down; `key_changes` decides what is made of it.
actor KeyKeeper {
    /// What daemons say to each other (`Mesh`, frame 19) is about this for these purposes.
    enum Purpose {
        static let statement: UInt8 = 3
        static let reply: UInt8 = 4
    }

    private let own: Set<Address>
    private let file: String
    private let engine: Mailbox<EngineCommand>
    private let logger: Logger
    private let store: KeyNewsStore
    /// Where who is to be written down is left for somebody who may.
    private let requests: InvitationStore
    /// Nil where the box has had one key for long.
    private var telling: KeyTelling?
    /// What peers have said, by their former addresses.
    private var statements: [Address: KeyStatement] = [:]
    private var writing: Set<Address> = []
    private var left: [Address: Instant] = [:]
    private var words = TokenBucket(burst: 10, every: .seconds(30))
    private var writes = TokenBucket(burst: 20, every: .seconds(60))

    init(_ setup: DaemonSetup, engine: Mailbox<EngineCommand>, logger: Logger) {
        own = setup.ownAddresses
        file = setup.file
        self.engine = engine
        self.logger = logger
        store = KeyNewsStore(of: setup.key.address, configuration: setup.file)
        requests = InvitationStore(of: setup.key.address, configuration: setup.file)
        guard let former = setup.formerKey, let until = setup.configuration.formerKey?.until else { return }
        let statement = KeyStatement(former: former, new: setup.key, made: Self.clock, until: until)
        telling = KeyTelling(statement, replaced: store.load(since: former.address))
    }

    private static var clock: Int64 { Int64(Date().timeIntervalSince1970) }

    // MARK: This box's own

    /// Whether the box answers under a former address.
    var isChanging: Bool { telling != nil }

    /// Tells those who can be reached and do not have the new address yet.
    func tell(_ box: BoxStatus) {
        guard var telling else { return }
        let known = box.links.filter { $0.configured || $0.state == .up }.map(\.address)
        let callers = box.sessions.filter { $0.local == box.formerAddress && $0.established }.map(\.remote)
        var seen: Set<Address> = []
        let reachable = (known + callers).filter { seen.insert($0).inserted }
        let due = telling.due(reachable, now: BootClock.now())
        self.telling = telling
        for address in due { try? engine.post(.service(Purpose.statement, telling.statement.bytes, to: address)) }
    }

    /// It answers there no longer.
    func endFormer() {
        guard telling != nil else { return }
        telling = nil
        store.remove()
        try? engine.post(.forgetFormer)
        logger.notice("the former key's time is over: this box answers under its own address alone")
    }

    private func heard(_ reply: KeyStatementReply, _ from: Address, _ configuration: Configuration) {
        guard telling?.heard(reply, from: from) == true, let telling else { return }
        let name = configuration.peers.first { $0.id == from }?.label ?? "\(from)"
        logger.info("told of the new key", metadata: ["peer": "\(name)", "answer": "\(reply.verdict.word)"])
        // Who has it in no configuration lets anybody in, and may as well know the new one.
        guard reply.verdict == .replaced || reply.verdict == .unknown else { return }
        try? engine.post(.setKnown(from))
        guard reply.verdict == .replaced else { return }
        do { try store.save(telling.replaced, since: telling.statement.former) } catch {
            logger.warning("who has the new address is not kept over a restart", metadata: ["reason": "\(error)"])
        }
    }

    // MARK: Others

    /// The daemon of another box says something.
    func heard(_ from: Address, _ purpose: UInt8, _ body: [UInt8], _ configuration: Configuration) async {
        switch purpose {
        case Purpose.statement:
            guard let statement = body.withUnsafeBytes({ KeyStatement($0) }),
                from == statement.former || from == statement.new
            else { return }
            let verdict = await judge(statement, configuration)
            let reply = KeyStatementReply(verdict, of: statement.new)
            try? engine.post(.service(Purpose.reply, reply.bytes, to: from))
        case Purpose.reply:
            if let reply = body.withUnsafeBytes({ KeyStatementReply($0) }) { heard(reply, from, configuration) }
        default: break
        }
    }

    private func judge(_ statement: KeyStatement, _ configuration: Configuration) async -> KeyStatementReply.Verdict {
        let peers = configuration.peers
        statements = statements.filter { former, statement in
            peers.contains { $0.id == former || $0.id == statement.new }
        }
        let before = statements[statement.former]
        if peers.contains(where: { $0.id == statement.former || $0.id == statement.new }) {
            // Before the configuration has it: whoever is asked then who was who must know. One for each key.
            statements = statements.filter { $0.value.new != statement.new }
            statements[statement.former] = statement
        }
        if peers.contains(where: { $0.id == statement.new }) { return .replaced }
        guard let peer = peers.first(where: { $0.id == statement.former }), !own.contains(statement.new) else {
            return .unknown
        }
        let metadata: Logger.Metadata = [
            "peer": "\(peer.label)", "former": "\(statement.former)", "new": "\(statement.new)",
        ]
        switch configuration.keyChanges {
        case .refuse:
            say("a peer has a new key, which is not taken (key_changes: refuse)", metadata)
            return .refused
        case .ask:
            if before?.new != statement.new {
                say("a peer has a new key: sudo inet256vpn peer accept \(peer.label)", metadata)
            }
            return .waits
        case .accept: return await write(statement, peer, metadata)
        }
    }

    /// The new address in the place of the old one; by this process or by another one.
    private func write(
        _ statement: KeyStatement, _ peer: PeerConfiguration, _ metadata: Logger.Metadata
    ) async -> KeyStatementReply.Verdict {
        // Each takes a reload, and nobody changes keys all the time.
        guard !writing.contains(statement.former), writes.take(now: BootClock.now()) else {
            say("a peer has a new key, and many have been taken lately: it is taken later", metadata)
            return .waits
        }
        writing.insert(statement.former)
        defer { writing.remove(statement.former) }
        do {
            try await RenewedPeer(former: statement.former, new: statement.new).write(into: file)
            logger.notice("a peer has a new key: its address was replaced", metadata: metadata)
            return .replaced
        } catch let error as FileError where [EACCES, EPERM, EROFS].contains(error.code) {
            leave(statement, metadata)
            return .waits
        } catch {
            logger.error(
                "a peer has a new key, which cannot be written down",
                metadata: metadata.merging(["reason": "\(error)"]) { $1 })
            return .failed
        }
    }

    private func leave(_ statement: KeyStatement, _ metadata: Logger.Metadata) {
        let now = BootClock.now()
        if let before = left[statement.new], now - before < .seconds(10) { return }
        if left.count >= 256 { left.removeAll() }
        left[statement.new] = now
        do {
            try requests.leave(
                InvitationStore.Joined(
                    address: statement.new.description, groups: [], former: statement.former.description))
            logger.notice("a peer has a new key: it is written down by `inet256vpn invite apply`", metadata: metadata)
        } catch {
            logger.error("a peer's new key could not be left to be written down", metadata: ["reason": "\(error)"])
        }
    }

    private func say(_ text: Logger.Message, _ metadata: Logger.Metadata) {
        if words.take(now: BootClock.now()) { logger.warning(text, metadata: metadata) }
    }

    /// Peers' former addresses, as long as they answer there by what they say: what they have open from there is theirs.
    func formerAddresses(_ configuration: Configuration) -> [Address: Address] {
        let now = Self.clock
        var found: [Address: Address] = [:]
        for (former, statement) in statements
        where min(statement.until, statement.made &+ Self.longest) > now
            && configuration.peers.contains(where: { $0.id == statement.new })
        {
            found[former] = statement.new
        }
        return found
    }

    /// In seconds: what a statement says of its time is believed so far.
    private static let longest: Int64 = 90 * 86_400

    // MARK: For `status`

    func former(_ configuration: Configuration, _ map: IPv6Map?) -> FormerKeyStatus? {
        guard let telling else { return nil }
        let others = telling.answers.keys.filter { address in !configuration.peers.contains { $0.id == address } }
        let told = configuration.peers.map { ($0.id, $0.name) } + others.sorted().map { ($0, nil) }
        let former = telling.statement.former
        return FormerKeyStatus(
            address: "\(former)", ip6Addr: map.map { "\($0.address(of: former))" }, until: telling.statement.until,
            told: told.map { id, name in
                FormerKeyStatus.Told(id: "\(id)", name: name, state: telling.answers[id]?.word ?? "no_answer")
            })
    }

    func offers(_ configuration: Configuration, _ map: IPv6Map?) -> [NewKeyStatus] {
        guard configuration.keyChanges == .ask else { return [] }
        return configuration.peers.compactMap { peer in
            guard let statement = statements[peer.id],
                !configuration.peers.contains(where: { $0.id == statement.new })
            else { return nil }
            return NewKeyStatus(
                name: peer.name, former: "\(peer.id)", new: "\(statement.new)",
                newIP6Addr: map.map { "\($0.address(of: statement.new))" }, until: statement.until)
        }
    }
}

/// A peer that has another key, on its way into the configuration.
struct RenewedPeer {
    let former: Address
    let new: Address

    /// Writes the file and has the daemon take it over; all of it or nothing.
    func write(into file: String) async throws {
        var daemon = DaemonAccess()
        daemon.config = FileArgument(argument: file)
        _ = try await ConfigurationEdit(path: file, daemon: daemon).apply([.replacePeer(former, with: new)])
    }
}

extension KeyStatementReply.Verdict {
    /// For programs.
    var word: String {
        switch self {
        case .replaced: "replaced"
        case .waits: "waiting"
        case .refused: "refused"
        case .unknown: "not_a_peer"
        case .failed: "failed"
        }
    }
}
