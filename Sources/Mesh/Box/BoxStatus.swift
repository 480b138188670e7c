package import INET256
package import Wire

/// What a box looks like at one moment: plain values for `status`, metrics and tests.
package struct BoxStatus: Sendable {
    package struct Link: Sendable {
        package enum State: Sendable, Equatable { case up, handshaking, down, refused }
        /// Why a link is not up, as a word for programs.
        package enum Cause: String, Sendable, CaseIterable {
            /// Nobody ever answered.
            case noAnswer = "no-answer"
            /// It was up, and nothing comes any more.
            case lost
            /// It said goodbye.
            case stopped
            /// The kernel has no way to any endpoint.
            case noRoute = "no-route"
            /// A filter of this machine refuses what goes there.
            case denied
            /// The kernel does not send, for another reason.
            case notSent = "not-sent"
            /// Who is there is somebody else.
            case otherKey = "other-key"
            case invalidKey = "invalid-key"
            case noCommonCipher = "no-common-cipher"
            /// The other end has this box not among its peers.
            case notAccepted = "not-accepted"
            /// This box has no room for one more.
            case linksFull = "links-full"
            /// Another machine has this box's key, and the link there.
            case sameKey = "same-key"
            /// It has no endpoint and has to call.
            case waiting
        }
        package var address: Address
        /// As whom this box has it.
        package var local: Address
        package var configured: Bool
        package var state: State
        /// Why it is not up; nil while it is up.
        package var trouble: LinkTrouble?
        package var cause: Cause? { trouble?.cause }
        package var endpoint: Endpoint?
        package var roundTrip: Interval?
        /// Of a thousand questions by the path, how many get no answer: lost there or on the way back. A moving average.
        package var missedPermille: Int?
        /// What the link counts as in routing, in good links.
        package var cost: UInt8 = 1
        /// Data goes by relays, since the link loses too much.
        package var isAvoided = false
        /// Its key is used on two machines.
        package var isTwin = false
        /// Where its portal has all nodes, if that is another prefix than this box's.
        package var otherPrefix: IPv6Prefix?
    }

    package struct SessionStatus: Sendable {
        package var local: Address
        package var remote: Address
        /// The endpoint of a direct path, or nil when it rides in relay frames.
        package var endpoint: Endpoint?
        /// The neighbour that relays it.
        package var nextHop: Address?
        package var established: Bool
        package var handshakeAge: Interval?
        package var cipher: Cipher?
        /// The library that this end takes it from.
        package var backend: CipherBackend?
        /// The largest message in one datagram, in bytes.
        package var messageCapacity: Int?
        package var receivedBytes: UInt64
        package var receivedDatagrams: UInt64
        package var sentBytes: UInt64
        package var sentDatagrams: UInt64
        /// Datagrams of the remote node that did not come in though later ones did, in this session's life.
        package var lostDatagrams: UInt64
        package var reach: ReachStatus
        /// Of a direct path.
        package var roundTrip: Interval?
        /// Of a thousand questions by a direct path, how many get no answer.
        package var missedPermille: Int?
    }

    /// A stranger whose link was not accepted.
    package struct Stranger: Sendable {
        package var address: Address
        package var endpoint: Endpoint
        package var attempts: UInt64
        /// Since the last attempt.
        package var age: Interval
    }

    package var mainAddress: Address
    /// The address that the box had before, while it still answers as that.
    package var formerAddress: Address?
    package var nodes: [Address]
    package var links: [Link]
    package var sessions: [SessionStatus]
    package var strangers: [Stranger]
    /// Addresses whose key is on two machines, this box's own among them perhaps, and how long ago there was a sign of it.
    package var twins: [(address: Address, age: Interval)]
    package var networkName: String
    package var network: NetworkStatistics
    package var drops: DropCounters
    /// Handshakes that ended with keys.
    package var handshakes: UInt64
    /// Deadlines that did not move when they were served; see `MeshBox.stuckDeadlines`.
    package var stuckDeadlines: UInt64
    package var relayedFrames: UInt64
    package var relayedBytes: UInt64
    /// Bytes held in queues and reassembly buffers.
    package var queuedBytes: Int
    package var reach: OwnReach
    /// The ciphers that this box offers, its favourite first, and the library that each is taken from.
    package var suites: [SuiteChoice]
}

extension MeshBox {
    /// The state of everything, for people and metrics. Allocates: not for the data path.
    package func status(now: Instant) -> BoxStatus {
        let all = allSessions.sorted { $0.number < $1.number }
        return BoxStatus(
            mainAddress: mainAddress, formerAddress: formerAddress, nodes: nodes.all.map(\.address),
            links: all.filter { $0.local.isBox && ($0.peer != nil || $0.link.neighbour != nil) }.map(linkStatus),
            sessions: all.map { sessionStatus($0, now) },
            strangers: links.strangers.map {
                BoxStatus.Stranger(address: $0.address, endpoint: $0.endpoint, attempts: $0.count, age: now - $0.last)
            },
            twins: twins.lately(now),
            networkName: context.networkName, network: routes.network.statistics, drops: drops,
            handshakes: counts.handshakes,
            stuckDeadlines: stuckDeadlines,
            relayedFrames: counts.relayedFrames,
            relayedBytes: counts.relayedBytes, queuedBytes: sessions.pendingBytes + reassembler.bytes,
            reach: ownReach(now), suites: suites.preference)
    }

    private func linkStatus(_ session: Session) -> BoxStatus.Link {
        let trouble = trouble(of: session)
        let state: BoxStatus.Link.State
        if session.link.neighbour != nil {
            state = .up
        } else if trouble?.cause.isRefusal == true, trouble?.cause != .notAccepted {
            state = .refused
        } else if session.keys.direct != nil {
            state = .handshaking
        } else {
            state = .down
        }
        return BoxStatus.Link(
            address: session.remote, local: session.local.address, configured: session.peer != nil, state: state,
            trouble: trouble,
            endpoint: session.usesDirectPath ? session.direct?.path.remote : session.peer?.endpoints.first,
            roundTrip: session.link.neighbour == nil ? nil : session.direct?.life.roundTrip,
            missedPermille: session.link.neighbour == nil ? nil : session.direct?.life.lossPermille,
            cost: session.path.cost.cost, isAvoided: session.isAvoided,
            isTwin: session.twins.seen != nil && twins.contains(session.remote),
            otherPrefix: context.prefix == nil || session.link.remotePrefix == context.prefix
                ? nil : session.link.remotePrefix)
    }

    private func sessionStatus(_ session: Session, _ now: Instant) -> BoxStatus.SessionStatus {
        BoxStatus.SessionStatus(
            local: session.local.address, remote: session.remote,
            endpoint: session.usesDirectPath && !session.isAvoided ? session.direct?.path.remote : nil,
            nextHop: session.usesDirectPath && !session.isAvoided ? nil : relayLink(to: session.remote)?.remote,
            established: session.current != nil, handshakeAge: session.current.map { now - $0.created },
            cipher: session.current?.suite.cipher, backend: session.current?.suite.backend,
            messageCapacity: frameCapacity(session).map { $0 - 1 },
            receivedBytes: session.traffic.receivedBytes, receivedDatagrams: session.traffic.receivedDatagrams,
            sentBytes: session.traffic.sentBytes, sentDatagrams: session.traffic.sentDatagrams,
            lostDatagrams: session.keys.lost, reach: reachStatus(session, now),
            roundTrip: session.usesDirectPath ? session.direct?.life.roundTrip : nil,
            missedPermille: session.usesDirectPath ? session.direct?.life.lossPermille : nil)
    }
}
