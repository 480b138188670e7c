internal import INET256
internal import Wire

/// The control frames of beacon routing. All integers are big-endian.
///
///     version         1 byte, 1
///     kind            1 byte: 1 updates, 2 acknowledgement
///     epoch           8 bytes: which run of the link the sender is in
///
/// Updates go on with the frame's serial number (8 bytes, from 1) and one or more items:
///
///     1  beacon       metric (1 byte, 255: no way there), age in seconds (2), the signed record
///     2  retraction   address (32)
///     3  request      address (32), sequence wanted or 0 for any (8), hops it may still go (1)
///
/// Acknowledgements go on with the receiver's epoch (8 bytes) and the serials (8 bytes each) acknowledged.
enum BeaconFrame {
    static let version: UInt8 = 1
    static let headerBytes = 10
    static let serialBytes = 8
    /// Serials that one acknowledgement has room for.
    static let maximumSerials = (ControlFrame.maximumBytes - headerBytes - 8) / serialBytes
    /// Bytes that an updates frame has for items.
    static let itemRoom = ControlFrame.maximumBytes - headerBytes - serialBytes
    /// The metric of "no way there from here".
    static let unreachable: UInt8 = 255
    /// The largest metric that is a way.
    static let largestMetric: UInt8 = 63

    enum Kind: UInt8 {
        case updates = 1
        case acknowledgement = 2
    }

    static func header(_ kind: Kind, epoch: UInt64) -> [UInt8] {
        var frame: [UInt8] = [version, kind.rawValue]
        frame.reserveCapacity(ControlFrame.maximumBytes)
        frame.appendBig(epoch)
        return frame
    }

    static func acknowledgement(epoch: UInt64, of theirs: UInt64, serials: ArraySlice<UInt64>) -> [UInt8] {
        var frame = header(.acknowledgement, epoch: epoch)
        frame.appendBig(theirs)
        for serial in serials { frame.appendBig(serial) }
        return frame
    }
}

/// One item of an updates frame, as it is received.
enum BeaconItem {
    case beacon(BeaconView, metric: UInt8, age: UInt16)
    case retraction(Address)
    case request(Address, BeaconRequest)

    enum Kind: UInt8 {
        case beacon = 1
        case retraction = 2
        case request = 3
    }

    static func appendBeacon(_ beacon: Beacon, metric: UInt8, age: UInt16, to frame: inout [UInt8]) {
        frame.append(Kind.beacon.rawValue)
        frame.append(metric)
        frame.appendBig(age)
        frame.append(contentsOf: beacon.encoded)
    }

    static func appendRetraction(_ address: Address, to frame: inout [UInt8]) {
        frame.append(Kind.retraction.rawValue)
        frame.append(address.raw)
    }

    static func appendRequest(_ address: Address, _ request: BeaconRequest, to frame: inout [UInt8]) {
        frame.append(Kind.request.rawValue)
        frame.append(address.raw)
        frame.appendBig(request.sequence)
        frame.append(request.hops)
    }

    init(_ reader: inout ByteReader) throws(RoutingError) {
        guard let kind = reader.big(UInt8.self) else { throw .truncated }
        switch Kind(rawValue: kind) {
        case .beacon:
            guard let metric = reader.big(UInt8.self), let age = reader.big(UInt16.self) else { throw .truncated }
            guard metric <= BeaconFrame.largestMetric || metric == BeaconFrame.unreachable else { throw .malformed }
            self = .beacon(try BeaconView(&reader), metric: metric, age: age)
        case .retraction:
            guard let raw = reader.bytes32() else { throw .truncated }
            self = .retraction(Address(raw: raw))
        case .request:
            guard let raw = reader.bytes32(), let sequence = reader.big(UInt64.self), let hops = reader.big(UInt8.self)
            else { throw .truncated }
            guard hops > 0, hops <= BeaconRequest.farthest, sequence <= BeaconNetLimits.highestSequence else {
                throw .malformed
            }
            self = .request(Address(raw: raw), BeaconRequest(sequence: sequence, hops: hops))
        case nil:
            throw .malformed
        }
    }
}

/// A request for a way to an origin, by a beacon at least as new as `sequence`; 0 takes any.
struct BeaconRequest: Hashable {
    var sequence: UInt64
    /// Links that it may still cross.
    var hops: UInt8

    static let farthest: UInt8 = 64

    /// The more demanding of both.
    func merged(with other: BeaconRequest) -> BeaconRequest {
        BeaconRequest(sequence: max(sequence, other.sequence), hops: max(hops, other.hops))
    }
}

/// A received frame whose whole layout was checked.
enum ReceivedBeaconFrame {
    case updates(epoch: UInt64, serial: UInt64, items: ByteReader)
    case acknowledgement(epoch: UInt64, ours: UInt64, serials: ByteReader)

    init(_ bytes: UnsafeRawBufferPointer) throws(RoutingError) {
        guard bytes.count <= ControlFrame.maximumBytes else { throw .oversized }
        var reader = ByteReader(bytes)
        guard let version = reader.big(UInt8.self), let kind = reader.big(UInt8.self) else { throw .truncated }
        guard version == BeaconFrame.version else { throw .unsupportedVersion }
        guard let kind = BeaconFrame.Kind(rawValue: kind) else { throw .malformed }
        // Serial of the frame, or the epoch whose frames are acknowledged.
        guard let epoch = reader.big(UInt64.self), let number = reader.big(UInt64.self) else { throw .truncated }
        guard !reader.isEmpty else { throw .truncated }
        switch kind {
        case .updates:
            guard number > 0 else { throw .malformed }
            var check = reader
            while !check.isEmpty { _ = try BeaconItem(&check) }
            self = .updates(epoch: epoch, serial: number, items: reader)
        case .acknowledgement:
            guard reader.remaining % BeaconFrame.serialBytes == 0 else { throw .truncated }
            self = .acknowledgement(epoch: epoch, ours: number, serials: reader)
        }
    }
}
