internal import CMnl
internal import Wire

/// The kernel's verdict on a request: NLMSG_ERROR, or the tail of NLMSG_DONE at the end of a dump.
///
///     error (int32, negative errno, 0 = done)
///     the request's header, 16 bytes           (NLMSG_ERROR only)
///     the request's payload                    (unless NLM_F_CAPPED)
///     attributes: text, offset, ...            (if NLM_F_ACK_TLVS)
///
/// Source: include/uapi/linux/netlink.h, `struct nlmsgerr` and `enum nlmsgerr_attrs`.
package struct Acknowledgement: Hashable, Sendable {
    /// The positive errno; 0 for success.
    package let code: Int32
    /// The kernel's words, when it gave any.
    package let text: String?

    private static let codeLength = 4
    /// More than any message of the kernel; a longer one is cut.
    private static let textLimit = 512

    /// Nil when the message is too short to carry a verdict.
    package init?(decoding message: NetlinkMessage) {
        let body = message.body
        guard let raw = body.host(Int32.self, at: 0) else { return nil }
        // Negating Int32.min would trap; the kernel's errnos end at 4095.
        code = raw == .min ? .max : abs(raw)
        text = Self.text(in: body, of: message)
    }

    private static func text(in body: UnsafeRawBufferPointer, of message: NetlinkMessage) -> String? {
        guard message.flags & UInt16(NLM_F_ACK_TLVS) != 0 else { return nil }
        var offset = codeLength
        if message.type == UInt16(NLMSG_ERROR) {
            guard let echoed = body.host(UInt32.self, at: codeLength).flatMap({ Int(exactly: $0) }) else { return nil }
            let capped = message.flags & UInt16(NLM_F_CAPPED) != 0
            offset += capped ? NetlinkMessage.headerLength : aligned(max(echoed, NetlinkMessage.headerLength))
        }
        for attribute in Attributes(body.tail(from: offset)) where attribute.type == UInt16(NLMSGERR_ATTR_MSG.rawValue)
        {
            let limited = UnsafeRawBufferPointer(rebasing: attribute.payload.prefix(textLimit))
            return limited.text.isEmpty ? nil : limited.text
        }
        return nil
    }
}
