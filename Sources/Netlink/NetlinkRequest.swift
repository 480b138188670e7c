internal import CMnl
internal import Glibc
package import Wire

/// A request under construction: header, the family's fixed structure, attributes. Bounded: what does not
/// fit marks the request as overflowed and `NetlinkSocket` refuses to send it.
package struct NetlinkRequest: ~Copyable {
    /// For error messages: "add route".
    package let operation: String
    /// For error messages: "fd00::/8 dev inet256".
    package let object: String

    private let buffer: UnsafeMutableRawPointer
    private let header: UnsafeMutablePointer<nlmsghdr>
    private(set) var overflowed = false

    /// At least 4096 bytes; the largest request of ours takes a few hundred.
    private static let capacity = max(4096, netlink_message_capacity())

    /// - Parameters:
    ///   - type: the message type, for netfilter with the subsystem in its upper byte.
    ///   - flags: NLM_F_... besides NLM_F_REQUEST, which is always set.
    package init(type: UInt16, flags: UInt16, operation: String, object: String) {
        self.operation = operation
        self.object = object
        buffer = .allocate(byteCount: Self.capacity, alignment: 16)
        header = mnl_nlmsg_put_header(buffer)
        header.pointee.nlmsg_type = type
        header.pointee.nlmsg_flags = UInt16(NLM_F_REQUEST) | flags
    }

    deinit { buffer.deallocate() }

    /// The family's fixed structure. It comes first, before any attribute.
    package mutating func put<T: BitwiseCopyable>(fixed value: T) {
        let length = MemoryLayout<T>.size
        precondition(length <= 64, "no netlink family has a fixed structure that large")
        guard let target = mnl_nlmsg_put_extra_header(header, length) else { return }
        withUnsafeBytes(of: value) { bytes in
            if let source = bytes.baseAddress { target.copyMemory(from: source, byteCount: length) }
        }
    }

    package mutating func put(_ type: UInt16, _ bytes: UnsafeRawBufferPointer) {
        note(mnl_attr_put_check(header, Self.capacity, type, bytes.count, bytes.baseAddress))
    }

    package mutating func put(_ type: UInt16, u8 value: UInt8) {
        note(mnl_attr_put_u8_check(header, Self.capacity, type, value))
    }

    package mutating func put(_ type: UInt16, u32 value: UInt32) {
        note(mnl_attr_put_u32_check(header, Self.capacity, type, value))
    }

    /// Text with its terminating NUL, as names want it.
    package mutating func put(_ type: UInt16, text: String) {
        note(mnl_attr_put_strz_check(header, Self.capacity, type, text))
    }

    /// Text without a NUL: an interface alias counts bytes, and an empty one clears it.
    package mutating func put(_ type: UInt16, unterminated text: String) {
        note(mnl_attr_put_str_check(header, Self.capacity, type, text))
    }

    /// Four bytes for an IPv4-mapped address when `family` is IPv4, else sixteen.
    package mutating func put(_ type: UInt16, _ address: IPv6Address, family: AddressFamily) {
        withUnsafeTemporaryAllocation(byteCount: IPv6Address.count, alignment: 8) { bytes in
            guard let base = bytes.baseAddress else { return }
            address.store(to: base)
            let length = family == .ipv4 ? 4 : IPv6Address.count
            put(type, UnsafeRawBufferPointer(start: base + IPv6Address.count - length, count: length))
        }
    }

    /// A nest: everything that `body` puts lies within it.
    package mutating func nest(_ type: UInt16, _ body: (inout NetlinkRequest) -> Void) {
        guard let start = mnl_attr_nest_start_check(header, Self.capacity, type) else {
            overflowed = true
            return
        }
        body(&self)
        mnl_attr_nest_end(header, start)
    }

    /// A fixed structure inside a nest, without an attribute header of its own: the peer of a veth pair begins so.
    mutating func putBare<T: BitwiseCopyable>(_ value: T) {
        let length = aligned(MemoryLayout<T>.size)
        guard Int(header.pointee.nlmsg_len) + length <= Self.capacity else {
            overflowed = true
            return
        }
        put(fixed: value)
    }

    var isDump: Bool { header.pointee.nlmsg_flags & UInt16(NLM_F_DUMP) == UInt16(NLM_F_DUMP) }

    /// Numbers the request and shows its bytes to `send`.
    borrowing func numbered<R>(_ sequence: UInt32, extraFlags: UInt16, _ send: (UnsafeRawBufferPointer) -> R) -> R {
        header.pointee.nlmsg_seq = sequence
        header.pointee.nlmsg_flags |= extraFlags
        return send(UnsafeRawBufferPointer(start: buffer, count: Int(header.pointee.nlmsg_len)))
    }

    func failure(_ code: Int32, _ text: String? = nil) -> NetlinkError {
        NetlinkError(operation: operation, object: object, code: code, kernelText: text)
    }

    private mutating func note(_ fits: Bool) {
        if !fits { overflowed = true }
    }
}

/// The two families that a box speaks.
package enum AddressFamily: UInt8, Sendable, CaseIterable {
    case ipv4 = 2
    case ipv6 = 10

    /// The family of an address where IPv4 is written IPv4-mapped.
    package init(_ address: IPv6Address) { self = address.mappedIPv4 == nil ? .ipv6 : .ipv4 }
}
