internal import CMnl
internal import Glibc

/// The kernel's refusal of a request, or answers that make no sense.
package struct ExchangeFailure: Error, Hashable, Sendable {
    /// The positive errno.
    package let code: Int32
    /// The kernel's words.
    package let text: String?
    /// The kernel has spoken; else it is us who stopped listening.
    package var isVerdict: Bool { code != EBADMSG && code != EMSGSIZE }

    package init(code: Int32, text: String?) {
        self.code = code
        self.text = text
    }
}

/// The answers to one request, from the first datagram to the kernel's verdict. No socket and no clock:
/// `NetlinkSocket` feeds it.
package struct Exchange<Item> {
    package enum Progress: Hashable, Sendable {
        /// The verdict is still to come.
        case waiting
        /// All answers are in `items`.
        case finished
        /// The tables changed while the kernel walked through them (NLM_F_DUMP_INTR): ask again.
        case inconsistent
    }

    package private(set) var items: [Item] = []
    private let sequence: UInt32
    private let limit: Int
    private var consistent = true

    /// - Parameters:
    ///   - sequence: the request's number; whatever bears another is left over from an earlier request.
    ///   - limit: items kept at most.
    package init(sequence: UInt32, limit: Int) {
        self.sequence = sequence
        self.limit = limit
    }

    /// A datagram was lost: what comes can be read to its end and not believed.
    package mutating func noteLoss() { consistent = false }

    /// Takes in a datagram; `decode` gives nil for an answer of no interest.
    /// - Throws: `ExchangeFailure` with the kernel's errno; EBADMSG for a verdict cut short; EMSGSIZE for more
    ///   items than the limit.
    package mutating func receive(
        _ datagram: UnsafeRawBufferPointer, decode: (NetlinkMessage) -> Item?
    ) throws(ExchangeFailure) -> Progress {
        for message in NetlinkMessages(datagram) where message.sequence == sequence {
            if message.flags & UInt16(NLM_F_DUMP_INTR) != 0 { consistent = false }
            switch Int32(message.type) {
            case NLMSG_NOOP, NLMSG_OVERRUN:
                continue
            case NLMSG_ERROR, NLMSG_DONE:
                guard let verdict = Acknowledgement(decoding: message) else {
                    throw ExchangeFailure(code: EBADMSG, text: nil)
                }
                guard verdict.code == 0 else { throw ExchangeFailure(code: verdict.code, text: verdict.text) }
                return consistent ? .finished : .inconsistent
            default:
                guard let item = decode(message) else { continue }
                guard items.count < limit else { throw ExchangeFailure(code: EMSGSIZE, text: nil) }
                items.append(item)
            }
        }
        return .waiting
    }
}
