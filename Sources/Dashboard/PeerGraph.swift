internal import AdminProtocol
internal import Glibc

/// The box, its links and what lies behind them, drawn: this box in the middle, its neighbours around it, and farther out those that it
/// has relayed sessions with. The kind of a line is told by its dashes, not by its colour alone; all of it stands in the tables too.
struct PeerGraph {
    private let parts: Parts

    /// Neighbours, and nodes behind them, that are drawn: more would not be told apart.
    private static let most = 24
    private static let (width, height) = (720.0, 400.0)

    init(_ parts: Parts) { self.parts = parts }

    private struct Spot {
        var x: Double
        var y: Double
        var angle: Double
    }

    var svg: Node {
        let status = parts.model.status
        // A peer without a link that is reached by a relay stands behind that.
        let candidates = parts.sortedPeers.filter {
            ($0.configured || $0.state == .up) && ($0.state == .up || $0.path?.kind != .relayed)
        }
        let peers = candidates.prefix(Self.most)
        let neighbours = Set(candidates.map(\.id))
        var seen: Set<String> = []
        let behind = status.sessions.filter {
            $0.via == .relayed && $0.local == status.mainAddr && !neighbours.contains($0.remote)
                && seen.insert($0.remote).inserted
        }
        var spots: [String: Spot] = [:]
        var nodes: [Node] = []
        let centre = Spot(x: Self.width / 2, y: Self.height / 2, angle: 0)
        for (place, peer) in peers.enumerated() {
            spots[peer.id] = spot(at: Double(place) / Double(peers.count), radius: 0.52)
        }
        // Those behind one relay stand beside each other, farther out in its direction.
        let drawn = behind.prefix(Self.most).sorted {
            (spots[$0.nextHop ?? ""]?.angle ?? 0, $0.remote) < (spots[$1.nextHop ?? ""]?.angle ?? 0, $1.remote)
        }
        let groups = Dictionary(grouping: drawn) { $0.nextHop ?? "" }
        var outer: [(session: SessionStatus, spot: Spot, relay: Spot)] = []
        for (relay, sessions) in groups.sorted(by: { $0.key < $1.key }) {
            let relaySpot = spots[relay] ?? centre
            for (place, session) in sessions.enumerated() {
                let offset = (Double(place) - Double(sessions.count - 1) / 2) * 0.24
                outer.append((session, spot(angle: relaySpot.angle + offset, radius: 0.9), relaySpot))
            }
        }
        for peer in peers {
            guard let spot = spots[peer.id] else { continue }
            // A peer whose link loses too much is gone around.
            let kind = peer.state == .up ? (peer.path?.kind == .relayed ? "relayed" : "up") : peer.state.rawValue
            nodes.append(line(centre, spot, "link " + kind))
        }
        for item in outer { nodes.append(line(item.relay, item.spot, "link relayed")) }
        for peer in peers {
            guard let spot = spots[peer.id] else { continue }
            let numbers = [peer.rttMs.map(Words.milliseconds), peer.lossPercent.map { Words.percent($0) + " loss" }]
                .compactMap(\.self).joined(separator: ", ")
            nodes += knot(
                spot, parts.name(peer.id), peer.state == .up ? numbers : peer.state.rawValue,
                "knot " + peer.state.rawValue)
        }
        for item in outer { nodes += knot(item.spot, parts.name(item.session.remote), "relayed", "knot behind") }
        nodes += knot(centre, "this box", "", "knot self")
        // No more room than it takes, for the words below the lowest as well.
        let heights = [centre.y] + peers.compactMap { spots[$0.id]?.y } + outer.map(\.spot.y)
        let top = max(0, (heights.min() ?? 0) - 40)
        let bottom = (heights.max() ?? Self.height) + 64
        let hidden = candidates.count - peers.count + max(0, behind.count - Self.most)
        let up = peers.count { $0.state == .up }
        var text =
            "This box with \(Words.count(peers.count, "neighbour")), \(up) of them up, and \(Words.count(drawn.count, "node")) behind them."
        if hidden > 0 {
            text += " \(hidden) more are not drawn."
            nodes.append(
                label(Spot(x: Self.width / 2, y: bottom - 6, angle: 0), "\(hidden) more are not drawn", "small"))
        }
        return .element(
            "svg",
            [
                .init("class", "graph"),
                .init("viewBox", "0 \(Words.fixed(top, 0)) 720 \(Words.fixed(bottom - top, 0))"), .init("role", "img"),
                .init("aria-label", text + " The tables of peers and sessions have the same in words."),
            ], nodes)
    }

    private func spot(at share: Double, radius: Double) -> Spot {
        spot(angle: share * 2 * .pi - .pi, radius: radius)
    }

    private func spot(angle: Double, radius: Double) -> Spot {
        Spot(
            x: Self.width / 2 + cos(angle) * radius * (Self.width / 2 - 50),
            y: Self.height / 2 + sin(angle) * radius * (Self.height / 2 - 24), angle: angle)
    }

    private func line(_ from: Spot, _ to: Spot, _ kind: String) -> Node {
        .element(
            "line",
            [
                .init("class", kind), .init("x1", Words.fixed(from.x, 1)), .init("y1", Words.fixed(from.y, 1)),
                .init("x2", Words.fixed(to.x, 1)), .init("y2", Words.fixed(to.y, 1)),
            ], [])
    }

    private func knot(_ spot: Spot, _ name: String, _ numbers: String, _ kind: String) -> [Node] {
        let circle = Node.element(
            "circle",
            [
                .init("class", kind), .init("cx", Words.fixed(spot.x, 1)), .init("cy", Words.fixed(spot.y, 1)),
                .init("r", "9"),
            ], [])
        var below = spot
        below.y += 24
        var nodes = [circle, label(below, ForeignText.shown(name, longest: 18), "name")]
        if !numbers.isEmpty {
            below.y += 14
            nodes.append(label(below, numbers, "small"))
        }
        return nodes
    }

    private func label(_ spot: Spot, _ text: String, _ kind: String) -> Node {
        .element(
            "text",
            [
                .init("class", kind), .init("x", Words.fixed(spot.x, 1)), .init("y", Words.fixed(spot.y, 1)),
                .init("text-anchor", "middle"),
            ], text)
    }
}
