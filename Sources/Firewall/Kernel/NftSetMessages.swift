internal import CNftnl
internal import Wire

/// The shape of a set or a map: what it is keyed by and what it leads to.
enum NftSetShape: Hashable, Sendable {
    /// `type ipv6_addr`.
    case hosts
    /// `type ipv6_addr; flags interval`.
    case prefixes
    /// `type inet_proto . inet_service; flags interval`.
    case services
    /// `type ipv6_addr . ipv6_addr . inet_proto . inet_service . inet_service`.
    case flows
    /// `type ipv6_addr; flags dynamic,timeout`.
    case met

    init(_ elements: RulesetSet.Elements) {
        switch elements {
        case .hosts: self = .hosts
        case .prefixes: self = .prefixes
        case .services: self = .services
        case .flows: self = .flows
        case .met: self = .met
        }
    }

    init(_ elements: RulesetMap.Elements) {
        switch elements {
        case .hosts: self = .hosts
        case .services: self = .services
        }
    }

    fileprivate var flags: UInt32 {
        switch self {
        case .hosts, .flows: 0
        case .prefixes: NFT_SET_INTERVAL.rawValue
        case .services: NFT_SET_INTERVAL.rawValue | NFT_SET_CONCAT.rawValue
        case .met: NFT_SET_EVAL.rawValue | NFT_SET_TIMEOUT.rawValue
        }
    }

    /// The types are nft's own (include/datatype.h); a concatenation holds six bits for each field.
    fileprivate var keyType: UInt32 {
        let ipv6Address: UInt32 = 8
        let protocolNumber: UInt32 = 12
        let port: UInt32 = 13
        return switch self {
        case .hosts, .prefixes, .met: ipv6Address
        case .services: protocolNumber << 6 | port
        case .flows: (((ipv6Address << 6 | ipv6Address) << 6 | protocolNumber) << 6 | port) << 6 | port
        }
    }

    /// Fields of a concatenation are padded to four bytes each.
    fileprivate var keyLength: UInt32 {
        switch self {
        case .hosts, .prefixes, .met: UInt32(IPv6Address.count)
        case .services: 8
        case .flows: UInt32(2 * IPv6Address.count + 3 * 4)
        }
    }

    /// The byte order of keys, which nft keeps beside a set to print it by (enum byteorder: 0 is mixed, 2 is big).
    fileprivate var byteOrder: UInt32 {
        switch self {
        case .hosts, .prefixes, .met: 2
        case .services, .flows: 0
        }
    }
}

/// libnftnl's picture of a set, freed at the end of its life together with the elements added to it.
struct NftSetPicture: ~Copyable {
    let pointer: OpaquePointer

    init(_ name: String, in table: String, id: UInt32? = nil) {
        pointer = present(nftnl_set_alloc())
        set(NFTNL_SET_FAMILY, UInt32(NFPROTO_INET))
        nftnl_set_set_str(pointer, UInt16(NFTNL_SET_TABLE.rawValue), table)
        nftnl_set_set_str(pointer, UInt16(NFTNL_SET_NAME.rawValue), name)
        if let id { set(NFTNL_SET_ID, id) }
    }

    deinit { nftnl_set_free(pointer) }

    /// What a set is created with.
    func describe(_ shape: NftSetShape, isMap: Bool) {
        set(NFTNL_SET_FLAGS, shape.flags | (isMap ? NFT_SET_MAP.rawValue : 0))
        set(NFTNL_SET_KEY_TYPE, shape.keyType)
        set(NFTNL_SET_KEY_LEN, shape.keyLength)
        if isMap {
            set(NFTNL_SET_DATA_TYPE, NFT_DATA_VERDICT.rawValue)
            set(NFTNL_SET_DATA_LEN, 0)
        }
        if shape == .services {
            let fields: [UInt8] = [1, 2]
            nftnl_set_set_data(pointer, UInt16(NFTNL_SET_DESC_CONCAT.rawValue), fields, UInt32(fields.count))
        }
        if shape == .met {
            set(NFTNL_SET_DESC_SIZE, RulesetSet.mostMet)
            nftnl_set_set_u64(pointer, UInt16(NFTNL_SET_TIMEOUT.rawValue), RulesetSet.metFor)
        }
        let order = [UInt8(NFTNL_UDATA_SET_KEYBYTEORDER.rawValue), 4] + shape.byteOrder.hostBytes
        nftnl_set_set_data(pointer, UInt16(NFTNL_SET_USERDATA.rawValue), order, UInt32(order.count))
    }

    func add(_ elements: RulesetSet.Elements) {
        switch elements {
        case .hosts(let hosts):
            for host in hosts { add { $0.set(NFTNL_SET_ELEM_KEY, host) } }
        case .prefixes(let prefixes):
            for prefix in prefixes { add(prefix) }
        case .services(let ranges):
            for range in ranges { add { $0.set(range) } }
        case .flows(let flows):
            for flow in flows { add { $0.set(flow) } }
        case .met: break
        }
    }

    func add(_ elements: RulesetMap.Elements) {
        switch elements {
        case .hosts(let jumps):
            for jump in jumps {
                add {
                    $0.set(NFTNL_SET_ELEM_KEY, jump.host)
                    $0.set(jump: jump.chain)
                }
            }
        case .services(let jumps):
            for jump in jumps {
                add {
                    $0.set(jump.range)
                    $0.set(jump: jump.chain)
                }
            }
        }
    }

    /// Two elements: the first address within, and the first behind, where there is one.
    private func add(_ prefix: IPv6Prefix) {
        let last = prefix.last
        let isOpen = last == IPv6Address(high: .max, low: .max)
        add {
            $0.set(NFTNL_SET_ELEM_KEY, prefix.address)
            if isOpen { $0.markOpen() }
        }
        guard !isOpen else { return }
        let (low, carry) = last.low.addingReportingOverflow(1)
        let behind = IPv6Address(high: last.high + (carry ? 1 : 0), low: low)
        add {
            $0.set(NFTNL_SET_ELEM_KEY, behind)
            $0.markEnd()
        }
    }

    private func add(_ fill: (NftElement) -> Void) {
        let element = present(nftnl_set_elem_alloc())
        fill(NftElement(pointer: element))
        nftnl_set_elem_add(pointer, element)
    }

    private func set(_ attribute: nftnl_set_attr, _ value: UInt32) {
        nftnl_set_set_u32(pointer, UInt16(attribute.rawValue), value)
    }
}

/// An element while it is filled. It belongs to its set.
private struct NftElement {
    let pointer: OpaquePointer

    func set(_ attribute: some BinaryInteger, _ bytes: [UInt8]) {
        nftnl_set_elem_set(pointer, UInt16(attribute), bytes, UInt32(bytes.count))
    }

    func set(_ attribute: some BinaryInteger, _ address: IPv6Address) {
        withUnsafeTemporaryAllocation(byteCount: IPv6Address.count, alignment: 8) { bytes in
            guard let base = bytes.baseAddress else { return }
            address.store(to: base)
            nftnl_set_elem_set(pointer, UInt16(attribute), base, UInt32(IPv6Address.count))
        }
    }

    ///     +----------+---------+---------+---------+
    ///     | protocol |                 0           |
    ///     +----------+---------+---------+---------+
    ///     | port, network order|         0         |
    ///     +----------+---------+---------+---------+
    func set(_ range: PortRange) {
        func key(_ port: UInt16) -> [UInt8] {
            [range.protocol, 0, 0, 0, UInt8(port >> 8), UInt8(truncatingIfNeeded: port), 0, 0]
        }
        set(NFTNL_SET_ELEM_KEY, key(range.ports.lowerBound))
        set(NFTNL_SET_ELEM_KEY_END, key(range.ports.upperBound))
    }

    /// Both addresses, and protocol and ports padded to four bytes each.
    func set(_ flow: CutFlow) {
        func port(_ port: UInt16) -> [UInt8] { [UInt8(port >> 8), UInt8(truncatingIfNeeded: port), 0, 0] }
        set(
            NFTNL_SET_ELEM_KEY,
            flow.theirs.networkBytes + flow.ours.networkBytes + [flow.transport, 0, 0, 0] + port(flow.theirPort)
                + port(flow.ourPort))
    }

    func set(jump chain: String) {
        nftnl_set_elem_set_u32(pointer, UInt16(NFTNL_SET_ELEM_VERDICT), UInt32(bitPattern: NFT_JUMP.rawValue))
        nftnl_set_elem_set_str(pointer, UInt16(NFTNL_SET_ELEM_CHAIN), chain)
    }

    func markEnd() {
        nftnl_set_elem_set_u32(
            pointer, UInt16(NFTNL_SET_ELEM_FLAGS), UInt32(NFT_SET_ELEM_INTERVAL_END.rawValue))
    }

    /// The range goes to the end of all addresses: so nft prints it.
    func markOpen() {
        let flags = NFTNL_SET_ELEM_F_INTERVAL_OPEN.rawValue
        set(NFTNL_SET_ELEM_USERDATA, [UInt8(NFTNL_UDATA_SET_ELEM_FLAGS.rawValue), 4] + flags.hostBytes)
    }
}

extension UInt32 {
    /// In the order in which this machine keeps them.
    var hostBytes: [UInt8] { withUnsafeBytes(of: self) { Array($0) } }
}
