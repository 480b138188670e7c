package import AdminProtocol

/// Round-trip time, loss and throughput of each link over the last hour: a sample every ten seconds, in rings whose size is fixed
/// beforehand, so that neither time nor strangers make it grow (some 1.5 MB at most).
package struct History: Sendable {
    /// Samples of each peer.
    package static let samples = 360
    package static let peers = 256
    /// Between two samples, in seconds.
    package static let interval = 10.0

    /// What is not known is no number (NaN).
    package struct Sample: Sendable {
        package var rttMs = Float.nan
        package var lossPercent = Float.nan
        /// Bytes a second.
        package var received = Float.nan
        package var sent = Float.nan

        package init() {}
    }

    private struct Track {
        var samples = [Sample](repeating: Sample(), count: History.samples)
        var traffic: Traffic?
        /// The number of the sample in which the peer was last there.
        var seen: UInt64
    }

    private var tracks: [String: Track] = [:]
    private var number: UInt64 = 0
    private var last: Double?

    package init() {}

    /// Takes the links as they are now.
    /// - Parameter seconds: now, of a clock that only goes forward.
    package mutating func take(_ peers: [PeerStatus], at seconds: Double) {
        let passed = last.map { seconds - $0 }
        last = seconds
        number += 1
        let place = Int(number % UInt64(Self.samples))
        for id in tracks.keys { tracks[id]?.samples[place] = Sample() }
        // Who is configured comes first where there is no room for all.
        for peer in peers.filter(\.configured) + peers.filter({ !$0.configured && $0.state == .up }) {
            guard makeRoom(for: peer.id) else { continue }
            var track = tracks[peer.id] ?? Track(seen: number)
            // A peer that is listed twice counts once.
            if track.seen == number, track.traffic != nil { continue }
            track.seen = number
            track.samples[place] = Self.sample(of: peer, since: track.traffic, passed)
            track.traffic = peer.traffic
            tracks[peer.id] = track
        }
        tracks = tracks.filter { number - $0.value.seen < UInt64(Self.samples) }
    }

    /// Oldest first; empty for a peer of whom nothing is known.
    package func samples(of id: String) -> [Sample] {
        guard let track = tracks[id] else { return [] }
        let next = Int((number + 1) % UInt64(Self.samples))
        return Array(track.samples[next...] + track.samples[..<next])
    }

    package var count: Int { tracks.count }

    private mutating func makeRoom(for id: String) -> Bool {
        if tracks[id] != nil || tracks.count < Self.peers { return true }
        guard let oldest = tracks.min(by: { $0.value.seen < $1.value.seen }), oldest.value.seen < number else {
            return false
        }
        tracks[oldest.key] = nil
        return true
    }

    private static func sample(of peer: PeerStatus, since before: Traffic?, _ passed: Double?) -> Sample {
        var sample = Sample()
        guard peer.state == .up else { return sample }
        if let rtt = peer.rttMs { sample.rttMs = Float(rtt) }
        if let loss = peer.lossPercent { sample.lossPercent = Float(loss) }
        guard let before, let passed, passed > 0 else { return sample }
        // A new session counts from nothing: what it has is what has come since.
        func rate(_ old: UInt64, _ new: UInt64) -> Float { Float(Double(new >= old ? new - old : new) / passed) }
        sample.received = rate(before.rxBytes, peer.traffic.rxBytes)
        sample.sent = rate(before.txBytes, peer.traffic.txBytes)
        return sample
    }
}
