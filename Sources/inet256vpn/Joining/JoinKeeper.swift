internal import AdminProtocol
internal import DataPlane
internal import Foundation
internal import INET256
internal import Joining
internal import Logging
internal import Settings
internal import System
internal import Wire

/// Both sides of invitations in the daemon: keeps the book and answers the invited, and calls an inviter for `inet256vpn join`.
///
/// Whoever is let in is first noted in the book, on the disk, then written into the configuration, and answered when that is in force. So
/// whatever is interrupted, asking again ends it: nobody is let in twice by one use, and nobody is half a peer.
actor JoinKeeper {
    /// What daemons say to each other (`Mesh`, frame 19) is about this for these purposes.
    enum Purpose {
        static let request: UInt8 = 1
        static let answer: UInt8 = 2
    }

    private let own: Address
    private let store: InvitationStore
    private let engine: Mailbox<EngineCommand>
    private let directory: PeerDirectory
    /// The configuration's file, which new peers are written into.
    private let file: String
    private let logger: Logger
    private var book: InvitationBook?
    /// Who was left to another to be written down, and when.
    private var left: [Address: Instant] = [:]
    private var waiting: [Address: Call] = [:]
    /// Refusals are said so often, and counted always.
    private var words = TokenBucket(burst: 10, every: .seconds(30))

    /// A join of this box that waits for an answer.
    private struct Call {
        let invitation: InvitationID
        var answers: AsyncStream<JoinAnswer>.Continuation
    }

    private static let again: Duration = .milliseconds(500)
    /// For an answer, and where somebody else has to write it down.
    private static let patience: Interval = .seconds(20)
    private static let longPatience: Interval = .seconds(60)

    init(
        own: Address, file: String, engine: Mailbox<EngineCommand>, directory: PeerDirectory, logger: Logger
    ) {
        self.own = own
        self.file = file
        self.engine = engine
        self.directory = directory
        self.logger = logger
        store = InvitationStore(of: own, configuration: file)
    }

    private static var clock: Int64 { Int64(Date().timeIntervalSince1970) }

    private func loaded() throws -> InvitationBook {
        if let book { return book }
        let read = try store.load()
        book = read
        return read
    }

    private func keep(_ next: InvitationBook) throws {
        try store.save(next)
        book = next
    }

    // MARK: The inviter's commands

    func invite(_ request: InviteRequest, _ configuration: Configuration, places: [String]) throws -> InviteAnswer {
        var next = try loaded()
        let now = Self.clock
        let secret = InvitationSecret(random: SystemRandom())
        let expires = now.addingReportingOverflow(request.expires)
        let invitation = Invitation(
            secret, name: request.name, groups: request.groups, created: now,
            expires: expires.overflow ? .max : expires.partialValue, uses: request.uses,
            introduces: request.introduce)
        do throws(InvitationBook.Refusal) { try next.add(invitation, now: now) } catch {
            throw CommandFailure(.failure, "\(error)")
        }
        try keep(next)
        var line = InvitationLine(address: own, secret: secret)
        line.endpoints = places
        line.servers = configuration.discovery.central.map(\.endpoint)
        let usual = Configuration(directory: FilePath.directory(of: file))
        if configuration.portal.prefix != usual.portal.prefix { line.prefix = "\(configuration.portal.prefix)" }
        if configuration.network != usual.network { line.network = configuration.network.rawValue }
        var warnings: [String] = []
        if places.isEmpty, line.servers.isEmpty {
            warnings.append(
                "this box does not know where it may be reached: whoever is invited must be a part of the mesh already, or be told "
                    + "(`inet256vpn netcheck` says what would help, `advertise:` says it for good)")
        }
        logger.notice(
            "an invitation was made",
            metadata: ["id": "\(secret.key.publicKey.invitation)", "name": "\(request.name ?? "")"])
        return InviteAnswer(
            id: "\(secret.key.publicKey.invitation)", invitation: line.text, expires: invitation.expires,
            endpoints: places, warnings: warnings)
    }

    func list() throws -> InvitationList {
        let book = try loaded()
        let now = Self.clock
        return InvitationList(
            invitations: book.invitations.map { invitation in
                InvitationEntry(
                    id: invitation.id.map { "\($0)" } ?? "", state: invitation.state(now: now).rawValue,
                    name: invitation.name, groups: invitation.groups, created: invitation.created,
                    expires: invitation.expires, uses: invitation.uses, joined: invitation.joined.map(\.description),
                    introduce: invitation.introduces)
            }, wrongGuesses: book.wrong)
    }

    func revoke(_ id: InvitationID) throws -> Bool {
        var next = try loaded()
        guard next.revoke(id, now: Self.clock) else { return false }
        try keep(next)
        logger.notice("an invitation was taken back", metadata: ["id": "\(id)"])
        return true
    }

    // MARK: From other boxes

    /// The daemon of another box says something.
    func heard(_ from: Address, _ purpose: UInt8, _ body: [UInt8], _ configuration: Configuration) async {
        switch purpose {
        case Purpose.request:
            guard let request = body.withUnsafeBytes({ JoinRequest($0) }) else { return }
            await answer(request, from, configuration)
        case Purpose.answer:
            guard let answer = body.withUnsafeBytes({ JoinAnswer($0) }), let call = waiting[from],
                call.invitation == answer.invitation
            else { return }
            call.answers.yield(answer)
        default: break
        }
    }

    private func answer(_ request: JoinRequest, _ from: Address, _ configuration: Configuration) async {
        var answer = JoinAnswer(.failed, of: request.invitation)
        do {
            var next = try loaded()
            let judgement = next.judge(request, from: from, to: own, now: Self.clock)
            switch judgement {
            case .refuse(let verdict):
                answer.verdict = verdict
                // Only a number has changed, which is not worth a write for each guess.
                book = next
                if words.take(now: BootClock.now()) {
                    logger.warning(
                        "somebody who wants to join is refused",
                        metadata: [
                            "node": "\(from)", "invitation": "\(request.invitation)", "reason": "\(verdict.words)",
                        ])
                }
            case .admit(let invitation):
                try keep(next)
                answer = await admit(from, invitation, answer, configuration)
            case .again(let invitation):
                let isPeer = configuration.peers.contains { $0.id == from }
                if isPeer {
                    answer = welcome(from, invitation, answer, configuration)
                } else if invitation.settled.contains(from) {
                    // Somebody has taken it out again, and means it.
                    answer.verdict = .revoked
                } else {
                    answer = await admit(from, invitation, answer, configuration)
                }
            }
        } catch {
            logger.error("an invitation cannot be honoured", metadata: ["node": "\(from)", "reason": "\(error)"])
        }
        send(answer, to: from)
    }

    /// Into the configuration, by this process or by another one.
    private func admit(
        _ from: Address, _ invitation: Invitation, _ answer: JoinAnswer, _ configuration: Configuration
    ) async -> JoinAnswer {
        var answer = answer
        let joined = InvitationStore.Joined(
            address: from.description, name: invitation.name, groups: invitation.groups)
        do {
            try await JoinedPeer(joined, configuration).write(into: file)
            logger.notice(
                "somebody has joined by an invitation",
                metadata: ["node": "\(from)", "name": "\(invitation.name ?? "")", "invitation": "\(answer.invitation)"])
            return welcome(from, invitation, answer, configuration)
        } catch let error as FileError where [EACCES, EPERM, EROFS].contains(error.code) {
            answer.verdict = .pending
            leave(joined, from, error)
        } catch {
            answer.verdict = .failed
            logger.error(
                "who was invited cannot be written into the configuration",
                metadata: ["node": "\(from)", "reason": "\(error)"])
        }
        return answer
    }

    /// To whoever may write the configuration; said once in a while.
    private func leave(_ joined: InvitationStore.Joined, _ from: Address, _ error: FileError) {
        let now = BootClock.now()
        if let before = left[from], now - before < .seconds(10) { return }
        left[from] = now
        do {
            try store.leave(joined)
            logger.notice(
                """
                who has joined is written into the configuration by `inet256vpn invite apply`, which the unit inet256vpn-joined \
                starts: elsewhere run it as root
                """,
                metadata: ["node": "\(from)", "file": "\(file)"])
        } catch {
            logger.error("who has joined could not be written down", metadata: ["reason": "\(error)"])
        }
    }

    private func welcome(
        _ from: Address, _ invitation: Invitation, _ answer: JoinAnswer, _ configuration: Configuration
    ) -> JoinAnswer {
        var answer = answer
        answer.verdict = .welcome
        answer.name = invitation.name ?? ""
        left[from] = nil
        if invitation.introduces {
            answer.introductions = configuration.peers.filter { $0.id != from }.map {
                JoinAnswer.Introduction(
                    $0.id, name: $0.name ?? "", endpoints: $0.endpoints.map(\.description))
            }
        }
        if !invitation.settled.contains(from), var next = try? loaded() {
            next.settle(from, by: answer.invitation)
            // Where that fails it is done again.
            try? keep(next)
        }
        return answer
    }

    private func send(_ answer: JoinAnswer, to address: Address) {
        try? engine.post(.service(Purpose.answer, answer.bytes, to: address))
    }

    // MARK: The invited

    /// Calls the inviter until it answers, twenty seconds at most, or a minute while it is writing.
    func join(_ order: JoinOrder) async throws -> JoinOutcome {
        guard let address = Address(order.address), address != own,
            let bytes = Data(base64Encoded: order.request).map({ [UInt8]($0) }),
            let request = bytes.withUnsafeBytes({ JoinRequest($0) })
        else { throw CommandFailure(.usage, "the order to join is not in order") }
        guard waiting[address] == nil else {
            throw CommandFailure(.failure, "a join by an invitation of \(address) is under way")
        }
        let endpoints = order.endpoints.compactMap { PeerEndpoint($0) }
        let (answers, continuation) = AsyncStream.makeStream(
            of: JoinAnswer.self, bufferingPolicy: .bufferingNewest(4))
        waiting[address] = Call(invitation: request.invitation, answers: continuation)
        await directory.call(PeerConfiguration(id: address, endpoints: endpoints))
        defer { waiting[address] = nil }
        let asking = Task { [engine] in
            var pause = Self.again
            while !Task.isCancelled {
                try? engine.post(.service(Purpose.request, bytes, to: address))
                try await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(2))
            }
        }
        let ending = Task {
            try await Task.sleep(for: .nanoseconds(Self.longPatience.nanoseconds))
            continuation.finish()
        }
        let silence = Task {
            try await Task.sleep(for: .nanoseconds(Self.patience.nanoseconds))
            continuation.finish()
        }
        defer {
            asking.cancel()
            ending.cancel()
            silence.cancel()
        }
        for await answer in answers {
            silence.cancel()
            guard answer.verdict != .pending else { continue }
            let isWelcome = answer.verdict == .welcome
            // From here the configuration says so, or nobody.
            await directory.endCall(address, lasts: isWelcome)
            return JoinOutcome(answer)
        }
        await directory.endCall(address, lasts: false)
        return JoinOutcome(
            verdict: "silent",
            text: "no answer from \(address)"
                + (order.endpoints.isEmpty ? "" : " at \(order.endpoints.joined(separator: ", "))")
                + ": is its daemon running, and does a firewall or router let UDP through? Try the same line again")
    }
}

extension JoinOutcome {
    init(_ answer: JoinAnswer) {
        self.init(
            verdict: answer.verdict.name, text: answer.verdict.words, name: answer.name.isEmpty ? nil : answer.name,
            introductions: answer.introductions.map {
                Introduction(address: $0.address.description, name: $0.name, endpoints: $0.endpoints)
            })
    }
}

extension JoinAnswer.Verdict {
    /// For programs.
    var name: String {
        switch self {
        case .welcome: "welcome"
        case .used: "used"
        case .expired: "expired"
        case .unknown: "unknown"
        case .revoked: "revoked"
        case .wrongProof: "wrong_proof"
        case .pending: "pending"
        case .failed: "failed"
        }
    }
}

extension PublicKey {
    fileprivate var invitation: InvitationID { InvitationID(self) }
}
