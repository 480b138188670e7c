internal import INET256
package import Mesh
internal import Wire

extension LinkTrouble {
    /// What people read, in the log and in `peers`.
    package var text: String {
        switch self {
        case .noAnswer:
            "no answer: nothing reachable at its endpoints knows this id (check the id, the address and port, and firewalls)"
        case .lost(let endpoint):
            "no answer any more from \(endpoint.map { "\($0)" } ?? "its endpoint")"
        case .stopped:
            "the other end has stopped"
        case .unsendable(let unsent):
            unsent.map(\.text).joined(separator: "; ")
        case .otherKey(let other):
            "refused: answered with the key of \(other)"
        case .occupied(let endpoint, let other):
            "\(endpoint) is \(other), not this peer: compare the id with what `addr` prints there"
        case .invalidKey:
            "refused: answered with an invalid key"
        case .noCommonCipher:
            "refused: chose a cipher that is not allowed here"
        case .notAccepted:
            "the other end does not accept a link: add this box to its peers, or set accept: any there"
        case .linksFull(let places):
            "all \(places) links are taken"
        case .sameKey:
            "another machine uses this box's key and has the link there; give one of the two a key of its own (keygen)"
        case .waiting:
            "waiting for it to call: no endpoint is configured"
        }
    }
}

extension LinkTrouble.Unsent {
    fileprivate var text: String {
        switch reason {
        case .unreachable:
            "no route to \(endpoint): this machine's kernel finds none that works (ip route get shows which it takes)"
        case .denied:
            "a rule of this machine drops what goes to \(endpoint): look at its output filters (nft list ruleset)"
        case .tooLarge, .sourceGone, .failed:
            "this machine's kernel sends nothing to \(endpoint)"
        }
    }
}
