/// Why a control frame was refused: a neighbour's fault or misfortune, to be counted.
package enum RoutingError: Error, Hashable, Sendable, CaseIterable {
    /// The link is not known, or no longer.
    case unknownNeighbour
    /// It ends in the middle of a field.
    case truncated
    /// It is longer than a control frame may be.
    case oversized
    /// A version of the format that this box does not speak.
    case unsupportedVersion
    /// A frame or item of an unknown kind, or a field with a value that it cannot have.
    case malformed
    /// It is from before the neighbour's last restart of the link.
    case staleEpoch
    /// The public key of a beacon is not one.
    case invalidKey
    /// The signature is not the origin's.
    case forged
    /// Another beacon of the same origin with this sequence number is known.
    case conflicting
    /// The neighbour asked for more than it may in this time; it will try again.
    case rateLimited
    /// The table has no room for another origin from this neighbour.
    case noRoom
}

extension RoutingError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknownNeighbour: "control frame from a link that is not up"
        case .truncated: "control frame ends in the middle of a field"
        case .oversized: "control frame is longer than \(ControlFrame.maximumBytes) bytes"
        case .unsupportedVersion: "control frame of an unsupported version"
        case .malformed: "malformed control frame"
        case .staleEpoch: "control frame from before the link's restart"
        case .invalidKey: "beacon with an invalid public key"
        case .forged: "beacon with a forged signature"
        case .conflicting: "second beacon with the same sequence number"
        case .rateLimited: "too many control messages"
        case .noRoom: "no room for more origins from this neighbour"
        }
    }
}
