package import INET256
package import Wire

/// Why there is no link with a configured peer. What people read of it stands with the program that shows it.
package enum LinkTrouble: Equatable, Sendable {
    /// Nobody ever answered.
    case noAnswer
    /// It was up, and nothing comes any more from where it was.
    case lost(Endpoint?)
    /// It said goodbye.
    case stopped
    /// The kernel sends nothing to any endpoint of it; one entry for each, at least one.
    case unsendable([Unsent])
    /// Who answered has the key of another address.
    case otherKey(Address)
    /// Somebody else proved to be where the peer is said to be.
    case occupied(Endpoint, by: Address)
    case invalidKey
    case noCommonCipher
    /// The other end has this box not among its peers.
    case notAccepted
    /// All this box's links are taken, of which there are so many.
    case linksFull(Int)
    /// Another machine has this box's key, and the link there.
    case sameKey
    /// It has no endpoint and has to call.
    case waiting

    /// An endpoint to which the kernel sends nothing.
    package struct Unsent: Equatable, Sendable {
        package let endpoint: Endpoint
        package let reason: SendRefusal.Reason

        package init(_ endpoint: Endpoint, _ reason: SendRefusal.Reason) {
            self.endpoint = endpoint
            self.reason = reason
        }
    }

    /// The word for programs.
    package var cause: BoxStatus.Link.Cause {
        switch self {
        case .noAnswer: .noAnswer
        case .lost: .lost
        case .stopped: .stopped
        case .unsendable(let unsent): unsent.first?.reason.cause ?? .notSent
        case .otherKey, .occupied: .otherKey
        case .invalidKey: .invalidKey
        case .noCommonCipher: .noCommonCipher
        case .notAccepted: .notAccepted
        case .linksFull: .linksFull
        case .sameKey: .sameKey
        case .waiting: .waiting
        }
    }
}

extension BoxStatus.Link.Cause {
    /// Somebody answers, and says no or is another.
    var isRefusal: Bool {
        switch self {
        case .otherKey, .invalidKey, .noCommonCipher, .notAccepted, .sameKey: true
        default: false
        }
    }

    /// Nothing was sent.
    var isOfTheKernel: Bool { self == .noRoute || self == .denied || self == .notSent }
}

extension SendRefusal.Reason {
    var cause: BoxStatus.Link.Cause {
        switch self {
        case .unreachable: .noRoute
        case .denied: .denied
        case .tooLarge, .sourceGone, .failed: .notSent
        }
    }
}
