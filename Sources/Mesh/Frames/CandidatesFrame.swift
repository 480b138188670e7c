internal import Wire

/// Candidates: kind (1), flags (1), and up to eight times kind (1), port (2), address in network order (16).
enum CandidatesLayout {
    static let flags = 1
    static let header = 2
    static let candidate = 19
    /// The sender wants to be told the receiver's.
    static let wantsAnswer: UInt8 = 1
    /// The sender's router gives each destination another port.
    static let hasHardNAT: UInt8 = 2
    /// The sender wants no straight path with the receiver.
    static let isUnwanted: UInt8 = 4
    /// The sender would spray with the receiver.
    static let wantsSpray: UInt8 = 8
    /// The sender has opened ports for the receiver to try.
    static let isSpraying: UInt8 = 16
}

/// Observed: kind (1), port (2), address in network order (16): where the receiver's datagrams come from.
enum ObservedLayout {
    static let count = 19
}

/// Where the sender may be reached. Goes inside the session alone, since it tells where a box is.
struct CandidatesFrame: Equatable {
    var wantsAnswer = false
    var hasHardNAT = false
    var isUnwanted = false
    var wantsSpray = false
    var isSpraying = false
    /// At most `ReachLimits.candidates`.
    var candidates: [Candidate] = []

    init(_ candidates: [Candidate], wantsAnswer: Bool, hasHardNAT: Bool) {
        self.candidates = Array(candidates.prefix(ReachLimits.candidates))
        self.wantsAnswer = wantsAnswer
        self.hasHardNAT = hasHardNAT
    }

    private init() {}

    static var unwanted: CandidatesFrame {
        var frame = CandidatesFrame()
        frame.isUnwanted = true
        return frame
    }

    /// `body`: all behind the kind. Kinds of candidates that nobody knows are passed over, and so are endpoints that are none.
    init?(_ body: UnsafeRawBufferPointer) {
        let header = CandidatesLayout.header - 1
        guard body.count >= header, (body.count - header) % CandidatesLayout.candidate == 0 else { return nil }
        let count = (body.count - header) / CandidatesLayout.candidate
        guard count <= ReachLimits.candidates else { return nil }
        let flags = body[0]
        wantsAnswer = flags & CandidatesLayout.wantsAnswer != 0
        hasHardNAT = flags & CandidatesLayout.hasHardNAT != 0
        isUnwanted = flags & CandidatesLayout.isUnwanted != 0
        wantsSpray = flags & CandidatesLayout.wantsSpray != 0
        isSpraying = flags & CandidatesLayout.isSpraying != 0
        for place in 0..<count {
            let start = header + place * CandidatesLayout.candidate
            guard let kind = Candidate.Kind(rawValue: body[start]), let endpoint = Endpoint(body, at: start + 1),
                endpoint.isCallable, !candidates.contains(where: { $0.endpoint == endpoint })
            else { continue }
            candidates.append(Candidate(endpoint, kind))
        }
    }

    var count: Int { CandidatesLayout.header + candidates.count * CandidatesLayout.candidate }

    func write(to frame: UnsafeMutableRawPointer) {
        var flags: UInt8 = wantsAnswer ? CandidatesLayout.wantsAnswer : 0
        if hasHardNAT { flags |= CandidatesLayout.hasHardNAT }
        if isUnwanted { flags |= CandidatesLayout.isUnwanted }
        if wantsSpray { flags |= CandidatesLayout.wantsSpray }
        if isSpraying { flags |= CandidatesLayout.isSpraying }
        frame.putLittle(flags, CandidatesLayout.flags)
        for (place, candidate) in candidates.enumerated() {
            let start = CandidatesLayout.header + place * CandidatesLayout.candidate
            frame.putLittle(candidate.kind.rawValue, start)
            candidate.endpoint.write(to: frame, at: start + 1)
        }
    }
}

extension Endpoint {
    /// Port (2), address in network order (16); nil where there are not so many bytes.
    init?(_ bytes: UnsafeRawBufferPointer, at start: Int) {
        guard let port = bytes.little(UInt16.self, at: start), let high = bytes.big(UInt64.self, at: start + 2),
            let low = bytes.big(UInt64.self, at: start + 10)
        else { return nil }
        self.init(address: IPv6Address(high: high, low: low), port: port)
    }

    func write(to target: UnsafeMutableRawPointer, at start: Int) {
        target.putLittle(port, start)
        target.putLittle(address.high.byteSwapped, start + 2)
        target.putLittle(address.low.byteSwapped, start + 10)
    }

    /// Whether somebody else's word is enough to send a datagram there.
    var isCallable: Bool { port != 0 && address.isWorthAProbe }
}
