internal import Dispatch
internal import INET256
internal import Mesh
internal import Portal
internal import Synchronization
internal import System
internal import Transport
internal import Wire

/// What joins a side engine to the first one: a mailbox to it, a ring and a wake-up back, and its latest counters.
final class SideLink: Sendable {
    /// 1 and up; the first engine is 0.
    let number: Int
    let mailbox: Mailbox<SideCommand>
    /// What this engine leaves to the first.
    let ring = HandoverRing(bytes: 1 << 21)
    /// The first engine is through with what it was left.
    let proceed: Wakeup
    /// Wakes the first engine; all side engines share it.
    let handed: Wakeup
    private let latest = Mutex(SideReport())
    private let ended = DispatchSemaphore(value: 0)

    init(number: Int, handed: Wakeup) throws {
        self.number = number
        self.handed = handed
        mailbox = try Mailbox()
        proceed = try Wakeup()
    }

    var report: SideReport { latest.withLock { $0 } }

    /// Why it ended; nil while it runs.
    var ending: String? { latest.withLock { $0.hasEnded ? $0.failure ?? "it was told to" : nil } }

    /// Lets the engine publish where it stands, without copies of what did not change.
    func update(_ body: (inout SideReport) -> Void) { latest.withLock { body(&$0) } }

    func end(_ failure: (any Error)?) {
        latest.withLock {
            $0.failure = failure.map { "\($0)" }
            $0.hasEnded = true
        }
        handed.signal()
        ended.signal()
    }

    /// False when it did not end in time.
    func waitForEnd() -> Bool { ended.wait(timeout: .now() + .seconds(5)) == .success }
}

/// What the first engine tells a side engine.
enum SideCommand: Sendable {
    case changes([ShareChange])
    /// It has not kept up: this is all that there is.
    case everything([ShareChange])
    case setAccess(PortalGate)
    case stop
}

/// What lies in the ring.
enum Handed: UInt8 {
    /// What the device gave, header included.
    case packet
    /// A datagram as it came.
    case sealed
    /// A datagram that was opened in place, its counter older than others before it, or the newest.
    case opened, openedNewest
    /// The kernel refused a datagram: a `SendRefusal` as it lies in memory.
    case refusal
    /// A port says that a way came, or went; no bytes.
    case pathOpened, pathClosed
}

/// What a side engine has done.
struct SideReport: Sendable {
    var sockets: [UDPCounters] = []
    var droppedBySocket: [UInt64] = []
    var device = TunCounters()
    var queue = PortalQueueCounters()
    var portalDrops = Portal.DropCounters()
    var meshDrops = Mesh.DropCounters()
    var prohibited: UInt64 = 0
    /// What was relayed for others.
    var relayedFrames: UInt64 = 0
    var relayedBytes: UInt64 = 0
    var congested: UInt64 = 0
    /// What was left to the first engine, and what found no room on the way there.
    var handedOver: UInt64 = 0
    var refused: UInt64 = 0
    var failure: String?
    var hasEnded = false
}

/// A side engine came to an end that nobody asked for.
struct SideEngineFailure: Error, CustomStringConvertible {
    let number: Int
    let reason: String
    var description: String { "engine \(number) has stopped: \(reason)" }
}
