internal import INET256
package import Wire

/// Every number that bounds what a box holds or how long it holds it. The defaults are for a real box; the
/// simulator and tests make some of them smaller.
package struct MeshLimits: Sendable {
    // Keys (ARCHITECTURE.md, wire format).

    /// Age at which the side that began the session begins the next one.
    package var rekeyAfter: Interval = .seconds(120)
    /// Age at which keys are neither sent nor received on.
    package var rejectAfter: Interval = .seconds(180)

    /// How much one key of each cipher seals. Not for the configuration: tests come to the end of a key by less.
    var chaCha = CipherLimits.chaCha
    var aesGCM = CipherLimits.aesGCM

    func of(_ cipher: Cipher) -> CipherLimits {
        switch cipher {
        case .chaCha20Poly1305: chaCha
        case .aes256GCM: aesGCM
        }
    }

    // Handshakes.

    /// When an unanswered handshake message is sent again, each with up to a quarter of jitter; the last repeats.
    package var retransmitSchedule: [Interval] = [
        .milliseconds(250), .milliseconds(500), .seconds(1), .seconds(2), .seconds(5),
    ]
    /// A configured peer with an endpoint is asked at least this often, with up to a quarter of jitter, so that its return
    /// is noticed within 2 s.
    package var peerRetryCeiling: Interval = .milliseconds(1600)
    /// Age at which an unanswered handshake is given up.
    package var handshakeTimeout: Interval = .seconds(90)
    /// How long an answered message 1 waits for its message 3.
    package var responseLifetime: Interval = .seconds(15)
    /// Answered handshakes that wait for message 3; the oldest goes first.
    package var maximumResponses = 1024
    /// Handshake messages with Diffie-Hellman operations handled in one turn of the loop.
    package var handshakesPerTurn = 16
    /// Handshake messages a second above which whoever calls must show a cookie first.
    package var handshakesPerSecondBeforeCookies = 200
    /// Calls of one source (an IPv4 address, an IPv6 /64) at once, and how often after that, before it must show one.
    package var callsOfSource = (burst: 32, every: Interval.milliseconds(50))
    /// The same for a source that has shown one: more are dropped, but for those of configured peers.
    package var provenCallsOfSource = (burst: 64, every: Interval.milliseconds(25))
    /// Hints about unknown indices for one source.
    package var hintsForSource = (burst: 10, every: Interval.milliseconds(100))

    // Liveness.

    /// A link without traffic is asked for a sign of life this often.
    package var linkProbeInterval: Interval = .seconds(5)
    /// Data went out on a direct path for this long without proof that any arrives: ask for a sign of life.
    package var linkSuspicion: Interval = .milliseconds(400)
    /// How soon an unanswered sign of life is asked for again.
    package var linkProbeRetry: Interval = .milliseconds(200)
    /// Unanswered in a row before a path is dead; more where many are lost.
    package var linkProbesLost = 4
    /// And for how long, at least, nothing may have come by it since the first of them.
    package var linkSilence: Interval = .milliseconds(800)
    /// Things come by it, but no answers: how long that may last. Answers wait in queues, but not for ever.
    package var linkPatience: Interval = .seconds(5)
    /// How soon after another one a changed run of the other daemon is believed.
    package var runChangeSpacing: Interval = .seconds(3)
    /// A session answers received data with a keepalive after this long without anything to send.
    package var keepaliveAfter: Interval = .seconds(10)
    /// Data was sent and nothing came back for this long: a new handshake.
    package var silenceBeforeHandshake: Interval = .seconds(15)
    /// A session without traffic, link or peer is forgotten after this long.
    package var sessionIdle: Interval = .seconds(300)

    // Memory.

    /// Sessions in all; strangers' least recently used one makes room.
    package var maximumSessions = 8192
    /// Local nodes in all.
    package var maximumLocalNodes = 256
    /// Links in all, strangers' included.
    package var maximumLinks = 1024
    /// Links of strangers at one source.
    package var linksOfSource = 64
    /// Frames and bytes that wait for one session's keys or route.
    package var pendingFrames = 64
    package var pendingBytes = 160 * 1024
    /// Bytes that wait in all.
    package var pendingBytesInAll = 8 << 20
    /// How long a frame waits before it is given back as undeliverable.
    package var pendingLifetime: Interval = .seconds(3)
    /// Frames being put together from fragments, in all (66 KB each) and per session.
    package var reassemblies = 128
    package var reassembliesPerSession = 16
    /// How long a frame may lack pieces.
    package var reassemblyLifetime: Interval = .seconds(3)
    /// Strangers whose links were refused, remembered for `status`.
    package var refusalsRemembered = 32

    /// Bytes that one burst may put out before it is flushed.
    package var outboxBytes = 4 << 20
    /// Datagrams that one burst may put out before it is flushed.
    package var outboxDatagrams = 4096

    package init() {}
}

/// The limits of one key (ARCHITECTURE.md, wire format): how many datagrams it may seal, and how many forgeries it may see.
struct CipherLimits: Sendable {
    let rekeyAfterMessages: UInt64
    let rejectAfterMessages: UInt64
    /// Failed openings after which a key is given up.
    var failedOpenings: UInt64 = 1 << 36

    static let chaCha = CipherLimits(rekeyAfterMessages: 1 << 60, rejectAfterMessages: UInt64.max - (1 << 13))
    static let aesGCM = CipherLimits(rekeyAfterMessages: 1 << 27, rejectAfterMessages: 1 << 28)
}
