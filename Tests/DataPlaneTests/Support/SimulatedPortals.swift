import INET256
import Mesh
import MeshSim
import Portal
import Wire

@testable import DataPlane

/// Portals over memory for the boxes of a simulation. Looks at every packet that comes out of one: whether it is what somebody sent, to the
/// letter and once, with a source that belongs to who truly sent it, and a destination that belongs to who gets it.
final class SimulatedPortals: Company {
    /// Networks behind the boxes, by their place.
    let networks: [Int: [IPv6Prefix]]
    /// A box that puts into the mesh whatever it likes.
    let lawless: Int?
    private let simulation: Simulation
    private var places: [Int: PortalPlace] = [:]
    private var sent: [Sent] = []
    /// The first thing that does not hold.
    private(set) var fault: String?
    /// Packets that came where they belong, by their number.
    private(set) var arrived: Set<Int> = []

    /// Something that was put into a device, or that a box whose software follows no rules put into the mesh.
    private struct Sent {
        let by: Int
        let bytes: [UInt8]
    }

    /// What a packet of ours begins with, behind its header.
    private static let mark: [UInt8] = Array("a packet of the simulation: ".utf8)
    /// Of a packet's payload, in bytes.
    static let leastPayload = mark.count + 4

    init(_ simulation: Simulation, networks: [Int: [IPv6Prefix]], lawless: Int? = nil) {
        self.lawless = lawless
        self.simulation = simulation
        self.networks = networks
        simulation.accompany(by: self)
    }

    // MARK: Addresses

    /// A host: the box itself, or the first one in a network behind it.
    enum Host: Equatable, CaseIterable { case own, behind, deep }

    /// Its address; the box's own where no network is behind it.
    func address(_ place: Int, _ host: Host = .own) -> IPv6Address {
        let own = PortalWorld.map.address(of: simulation.address(place))
        guard let list = networks[place], let first = list.first, let last = list.last else { return own }
        switch host {
        case .own: return own
        case .behind: return IPv6Address(high: first.address.high, low: first.address.low | 5)
        case .deep: return IPv6Address(high: last.address.high, low: last.address.low | 0xffff_0000_0000)
        }
    }

    /// The box that an address belongs to.
    private func owner(of address: IPv6Address) -> Int? {
        for (place, list) in networks where list.contains(where: { $0.contains(address) }) { return place }
        return (0..<simulation.count).first { self.address($0) == address }
    }

    // MARK: What is sent

    /// A packet with a number, so that it is known where it comes out.
    private func make(_ source: IPv6Address, _ destination: IPv6Address, by place: Int, bytes: Int) -> [UInt8] {
        var payload = Self.mark
        payload.appendBig(UInt32(sent.count))
        payload += (0..<max(0, bytes - payload.count)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ sent.count) }
        let packet = TestPacket.make(source, destination, payload: payload)
        sent.append(Sent(by: place, bytes: packet))
        return packet
    }

    /// The machine at a place sends a packet through its portal; its number.
    @discardableResult
    func send(_ source: IPv6Address, to destination: IPv6Address, from place: Int, bytes: Int = 64) -> Int {
        let packet = make(source, destination, by: place, bytes: bytes)
        guard let portal = places[place] else { return sent.count - 1 }
        portal.device.send([packet])
        simulation.touch(place) { _ in keep(place) { try portal.sendQueued(simulation.now) } }
        return sent.count - 1
    }

    /// A box puts a packet into the mesh as a message, whatever its own portal would say to it.
    func force(_ source: IPv6Address, to destination: IPv6Address, from place: Int, into target: Int, bytes: Int = 64) {
        let packet = make(source, destination, by: place, bytes: bytes)
        simulation.send(packet, from: place, to: simulation.address(target))
    }

    /// For the test of what looks at packets: one appears in a device, however it came there.
    func intrude(_ source: IPv6Address, to destination: IPv6Address, by place: Int, at target: Int) {
        let packet = make(source, destination, by: place, bytes: 64)
        look(at: packet, target)
    }

    // MARK: What happens to boxes

    func started(_ place: Int, _ box: MeshBox, now: Instant) {
        keep(place) {
            places[place] = try PortalPlace(place, box) { setup in
                let remote = networks.keys.filter { $0 != place }.sorted().flatMap { owner in
                    (networks[owner] ?? []).map { ($0, address(owner)) }
                }
                if let table = try? PortalNetworks(local: networks[place] ?? [], remote: remote) {
                    setup.networks = table
                } else {
                    find("the networks are none")
                }
                for owner in networks.keys where owner != place {
                    setup.owners[address(owner)] = simulation.address(owner)
                }
            }
        }
    }

    func ended(_ place: Int) { places[place] = nil }

    func take(_ delivery: Delivery, at place: Int, now: Instant) -> Bool {
        guard let portal = places[place] else { return false }
        keep(place) {
            try portal.take(delivery)
            // The datagram's memory goes.
            try portal.bridge.endBurst()
        }
        return true
    }

    func turnEnds(_ place: Int, now: Instant) {
        guard let portal = places[place] else { return }
        keep(place) { try portal.lookAfter(now) }
        for packet in portal.device.takeWritten() { look(at: packet, place) }
    }

    func deadline(_ place: Int) -> Instant { places[place]?.desk.deadline ?? .distantFuture }

    /// What any portal has dropped so far, of those that there are.
    func dropped(_ reason: Portal.DropReason) -> UInt64 {
        places.values.reduce(0) { $0 + $1.bridge.drops[reason] }
    }

    // MARK: What must hold

    private func keep(_ place: Int, _ body: () throws -> Void) {
        do { try body() } catch { find("the portal of \(place) fails: \(error)") }
    }

    private func find(_ what: String) { if fault == nil { fault = what } }

    private func look(at packet: [UInt8], _ place: Int) {
        packet.withUnsafeBytes { bytes in
            guard let header = try? IPv6Header(bytes) else { return find("what comes out at \(place) is no packet") }
            let (source, destination) = (header.source, header.destination)
            guard let number = Self.number(packet) else {
                // The portal answers its own machine; and a lawless one for what it had put into the mesh itself.
                let isError = packet[6] == IPProtocol.icmpv6 && packet.count > 40 && (1...2).contains(packet[40])
                let isHome = owner(of: destination) == place || place == lawless
                if !isError || !isHome || source != address(place) { find("\(place) gets what nobody sent") }
                return
            }
            guard owner(of: destination) == place else { return find("\(place) gets what is for \(destination)") }
            guard sent.indices.contains(number), sent[number].bytes == packet else {
                return find("packet \(number) came altered to \(place)")
            }
            let by = sent[number].by
            if owner(of: source) != by { find("packet \(number) of \(by) came to \(place) as one of \(source)") }
            if by == place { find("packet \(number) came back to \(by)") }
            if !arrived.insert(number).inserted { find("packet \(number) came twice to \(place)") }
        }
    }

    private static func number(_ packet: [UInt8]) -> Int? {
        let payload = packet.dropFirst(IPv6Header.size)
        guard packet[6] == IPProtocol.noNextHeader, payload.starts(with: mark), payload.count >= leastPayload else {
            return nil
        }
        return payload.dropFirst(mark.count).prefix(4).reduce(0) { $0 << 8 | Int($1) }
    }
}
