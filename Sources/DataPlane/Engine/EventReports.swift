internal import Logging
internal import Wire

/// Writes what happens to peers into the log, within limits: strangers can make links come and go and be refused as often as
/// they like, and must not fill a disk or hide other lines by it. What was left out is counted and told once in a while.
/// What configured peers do has limits of its own, so that strangers cannot hide it.
struct EventReports {
    enum Kind: Int, CaseIterable {
        case linkUp
        case linkDown
        case straight
        case moved
        case refused
        case otherPrefix
        case troubled
        case sameKey
        case tableFull

        var text: String {
            switch self {
            case .linkUp: "link up"
            case .linkDown: "link down"
            case .straight: "straight path"
            case .moved: "peer moved"
            case .refused: "refused"
            case .troubled: "no link"
            case .otherPrefix: "a neighbour has another portal.prefix: IPv6 between its nodes and ours does not work"
            case .sameKey:
                "the same key is used on two machines: only one of them is reached; give one a key of its own (keygen)"
            case .tableFull:
                "the routing table has no room for some nodes, which are not reached: raise network.beaconnet.max_nodes"
            }
        }

        var level: Logger.Level {
            switch self {
            case .linkUp, .linkDown, .moved: .notice
            case .straight: .info
            case .refused, .otherPrefix, .troubled, .sameKey, .tableFull: .warning
            }
        }
    }

    private struct Limit {
        var bucket: TokenBucket
        var left = 0
        /// When what was left out is told.
        var dueAt = Instant.distantFuture
    }

    private let logger: Logger
    /// By kind, for strangers and then for configured peers.
    private var limits: [Limit]
    /// When there is something to tell.
    private(set) var deadline = Instant.distantFuture

    /// How long what is left out is counted before it is told.
    static let period: Interval = .seconds(10)
    /// Lines of strangers at once, and after that one each period.
    static let burst = 20
    /// Of configured peers: at once, and after that one a second.
    static let peersBurst = 200

    init(_ logger: Logger) {
        self.logger = logger
        let strangers = Limit(bucket: TokenBucket(burst: Self.burst, every: Self.period))
        let peers = Limit(bucket: TokenBucket(burst: Self.peersBurst, every: .seconds(1)))
        limits = Kind.allCases.map { _ in strangers } + Kind.allCases.map { _ in peers }
    }

    mutating func write(_ kind: Kind, _ metadata: @autoclosure () -> Logger.Metadata, isPeer: Bool, now: Instant) {
        let place = kind.rawValue + (isPeer ? Kind.allCases.count : 0)
        guard limits[place].left == 0, limits[place].bucket.take(now: now) else {
            limits[place].left += 1
            if limits[place].dueAt == .distantFuture { limits[place].dueAt = now + Self.period }
            deadline = min(deadline, limits[place].dueAt)
            return
        }
        logger.log(level: kind.level, "\(kind.text)", metadata: metadata())
    }

    /// Tells what was left out, when it is time.
    mutating func settle(now: Instant) {
        guard now >= deadline else { return }
        deadline = .distantFuture
        for place in limits.indices {
            if now >= limits[place].dueAt {
                let kind = Kind.allCases[place % Kind.allCases.count]
                logger.log(
                    level: kind.level, "more of these were not written",
                    metadata: ["event": "\(kind.text)", "count": "\(limits[place].left)"])
                limits[place].left = 0
                limits[place].dueAt = .distantFuture
            }
            deadline = min(deadline, limits[place].dueAt)
        }
    }
}
