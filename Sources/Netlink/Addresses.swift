internal import CMnl

/// Addresses on interfaces: list, add, remove (RTM_GETADDR, RTM_NEWADDR, RTM_DELADDR).
package struct Addresses {
    private let socket: NetlinkSocket

    package init(_ socket: NetlinkSocket) { self.socket = socket }

    /// The addresses of the namespace, or of one interface and one family.
    package func list(
        interface: UInt32? = nil, family: AddressFamily? = nil
    ) throws(NetlinkError) -> [InterfaceAddress] {
        var request = NetlinkRequest(
            type: UInt16(RTM_GETADDR), flags: UInt16(NLM_F_DUMP), operation: "list addresses",
            object: interface.map { "of \(interfaceName($0))" } ?? "")
        var fixed = ifaddrmsg()
        fixed.ifa_family = family?.rawValue ?? 0
        fixed.ifa_index = interface ?? 0
        request.put(fixed: fixed)
        do {
            // Filtered here as well: a kernel without strict checks ignores the index.
            return try socket.collect(request) { message in
                InterfaceAddress(decoding: message.body).flatMap {
                    (interface == nil || $0.interface == interface) && (family == nil || $0.family == family) ? $0 : nil
                }
            }
        } catch  where error.isMissing && interface != nil {
            return []
        }
    }

    /// Adds an address; EEXIST when the interface has it already.
    package func add(_ address: InterfaceAddress) throws(NetlinkError) {
        try put(address, NLM_F_CREATE | NLM_F_EXCL, "add address")
    }

    /// Adds an address, or gives the one that is there these flags.
    package func replace(_ address: InterfaceAddress) throws(NetlinkError) {
        try put(address, NLM_F_CREATE | NLM_F_REPLACE, "set address")
    }

    /// - Returns: false when the interface did not have it.
    @discardableResult
    package func remove(_ address: InterfaceAddress) throws(NetlinkError) -> Bool {
        do {
            try send(RTM_DELADDR, 0, "remove address", address) { _ in }
            return true
        } catch  where error.isMissing {
            return false
        }
    }

    private func put(_ address: InterfaceAddress, _ flags: Int32, _ operation: String) throws(NetlinkError) {
        try send(RTM_NEWADDR, flags, operation, address) { request in
            request.put(UInt16(IFA_FLAGS), u32: address.flags.subtracting(.deprecated).rawValue)
            if address.flags.contains(.deprecated) {
                // It stays for good, and is preferred for no time at all; the flag itself is the kernel's.
                var times = ifa_cacheinfo()
                times.ifa_valid = .max
                withUnsafeBytes(of: times) { request.put(UInt16(IFA_CACHEINFO), $0) }
            }
            if address.protocolNumber != 0 {
                request.put(InterfaceAddress.protocolAttribute, u8: address.protocolNumber)
            }
        }
    }

    private func send(
        _ type: Int, _ flags: Int32, _ operation: String, _ address: InterfaceAddress,
        _ attributes: (inout NetlinkRequest) -> Void
    ) throws(NetlinkError) {
        var request = NetlinkRequest(
            type: UInt16(type), flags: UInt16(flags), operation: operation,
            object: "\(address) dev \(interfaceName(address.interface))")
        var fixed = ifaddrmsg()
        fixed.ifa_family = address.family.rawValue
        fixed.ifa_prefixlen = address.prefixLength
        fixed.ifa_scope = address.scope
        fixed.ifa_index = address.interface
        request.put(fixed: fixed)
        request.put(UInt16(IFA_LOCAL), address.address, family: address.family)
        request.put(UInt16(IFA_ADDRESS), address.address, family: address.family)
        attributes(&request)
        try socket.execute(request)
    }
}
