import INET256
import MeshSim
import Wire

@testable import Mesh

/// A neighbour that says what the test wants it to say.
struct Speaker {
    let id: NeighbourID
    let key: PrivateKey
    var epoch: UInt64 = 1
    private(set) var serial: UInt64 = 0

    init(_ id: UInt32, _ random: SeededRandom) {
        self.id = NeighbourID(rawValue: id)
        key = PrivateKey(generatedFrom: random)
    }

    /// Begins a new run of the link: frames are numbered from 1 again.
    mutating func startOver() {
        epoch += 1
        serial = 0
    }

    enum Item {
        case beacon(Beacon, metric: UInt8, age: UInt16 = 0)
        case retraction(Address)
        case request(Address, UInt64, hops: UInt8 = 64)
    }

    mutating func updates(_ items: [Item]) -> [UInt8] {
        serial += 1
        var frame = BeaconFrame.header(.updates, epoch: epoch)
        frame.appendBig(serial)
        for item in items {
            switch item {
            case .beacon(let beacon, let metric, let age):
                BeaconItem.appendBeacon(beacon, metric: metric, age: age, to: &frame)
            case .retraction(let address):
                BeaconItem.appendRetraction(address, to: &frame)
            case .request(let address, let sequence, let hops):
                BeaconItem.appendRequest(address, BeaconRequest(sequence: sequence, hops: hops), to: &frame)
            }
        }
        return frame
    }

    /// Acknowledges what it was told.
    func acknowledge(_ frames: [ControlFrame], to listener: inout BeaconNet, now: Instant) {
        let ours = frames.to(id).filter { !$0.items.isEmpty }
        guard !ours.isEmpty, let theirs = listener.neighbours[id]?.epoch else { return }
        let serials = ours.map { $0.bytes[10..<18].reduce(0 as UInt64) { $0 << 8 | UInt64($1) } }
        _ = listener.fault(
            BeaconFrame.acknowledgement(epoch: epoch, of: theirs, serials: serials[...]), from: id, now: now)
    }

    /// Says `items` in one frame; the fault that the listener finds.
    @discardableResult
    mutating func say(_ items: Item..., to listener: inout BeaconNet, now: Instant) -> RoutingError? {
        listener.fault(updates(items), from: id, now: now)
    }
}

extension Network {
    mutating func fault(_ frame: [UInt8], from id: NeighbourID, now: Instant) -> RoutingError? {
        frame.withUnsafeBytes { frame in
            do throws(RoutingError) {
                try receive(frame, from: id, now: now)
                return nil
            } catch {
                return error
            }
        }
    }
}

extension ControlFrame {
    /// What an updates frame says; empty for acknowledgements.
    var items: [Speaker.Item] {
        bytes.withUnsafeBytes { bytes in
            guard case .updates(_, _, var reader)? = try? ReceivedBeaconFrame(bytes) else { return [] }
            var items: [Speaker.Item] = []
            while !reader.isEmpty, let item = try? BeaconItem(&reader) {
                switch item {
                case .beacon(let view, let metric, let age):
                    guard let key = try? PublicKey(serialized: view.keyBytes) else { continue }
                    let beacon = Beacon(verified: view, key: key, now: .distantPast)
                    items.append(.beacon(beacon, metric: metric, age: age))
                case .retraction(let address):
                    items.append(.retraction(address))
                case .request(let address, let request):
                    items.append(.request(address, request.sequence, hops: request.hops))
                }
            }
            return items
        }
    }

    /// The serial numbers that an acknowledgement names.
    var acknowledged: [UInt64] {
        bytes.withUnsafeBytes { bytes in
            guard case .acknowledgement(_, _, var reader)? = try? ReceivedBeaconFrame(bytes) else { return [] }
            var serials: [UInt64] = []
            while let serial = reader.big(UInt64.self) { serials.append(serial) }
            return serials
        }
    }
}

extension [ControlFrame] {
    var beacons: [(beacon: Beacon, metric: UInt8)] {
        flatMap(\.items).compactMap {
            if case .beacon(let beacon, let metric, _) = $0 { (beacon, metric) } else { nil }
        }
    }
    var retractions: [Address] {
        flatMap(\.items).compactMap { if case .retraction(let address) = $0 { address } else { nil } }
    }
    var requests: [(address: Address, sequence: UInt64, hops: UInt8)] {
        flatMap(\.items).compactMap {
            if case .request(let address, let sequence, let hops) = $0 { (address, sequence, hops) } else { nil }
        }
    }
    var acknowledged: [UInt64] { flatMap(\.acknowledged) }
    func to(_ id: NeighbourID) -> [ControlFrame] { filter { $0.to == id } }
}

/// An origin somewhere in the mesh.
struct FarNode {
    let key: PrivateKey

    init(_ random: SeededRandom) { key = PrivateKey(generatedFrom: random) }

    var address: Address { key.address }

    func beacon(_ sequence: UInt64, lifetime: UInt16 = 70, purpose: String = "inet256/beacon") -> Beacon {
        Beacon(signedBy: key, sequence: sequence, lifetime: lifetime, purpose: purpose, now: .distantPast)
    }
}
