internal import CNftnl
internal import Wire

/// Writes a rule's statements as the expressions that nft(8) makes of them, so that nft prints them back as they were.
///
/// An expression loads into a register or compares one with a constant; a comparison that fails ends the rule. What a
/// match depends on (IPv6 before an IPv6 address, TCP before a TCP flag) is compared first, once a rule.
struct StatementLowering: ~Copyable {
    private let rule: NftRulePicture
    private var knowsIPv6 = false
    private var knownTransport: UInt8?

    init(_ rule: consuming NftRulePicture) { self.rule = rule }

    consuming func finish() -> NftRulePicture { rule }

    /// The first 16-byte register.
    private static let register = NFT_REG_1.rawValue
    /// The second field of a concatenation that begins there: registers are counted in four bytes from 8 on.
    private static let secondField = NFT_REG32_01.rawValue
    /// The fields behind two addresses that begin there.
    private static let secondAddress = NFT_REG32_04.rawValue
    private static let behindAddresses = (NFT_REG32_08.rawValue, NFT_REG32_09.rawValue, NFT_REG32_10.rawValue)
    private static let verdict = NFT_REG_VERDICT.rawValue

    private static let interfaceNameLength = 16
    // Offsets of fields: RFC 8200 section 3, RFC 9293 section 3.1, RFC 4443 section 2.1.
    private static let sourceOffset: UInt32 = 8
    private static let destinationOffset: UInt32 = 24
    private static let sourcePortOffset: UInt32 = 0
    private static let destinationPortOffset: UInt32 = 2
    private static let tcpFlagsOffset: UInt32 = 13
    private static let tcp: UInt8 = 6
    private static let icmpv6: UInt8 = 58

    mutating func write(_ statement: Statement) {
        switch statement {
        case .inputInterface(let name, let isNot): interface(NFT_META_IIFNAME, name, isNot)
        case .outputInterface(let name, let isNot): interface(NFT_META_OIFNAME, name, isNot)
        case .inputIndex(let index, let isNot): interface(NFT_META_IIF, index, isNot)
        case .outputIndex(let index, let isNot): interface(NFT_META_OIF, index, isNot)
        case .notIPv6:
            meta(NFT_META_NFPROTO)
            compare([UInt8(NFPROTO_IPV6)], NFT_CMP_NEQ)
        case .connection(let states): connection(states)
        case .transport(let number): needTransport(number)
        case .address(let side, let prefix): address(side, prefix)
        case .addressIn(let side, let set): look(in: set, for: .address(side))
        case .destinationPort(let ports):
            payload(NFT_PAYLOAD_TRANSPORT_HEADER, Self.destinationPortOffset, 2)
            compare(ports.lowerBound.networkBytes, ports.upperBound.networkBytes)
        case .serviceIn(let set): look(in: set, for: .service)
        case .icmpv6Type(let type): icmpv6(0, type, type)
        case .icmpv6Types(let types): icmpv6(0, types.lowerBound, types.upperBound)
        case .icmpv6Code(let code): icmpv6(1, code, code)
        case .tcpSyn: tcpSyn()
        case .tcpMidway: tcpMidway()
        case .notTransport(let number):
            meta(NFT_META_L4PROTO)
            compare([number], NFT_CMP_NEQ)
        case .flowIn(let side, let set): look(in: set, for: .flow(side))
        case .jumpByService(let map): look(in: map, for: .service, isMap: true)
        case .jumpByAddress(let side, let map): look(in: map, for: .address(side), isMap: true)
        case .limit(let name): object(NFT_OBJECT_LIMIT, name)
        case .limitRate(let limit): rule.add("limit") { Self.fill($0, limit) }
        case .isOver(let limit, let side, let set):
            load(side)
            meter(set, limit)
        case .counter(let name): object(NFT_OBJECT_COUNTER, name)
        case .log(let prefix): log(prefix)
        case .clampMSS: clampMSS()
        case .masquerade: rule.add("masq")
        case .accept: decide(NF_ACCEPT)
        case .drop: decide(NF_DROP)
        case .rejectReset:
            needTransport(Self.tcp)
            reject(UInt32(NFT_REJECT_TCP_RST.rawValue), 0)
        case .rejectProhibited:
            needIPv6()
            // RFC 4443 section 3.1: 1 - communication with destination administratively prohibited.
            reject(UInt32(NFT_REJECT_ICMP_UNREACH.rawValue), 1)
        case .jump(let chain): decide(NFT_JUMP.rawValue, chain)
        case .goto(let chain): decide(NFT_GOTO.rawValue, chain)
        }
    }

    // MARK: What others depend on

    private mutating func needIPv6() {
        guard !knowsIPv6 else { return }
        knowsIPv6 = true
        meta(NFT_META_NFPROTO)
        compare([UInt8(NFPROTO_IPV6)])
    }

    private mutating func needTransport(_ number: UInt8) {
        guard knownTransport != number else { return }
        knownTransport = number
        meta(NFT_META_L4PROTO)
        compare([number])
    }

    // MARK: Matches

    private func interface(_ key: nft_meta_keys, _ name: String, _ isNot: Bool) {
        meta(key)
        let bytes = Array(name.utf8.prefix(Self.interfaceNameLength - 1))
        let padding = [UInt8](repeating: 0, count: Self.interfaceNameLength - bytes.count)
        compare(bytes + padding, isNot ? NFT_CMP_NEQ : NFT_CMP_EQ)
    }

    private func interface(_ key: nft_meta_keys, _ index: UInt32, _ isNot: Bool) {
        meta(key)
        compare(index.hostBytes, isNot ? NFT_CMP_NEQ : NFT_CMP_EQ)
    }

    private func connection(_ states: Set<Statement.ConnectionState>) {
        rule.add("ct") {
            $0.set(NFTNL_EXPR_CT_KEY, u32: NFT_CT_STATE.rawValue)
            $0.set(NFTNL_EXPR_CT_DREG, u32: Self.register)
        }
        mask(states.reduce(UInt32(0)) { $0 | $1.rawValue }.hostBytes)
        compare(UInt32(0).hostBytes, NFT_CMP_NEQ)
    }

    private mutating func address(_ side: Statement.Side, _ prefix: IPv6Prefix) {
        guard prefix.length > 0 else { return }
        if prefix.length % 8 == 0 {
            load(side, UInt32(prefix.length / 8))
            compare(Array(prefix.address.networkBytes.prefix(prefix.length / 8)))
        } else {
            load(side)
            mask(IPv6Address(high: .max, low: .max).masked(to: prefix.length).networkBytes)
            compare(prefix.address.networkBytes)
        }
    }

    private mutating func load(
        _ side: Statement.Side, _ length: UInt32 = UInt32(IPv6Address.count), to register: UInt32 = Self.register
    ) {
        needIPv6()
        let offset = side == .source ? Self.sourceOffset : Self.destinationOffset
        payload(NFT_PAYLOAD_NETWORK_HEADER, offset, length, to: register)
    }

    private mutating func loadFlow(_ side: Statement.Side) {
        func loadPort(_ side: Statement.Side, to register: UInt32) {
            let offset = side == .source ? Self.sourcePortOffset : Self.destinationPortOffset
            payload(NFT_PAYLOAD_TRANSPORT_HEADER, offset, 2, to: register)
        }
        load(side)
        load(side.other, to: Self.secondAddress)
        meta(NFT_META_L4PROTO, to: Self.behindAddresses.0)
        loadPort(side, to: Self.behindAddresses.1)
        loadPort(side.other, to: Self.behindAddresses.2)
    }

    private func loadService() {
        meta(NFT_META_L4PROTO)
        payload(NFT_PAYLOAD_TRANSPORT_HEADER, Self.destinationPortOffset, 2, to: Self.secondField)
    }

    private mutating func icmpv6(_ offset: UInt32, _ lower: UInt8, _ upper: UInt8) {
        needIPv6()
        needTransport(Self.icmpv6)
        payload(NFT_PAYLOAD_TRANSPORT_HEADER, offset, 1)
        compare([lower], [upper])
    }

    private mutating func tcpSyn() {
        let syn: UInt8 = 2
        let reset: UInt8 = 4
        needTransport(Self.tcp)
        payload(NFT_PAYLOAD_TRANSPORT_HEADER, Self.tcpFlagsOffset, 1)
        mask([syn | reset])
        compare([syn])
    }

    /// All but a SYN alone: RFC 9293 section 3.1, FIN 1, SYN 2, RST 4, ACK 16.
    private mutating func tcpMidway() {
        needTransport(Self.tcp)
        payload(NFT_PAYLOAD_TRANSPORT_HEADER, Self.tcpFlagsOffset, 1)
        mask([1 | 2 | 4 | 16])
        compare([2], NFT_CMP_NEQ)
    }

    // MARK: Actions

    private static func fill(_ expression: NftExpression, _ limit: RateLimit, flags: UInt32 = 0) {
        expression.set(NFTNL_EXPR_LIMIT_RATE, u64: limit.rate)
        expression.set(NFTNL_EXPR_LIMIT_UNIT, u64: limit.unit.rawValue)
        expression.set(NFTNL_EXPR_LIMIT_BURST, u32: limit.burst)
        expression.set(NFTNL_EXPR_LIMIT_TYPE, u32: NFT_LIMIT_PKTS.rawValue)
        expression.set(NFTNL_EXPR_LIMIT_FLAGS, u32: flags)
    }

    private func meter(_ set: String, _ limit: RateLimit) {
        rule.add("dynset") {
            $0.set(NFTNL_EXPR_DYNSET_SREG_KEY, u32: Self.register)
            $0.set(NFTNL_EXPR_DYNSET_OP, u32: NFT_DYNSET_OP_UPDATE.rawValue)
            $0.set(NFTNL_EXPR_DYNSET_SET_NAME, text: set)
            $0.set(NFTNL_EXPR_DYNSET_EXPR, "limit") { Self.fill($0, limit, flags: NFT_LIMIT_F_INV.rawValue) }
        }
    }

    /// The route's segment size, in network order, into TCP option 2 (RFC 9293 section 3.2) behind its two bytes of kind
    /// and length. The kernel only ever makes it smaller.
    private func clampMSS() {
        rule.add("rt") {
            $0.set(NFTNL_EXPR_RT_KEY, u32: NFT_RT_TCPMSS.rawValue)
            $0.set(NFTNL_EXPR_RT_DREG, u32: Self.register)
        }
        rule.add("byteorder") {
            $0.set(NFTNL_EXPR_BYTEORDER_SREG, u32: Self.register)
            $0.set(NFTNL_EXPR_BYTEORDER_DREG, u32: Self.register)
            $0.set(NFTNL_EXPR_BYTEORDER_OP, u32: NFT_BYTEORDER_HTON.rawValue)
            $0.set(NFTNL_EXPR_BYTEORDER_LEN, u32: 2)
            $0.set(NFTNL_EXPR_BYTEORDER_SIZE, u32: 2)
        }
        rule.add("exthdr") {
            $0.set(NFTNL_EXPR_EXTHDR_SREG, u32: Self.register)
            $0.set(NFTNL_EXPR_EXTHDR_TYPE, u8: 2)
            $0.set(NFTNL_EXPR_EXTHDR_OFFSET, u32: 2)
            $0.set(NFTNL_EXPR_EXTHDR_LEN, u32: 2)
            $0.set(NFTNL_EXPR_EXTHDR_OP, u32: NFT_EXTHDR_OP_TCPOPT.rawValue)
        }
    }

    private func log(_ prefix: String) {
        rule.add("log") {
            $0.set(NFTNL_EXPR_LOG_PREFIX, text: prefix)
            $0.set(NFTNL_EXPR_LOG_LEVEL, u32: NFT_LOGLEVEL_INFO.rawValue)
        }
    }

    private func object(_ type: Int32, _ name: String) {
        rule.add("objref") {
            $0.set(NFTNL_EXPR_OBJREF_IMM_TYPE, u32: UInt32(type))
            $0.set(NFTNL_EXPR_OBJREF_IMM_NAME, text: name)
        }
    }

    private func reject(_ type: UInt32, _ code: UInt8) {
        rule.add("reject") {
            $0.set(NFTNL_EXPR_REJECT_TYPE, u32: type)
            $0.set(NFTNL_EXPR_REJECT_CODE, u8: code)
        }
    }

    private func decide(_ code: Int32, _ chain: String? = nil) {
        rule.add("immediate") {
            $0.set(NFTNL_EXPR_IMM_DREG, u32: Self.verdict)
            $0.set(NFTNL_EXPR_IMM_VERDICT, u32: UInt32(bitPattern: code))
            if let chain { $0.set(NFTNL_EXPR_IMM_CHAIN, text: chain) }
        }
    }

    // MARK: The kernel's instructions

    private func meta(_ key: nft_meta_keys, to register: UInt32 = Self.register) {
        rule.add("meta") {
            $0.set(NFTNL_EXPR_META_KEY, u32: key.rawValue)
            $0.set(NFTNL_EXPR_META_DREG, u32: register)
        }
    }

    private func payload(
        _ base: nft_payload_bases, _ offset: UInt32, _ length: UInt32, to register: UInt32 = Self.register
    ) {
        rule.add("payload") {
            $0.set(NFTNL_EXPR_PAYLOAD_DREG, u32: register)
            $0.set(NFTNL_EXPR_PAYLOAD_BASE, u32: base.rawValue)
            $0.set(NFTNL_EXPR_PAYLOAD_OFFSET, u32: offset)
            $0.set(NFTNL_EXPR_PAYLOAD_LEN, u32: length)
        }
    }

    private func mask(_ bytes: [UInt8]) {
        rule.add("bitwise") {
            $0.set(NFTNL_EXPR_BITWISE_SREG, u32: Self.register)
            $0.set(NFTNL_EXPR_BITWISE_DREG, u32: Self.register)
            $0.set(NFTNL_EXPR_BITWISE_LEN, u32: UInt32(bytes.count))
            $0.set(NFTNL_EXPR_BITWISE_MASK, bytes: bytes)
            $0.set(NFTNL_EXPR_BITWISE_XOR, bytes: [UInt8](repeating: 0, count: bytes.count))
        }
    }

    private func compare(_ bytes: [UInt8], _ operation: nft_cmp_ops = NFT_CMP_EQ) {
        rule.add("cmp") {
            $0.set(NFTNL_EXPR_CMP_SREG, u32: Self.register)
            $0.set(NFTNL_EXPR_CMP_OP, u32: operation.rawValue)
            $0.set(NFTNL_EXPR_CMP_DATA, bytes: bytes)
        }
    }

    /// In network order, both included.
    private func compare(_ lower: [UInt8], _ upper: [UInt8]) {
        guard lower != upper else { return compare(lower) }
        compare(lower, NFT_CMP_GTE)
        compare(upper, NFT_CMP_LTE)
    }

    /// What a set or a map is asked for.
    private enum Sought {
        case address(Statement.Side)
        case service
        case flow(Statement.Side)
    }

    private mutating func look(in set: String, for sought: Sought, isMap: Bool = false) {
        switch sought {
        case .address(let side): load(side)
        case .service: loadService()
        case .flow(let side): loadFlow(side)
        }
        rule.add("lookup") {
            $0.set(NFTNL_EXPR_LOOKUP_SREG, u32: Self.register)
            if isMap { $0.set(NFTNL_EXPR_LOOKUP_DREG, u32: Self.verdict) }
            $0.set(NFTNL_EXPR_LOOKUP_SET, text: set)
        }
    }
}

extension UInt16 {
    fileprivate var networkBytes: [UInt8] { [UInt8(self >> 8), UInt8(truncatingIfNeeded: self)] }
}

extension IPv6Address {
    var networkBytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: IPv6Address.count) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            store(to: UnsafeMutableRawPointer(base))
            count = IPv6Address.count
        }
    }
}
