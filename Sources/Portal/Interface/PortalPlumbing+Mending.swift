internal import Glibc
internal import Netlink
internal import Wire

/// Puts right what an inspection found. Each damage by itself, so that one that cannot be mended does not keep the others from it.
extension PortalPlumbing {
    /// - Parameter kinds: those to be mended now.
    package mutating func mend(
        _ inspection: PortalInspection, only kinds: Set<PortalDamage.Kind> = Set(PortalDamage.Kind.allCases)
    ) -> PortalMending {
        var mending = PortalMending()
        guard let index = inspection.index else { return mending }
        for damage in inspection.damages where kinds.contains(damage.kind) && Self.isMendable(damage) {
            do {
                try asking { () throws(NetlinkError) in try mend(damage, index) }
                if case .overruled(let prefix, _) = damage { try overrule(prefix, index) }
                if case .route(let route, _) = damage { try claim(route) }
                mending.mended.append(damage)
            } catch {
                mending.failed.append((damage, error))
            }
        }
        return mending
    }

    /// Nothing helps against these but what somebody else does.
    package static func isMendable(_ damage: PortalDamage) -> Bool {
        switch damage {
        case .gone: false
        case .renamed(_, _, let isTaken): !isTaken
        case .overruled(let prefix, _): prefix.length < 128
        default: true
        }
    }

    private mutating func mend(_ damage: PortalDamage, _ index: UInt32) throws(NetlinkError) {
        switch damage {
        case .gone, .route, .overruled: break
        case .renamed(let name, _, _): try links.rename(index, to: name)
        case .unmarked: try links.setAlias(index, PortalMark.alias)
        case .mtu(_, let wanted): try links.setMTU(index, wanted)
        case .ipv6MTU(_, let wanted):
            // The kernel passes over a value that the interface has already.
            try links.setMTU(index, wanted < 65535 ? wanted + 1 : wanted - 1)
            try links.setMTU(index, wanted)
        case .ipv6Off: try Self.switchIPv6On(index)
        case .queueLength(_, let wanted): try links.setTransmitQueueLength(index, wanted)
        case .linkLocal(nil): try links.setAddressGeneration(index, .none)
        case .linkLocal(let address?): try addresses.remove(address)
        case .address(let address, let fault):
            if fault != nil {
                for old in try addresses.list(interface: index, family: .ipv6)
                where old.address == address && old.prefixLength != 128 { try addresses.remove(old) }
            }
            try addresses.replace(laidOut(address, index))
        case .down: try links.setUp(index)
        case .needless(let route, _):
            _ = try routes.remove(route)
            overruling.removeAll { $0 == route }
        }
    }

    private mutating func overrule(_ prefix: IPv6Prefix, _ index: UInt32) throws(PortalError) {
        for route in portalRoutes(index) where route.destination == prefix {
            for half in Self.halves(of: route) {
                try claim(half)
                if !overruling.contains(half) { overruling.append(half) }
            }
        }
    }

    /// Netlink has no word for it. A service that systemd shows no /proc/sys cannot do it and says what to run.
    static func switchIPv6On(_ index: UInt32) throws(NetlinkError) {
        let name = interfaceName(index)
        let path = "/proc/sys/net/ipv6/conf/\(name)/disable_ipv6"
        func failure(_ code: Int32) -> NetlinkError {
            NetlinkError(operation: NetlinkError.switchingIPv6On, object: name, code: code)
        }
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(errno) }
        defer { close(descriptor) }
        guard write(descriptor, "0\n", 2) == 2 else { throw failure(errno) }
    }
}
