internal import INET256
internal import Wire

/// All sessions of a box: by whom they join, in a fixed order, and by the index that they send to.
struct SessionTable {
    /// What a session has of it.
    struct Entry {
        /// Where it stands in the list.
        fileprivate(set) var place = 0
        /// The box has forgotten it: nothing is due for it any more.
        fileprivate(set) var isOver = false
        /// Whether the box looks now and then whether it lost something.
        fileprivate(set) var isWatchedForLoss = false
        /// The index under which hints find it.
        fileprivate var remoteIndex: UInt32?
    }

    private struct Key: Hashable {
        let node: Int
        let remote: Address
    }

    private var byEnds: [Key: Session] = [:]
    /// The same sessions in a fixed order: dictionaries iterate differently in every run, and a simulation must not.
    private(set) var all: [Session] = []
    /// The session used last: bursts go to the same destination.
    private var recent: Session?
    private var nextNumber: UInt32 = 1
    /// Sessions by the index that they send to, for hints. Others may have chosen the same one; bounded for each.
    private var byRemoteIndex: [UInt32: [Session]] = [:]
    /// What indices stand for.
    var indices = IndexTable()
    /// Bytes that wait for keys or routes, of all sessions.
    private(set) var pendingBytes = 0
    /// Sessions that something came in for lately: whether something did not is looked for.
    private(set) var watchedForLoss: [Session] = []

    /// Sessions that may send to the same index, which the other ends choose.
    private static let sessionsForIndex = 16

    var count: Int { byEnds.count }
    var isEmpty: Bool { byEnds.isEmpty }

    @inline(__always)
    mutating func find(_ local: BoxNode, _ remote: Address) -> Session? {
        if let recent, recent.local === local, recent.remote == remote { return recent }
        let found = byEnds[Key(node: local.id.rawValue, remote: remote)]
        if let found { recent = found }
        return found
    }

    /// Makes a session that there is not yet.
    mutating func make(_ local: BoxNode, _ remote: Address, _ now: Instant) -> Session {
        let session = Session(number: nextNumber, local: local, remote: remote, now: now)
        nextNumber &+= 1
        byEnds[Key(node: local.id.rawValue, remote: remote)] = session
        session.entry.place = all.count
        all.append(session)
        return session
    }

    /// Forgets a session. False where it was forgotten before.
    mutating func remove(_ session: Session) -> Bool {
        if recent === session { recent = nil }
        let key = Key(node: session.local.id.rawValue, remote: session.remote)
        guard byEnds.removeValue(forKey: key) != nil else { return false }
        session.entry.isOver = true
        // The last one takes its place.
        let last = all.removeLast()
        if last !== session {
            last.entry.place = session.entry.place
            all[session.entry.place] = last
        }
        return true
    }

    /// The least recently used session that is neither a peer's nor a link; first of those that nothing was ever sent to, so that
    /// a flood of strangers displaces nobody whom this box talks with.
    var leastUsedStranger: Session? {
        func rank(_ session: Session) -> (Int, Instant) {
            (session.traffic.everSentData ? 1 : 0, session.traffic.lastHeard)
        }
        var victim: Session?
        for session in all where session.peer == nil && session.link.neighbour == nil {
            if victim.map({ rank(session) < rank($0) }) ?? true { victim = session }
        }
        return victim
    }

    // MARK: Remote indices

    /// Those that send to an index.
    func sending(to index: UInt32) -> [Session] { byRemoteIndex[index] ?? [] }

    /// To be called when `session.current` has changed.
    mutating func noteRemoteIndex(_ session: Session) {
        let index = session.current?.remoteIndex
        guard index != session.entry.remoteIndex else { return }
        if let old = session.entry.remoteIndex {
            byRemoteIndex[old]?.removeAll { $0 === session }
            if byRemoteIndex[old]?.isEmpty == true { byRemoteIndex[old] = nil }
        }
        session.entry.remoteIndex = nil
        guard let index, sending(to: index).count < Self.sessionsForIndex else { return }
        byRemoteIndex[index, default: []].append(session)
        session.entry.remoteIndex = index
    }

    // MARK: What waits

    /// Has a frame, given as its kind and body, wait for keys and a route. False where there is no room.
    mutating func park(
        _ kind: FrameKind, _ body: UnsafeRawBufferPointer, _ session: Session, _ limits: MeshLimits, _ now: Instant
    ) -> Bool {
        guard session.pending.hasRoom(for: body.count + 1, limits), pendingBytes + body.count < limits.pendingBytesInAll
        else { return false }
        let before = session.pending.bytes
        session.pending.append(kind: kind, body, now)
        pendingBytes += session.pending.bytes - before
        return true
    }

    /// The frame that has waited longest.
    mutating func unpark(_ session: Session) -> [UInt8]? {
        guard let entry = session.pending.popFirst() else { return nil }
        pendingBytes -= entry.frame.count
        return entry.frame
    }

    // MARK: Loss

    /// Something came in for a session: it is looked for what did not.
    @inline(__always)
    mutating func watchForLoss(_ session: Session) {
        guard !session.entry.isWatchedForLoss else { return }
        session.entry.isWatchedForLoss = true
        watchedForLoss.append(session)
    }

    /// Looks for it, now and then.
    mutating func lookForLoss(_ now: Instant) {
        watchedForLoss.removeAll { session in
            session.entry.isWatchedForLoss = session.keys.lookForLoss(now)
            return !session.entry.isWatchedForLoss
        }
    }
}
