import INET256
import Mesh
import Wire

/// A routing algorithm of the tests' own, to show that there is room for one: the whole way stands in the flow's header, as the number of
/// each box's link to the next. Who sends writes it, each box on the way counts it on, and one whose link is gone writes a way of its own.
///
/// Everybody tells everybody whom it has links with, unsigned and again and again: this is no algorithm for a mesh with enemies.
struct SourceRoute: RoutingAlgorithm {
    static let name = "sourceroute"
    static let summary = "the whole way in each packet's header"
    static let options = [frozenAfter, headers]
    static let promises = RoutingPromises(reach: 28, isLoopFree: false, knowsWhoIsGone: true)
    /// Without one, each box goes by what it knows itself.
    static let headers = RoutingOption("headers", .flag(standard: true), help: "")
    /// After so many milliseconds since its start a box neither tells nor takes in news: what it knows of others grows old.
    static let frozenAfter = RoutingOption(
        "frozen_after", .number(0...1_000_000, standard: 0), help: "milliseconds, {range}")

    /// What a box says of itself.
    private struct Word {
        var sequence: UInt64
        var nodes: [Address]
        var links: [(to: Address, port: UInt8)]
    }

    private let start: Instant
    private let frozenAfter: Interval?
    private var now: Instant
    private var main: Address?
    private var own: Word
    private var words: [Address: Word] = [:]
    /// Its nodes when it last said something.
    private var told: [Address] = []
    private var neighbours: [NeighbourID: PublicKey] = [:]
    private var output: [ControlFrame] = []
    private var refreshAt: Instant
    /// The box that a node is of.
    private var homes: [Address: Address] = [:]
    private(set) var version: UInt64 = 0
    private var rewritten = Counter()

    /// Counted where questions change nothing.
    private final class Counter: @unchecked Sendable { var count: Int64 = 0 }

    init(_ start: RoutingStart) {
        self.start = start.now
        now = start.now
        flowHeaderBytes = start.options.flag(Self.headers) ? Self.headerBytes : 0
        let span = start.options.number(Self.frozenAfter)
        frozenAfter = span == 0 ? nil : .milliseconds(Int64(span))
        own = Word(sequence: start.sequence, nodes: [], links: [])
        refreshAt = start.now
    }

    // MARK: What happens

    mutating func addLocal(_ key: PrivateKey, now: Instant) {
        if main == nil { main = key.address }
        own.nodes.append(key.address)
        changed(now)
    }

    mutating func removeLocal(_ address: Address, now: Instant) {
        own.nodes.removeAll { $0 == address }
        changed(now)
    }

    mutating func neighbourUp(_ id: NeighbourID, key: PublicKey, now: Instant) {
        neighbours[id] = key
        changed(now)
        for (box, word) in words.sorted(by: { $0.key < $1.key }) { tell(word, of: box, to: id) }
    }

    mutating func neighbourDown(_ id: NeighbourID, now: Instant) {
        neighbours[id] = nil
        changed(now)
    }

    mutating func distinguish(_ id: NeighbourID, isPeer: Bool) {}
    mutating func weigh(_ id: NeighbourID, cost: UInt8, now: Instant) {}
    mutating func wanted(_ destination: Address, now: Instant) {}

    private var isFrozen: Bool { frozenAfter.map { now - start >= $0 } ?? false }

    private mutating func changed(_ instant: Instant) {
        now = max(now, instant)
        let before = own.links
        own.links = neighbours.filter { $0.key.rawValue < 256 }.sorted { $0.key < $1.key }.prefix(25)
            .map { ($0.value.address, UInt8($0.key.rawValue)) }
        own.sequence += 1
        if told != own.nodes || !Self.same(before, own.links) { version += 1 }
        told = own.nodes
        for node in own.nodes { homes[node] = main }
        guard let main else { return }
        words[main] = own
        if !isFrozen { tellAll(own, of: main, besides: nil) }
    }

    private static func same(_ a: [(to: Address, port: UInt8)], _ b: [(to: Address, port: UInt8)]) -> Bool {
        a.map(\.to) == b.map(\.to) && a.map(\.port) == b.map(\.port)
    }

    mutating func tick(now instant: Instant) {
        now = max(now, instant)
        guard now >= refreshAt else { return }
        refreshAt = now + .seconds(1)
        if !isFrozen { changed(now) }
    }

    var deadline: Instant { refreshAt }

    // MARK: Words on the wire: box (32), sequence (8), nodes (1), links (1), then addresses and ports

    private mutating func tellAll(_ word: Word, of box: Address, besides: NeighbourID?) {
        for id in neighbours.keys.sorted() where id != besides { tell(word, of: box, to: id) }
    }

    private mutating func tell(_ word: Word, of box: Address, to id: NeighbourID) {
        var bytes = box.raw.bytes
        bytes.appendBig(word.sequence)
        let nodes = word.nodes.prefix(4)
        bytes += [UInt8(nodes.count), UInt8(word.links.count)]
        for node in nodes { bytes += node.raw.bytes }
        for link in word.links { bytes += link.to.raw.bytes + [link.port] }
        output.append(ControlFrame(to: id, bytes: bytes))
    }

    mutating func receive(
        _ frame: UnsafeRawBufferPointer, from id: NeighbourID, now instant: Instant
    ) throws(RoutingError) {
        now = max(now, instant)
        guard neighbours[id] != nil else { throw .unknownNeighbour }
        guard !isFrozen else { return }
        guard frame.count >= 42, let sequence = frame.big(UInt64.self, at: 32) else { throw .truncated }
        let (nodes, links) = (Int(frame[40]), Int(frame[41]))
        guard frame.count == 42 + nodes * 32 + links * 33 else { throw .malformed }
        func address(_ place: Int) -> Address { Address(raw: Bytes32(Array(frame[place..<place + 32])) ?? .zero) }
        let box = address(0)
        if box == main {
            // What it said before it began anew.
            if sequence > own.sequence {
                own.sequence = sequence
                changed(now)
            }
            return
        }
        let known = words[box]
        guard sequence > known?.sequence ?? 0 else {
            // Who began anew with a clock that is behind hears what it said before.
            if let known, sequence < known.sequence { tell(known, of: box, to: id) }
            return
        }
        let word = Word(
            sequence: sequence, nodes: (0..<nodes).map { address(42 + $0 * 32) },
            links: (0..<links).map { (address(42 + nodes * 32 + $0 * 33), frame[42 + nodes * 32 + $0 * 33 + 32]) })
        words[box] = word
        for node in word.nodes { homes[node] = box }
        if known?.nodes != word.nodes || !Self.same(known?.links ?? [], word.links) { version += 1 }
        tellAll(word, of: box, besides: id)
    }

    mutating func takeOutput() -> [ControlFrame] {
        defer { output = [] }
        return output
    }

    // MARK: Ways

    /// Shortest ways to a box by different links of this one, the shortest first: the ports that they go by.
    private func ways(to destination: Address) -> [(hop: NeighbourID, ports: [UInt8])] {
        guard let main, let target = homes[destination], target != main else { return [] }
        return own.links.compactMap { link -> (NeighbourID, [UInt8])? in
            guard let rest = ports(from: link.to, to: target, avoiding: main) else { return nil }
            return (NeighbourID(rawValue: UInt32(link.port)), [link.port] + rest)
        }
        .sorted { ($0.1.count, $0.0) < ($1.1.count, $1.0) }
    }

    private func ports(from start: Address, to target: Address, avoiding: Address) -> [UInt8]? {
        var found: [Address: [UInt8]] = [start: []]
        var frontier = [start]
        var next = 0
        while next < frontier.count {
            let at = frontier[next]
            next += 1
            if at == target { return found[at].flatMap { $0.count <= 27 ? $0 : nil } }
            for link in words[at]?.links ?? [] where link.to != avoiding && found[link.to] == nil {
                found[link.to] = (found[at] ?? []) + [link.port]
                frontier.append(link.to)
            }
        }
        return nil
    }

    func nextHop(to destination: Address) -> NeighbourID? { ways(to: destination).first?.hop }

    func find(prefix: Address, bits: Int) -> Address? {
        homes.keys.sorted().first {
            $0.hasPrefix(prefix, bits: bits) && (own.nodes.contains($0) || nextHop(to: $0) != nil)
        }
    }

    func publicKey(of address: Address) -> PublicKey? { neighbours.values.first { $0.address == address } }

    // MARK: The header: ports gone by (1), ports in all (1), the ports

    let flowHeaderBytes: Int
    private static let headerBytes = 30

    func nextHops(to destination: Address, flow: UnsafeRawBufferPointer) -> NextHops {
        var hops = NextHops()
        if flow.count == Self.headerBytes, flow[0] < flow[1], flow[1] <= 28 {
            hops.append(NeighbourID(rawValue: UInt32(flow[2 + Int(flow[0])])))
        }
        for way in ways(to: destination) where way.hop != hops.first { hops.append(way.hop) }
        return hops
    }

    func writeFlow(
        _ flow: UnsafeMutableRawBufferPointer, to destination: Address, by hop: NeighbourID, begins: Bool
    ) {
        guard flow.count == Self.headerBytes else { return }
        if !begins, flow[0] < flow[1], flow[1] <= 28, UInt32(flow[2 + Int(flow[0])]) == hop.rawValue {
            flow[0] += 1
            return
        }
        rewritten.count += begins ? 0 : 1
        // Who has no way of its own says none; the next box may know one.
        let ports = ways(to: destination).first { $0.hop == hop }?.ports ?? []
        flow[0] = 1
        flow[1] = UInt8(ports.count)
        for (place, port) in ports.enumerated() { flow[2 + place] = port }
    }

    var statistics: NetworkStatistics {
        NetworkStatistics([
            (NetworkStatistics.neighbours, Int64(neighbours.count)), ("boxes_heard_of", Int64(words.count)),
            ("ways_rewritten", rewritten.count),
        ])
    }

    var contested: [Address: Instant] { [:] }
}
