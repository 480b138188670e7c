internal import CMnl
internal import Glibc
package import Wire

/// A connection over IPv6 that the kernel tracks, as its first packet was and as its answers come.
package struct TrackedConnection: Hashable, Sendable {
    /// The upper-layer protocol.
    package let transport: UInt8
    /// Who began it, and where that was to: before any translation.
    package let source: IPv6Address
    package let destination: IPv6Address
    /// Of protocols with ports; else 0. Likewise of the answers.
    package let sourcePort: UInt16
    /// Of ICMPv6; else 0.
    package let icmpType: UInt8
    package let icmpCode: UInt8
    /// Who answers: another than `destination` where that was translated.
    package let answerer: IPv6Address
    package let answererPort: UInt16

    /// What names this very entry: another connection of the same ends has another number.
    fileprivate let number: UInt32
    fileprivate let zone: UInt16?
    /// The payload of CTA_TUPLE_ORIG, as the kernel gave it.
    fileprivate let original: [UInt8]
}

extension TrackedConnection {
    /// One that is in no kernel, for asking what would be thought of it.
    package init(
        _ transport: UInt8, from source: IPv6Address, _ sourcePort: UInt16, to destination: IPv6Address,
        answeredBy answerer: IPv6Address, _ answererPort: UInt16
    ) {
        self.init(
            transport: transport, source: source, destination: destination, sourcePort: sourcePort, icmpType: 0,
            icmpCode: 0, answerer: answerer, answererPort: answererPort, number: 0, zone: nil, original: [])
    }
}

/// Connection tracking of the namespace, over netlink (NFNL_SUBSYS_CTNETLINK, linux/netfilter/nfnetlink_conntrack.h). It takes
/// CAP_NET_ADMIN and the kernel's nf_conntrack_netlink.
package struct ConnectionTable {
    private let socket: NetlinkSocket

    /// - Parameter socket: opened on the bus `.netfilter`.
    package init(_ socket: NetlinkSocket) { self.socket = socket }

    /// The connections over IPv6 that `isWanted` says yes to, a million at most.
    package func list(where isWanted: (TrackedConnection) -> Bool) throws(NetlinkError) -> [TrackedConnection] {
        let request = Self.request(IPCTNL_MSG_CT_GET, UInt16(NLM_F_DUMP), "list tracked connections")
        return try socket.collect(request) { message in
            TrackedConnection(decoding: message).flatMap { isWanted($0) ? $0 : nil }
        }
    }

    /// Takes an entry out: what still comes of the connection is then taken for the beginning of a new one.
    /// - Returns: false when it was gone already.
    @discardableResult
    package func delete(_ connection: TrackedConnection) throws(NetlinkError) -> Bool {
        var request = Self.request(IPCTNL_MSG_CT_DELETE, 0, "end a tracked connection")
        let nested = UInt16(1) << 15
        connection.original.withUnsafeBytes { request.put(UInt16(CTA_TUPLE_ORIG.rawValue) | nested, $0) }
        // Both as the kernel gave them, in network order.
        request.put(UInt16(CTA_ID.rawValue), u32: connection.number)
        if let zone = connection.zone {
            withUnsafeBytes(of: zone) { request.put(UInt16(CTA_ZONE.rawValue), $0) }
        }
        do {
            try socket.execute(request)
            return true
        } catch  where error.isMissing {
            return false
        }
    }

    private static func request(
        _ type: cntl_msg_types, _ flags: UInt16, _ operation: String
    ) -> NetlinkRequest {
        var request = NetlinkRequest(
            type: UInt16(NFNL_SUBSYS_CTNETLINK) << 8 | UInt16(type.rawValue), flags: flags, operation: operation,
            object: "")
        request.put(fixed: nfgenmsg(nfgen_family: UInt8(AF_INET6), version: UInt8(NFNETLINK_V0), res_id: 0))
        return request
    }
}

extension TrackedConnection {
    /// Nil for what is no whole entry of IPv6.
    init?(decoding message: NetlinkMessage) {
        guard message.type >> 8 == UInt16(NFNL_SUBSYS_CTNETLINK),
            message.body.host(UInt8.self, at: 0) == UInt8(AF_INET6)
        else { return nil }
        var forth: Tuple?
        var back: Tuple?
        var original: [UInt8] = []
        var number: UInt32?
        var zone: UInt16?
        for attribute in Attributes(message.body.tail(from: MemoryLayout<nfgenmsg>.size)) {
            switch UInt32(attribute.type) {
            case CTA_TUPLE_ORIG.rawValue:
                forth = Tuple(attribute.nested)
                original = Array(attribute.payload)
            case CTA_TUPLE_REPLY.rawValue: back = Tuple(attribute.nested)
            case CTA_ID.rawValue: number = attribute.u32
            case CTA_ZONE.rawValue: zone = attribute.payload.host(UInt16.self, at: 0)
            default: continue
            }
        }
        guard let forth, let back, let number, let source = forth.source, let destination = forth.destination,
            let answerer = back.source
        else { return nil }
        self.init(
            transport: forth.transport, source: source, destination: destination, sourcePort: forth.sourcePort,
            icmpType: forth.icmpType, icmpCode: forth.icmpCode, answerer: answerer, answererPort: back.sourcePort,
            number: number, zone: zone, original: original)
    }

    /// One direction: addresses in CTA_TUPLE_IP, the rest in CTA_TUPLE_PROTO.
    private struct Tuple {
        var source: IPv6Address?
        var destination: IPv6Address?
        var transport: UInt8 = 0
        var sourcePort: UInt16 = 0
        var icmpType: UInt8 = 0
        var icmpCode: UInt8 = 0

        init(_ attributes: Attributes) {
            for attribute in attributes {
                switch UInt32(attribute.type) {
                case CTA_TUPLE_IP.rawValue: readAddresses(attribute.nested)
                case CTA_TUPLE_PROTO.rawValue: readProtocol(attribute.nested)
                default: continue
                }
            }
        }

        private mutating func readAddresses(_ attributes: Attributes) {
            for attribute in attributes {
                switch UInt32(attribute.type) {
                case CTA_IP_V6_SRC.rawValue: source = attribute.payload.address
                case CTA_IP_V6_DST.rawValue: destination = attribute.payload.address
                default: continue
                }
            }
        }

        private mutating func readProtocol(_ attributes: Attributes) {
            for attribute in attributes {
                switch UInt32(attribute.type) {
                case CTA_PROTO_NUM.rawValue: transport = attribute.u8 ?? 0
                case CTA_PROTO_SRC_PORT.rawValue: sourcePort = attribute.payload.big(UInt16.self, at: 0) ?? 0
                case CTA_PROTO_ICMPV6_TYPE.rawValue: icmpType = attribute.u8 ?? 0
                case CTA_PROTO_ICMPV6_CODE.rawValue: icmpCode = attribute.u8 ?? 0
                default: continue
                }
            }
        }
    }
}
