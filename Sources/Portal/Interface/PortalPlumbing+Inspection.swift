internal import Netlink
internal import Wire

/// Looks at what `bringUp()` left: everything is asked of the kernel, nothing remembered.
extension PortalPlumbing {
    package func inspect() throws(PortalError) -> PortalInspection {
        try asking { () throws(NetlinkError) in
            let survey = try PortalSurvey(plan, socket, own: raised)
            var inspection = PortalInspection()
            inspection.warnings = survey.warnings.map(\.description)
            if !plan.localNetworks.isEmpty, try !Forwarding.isOn(socket) {
                inspection.warnings.append(PortalWarning.forwardingOff.description)
            }
            let index = raised
            let found = survey.links.first { index == nil ? $0.name == plan.interface : $0.index == index }
            guard let link = found, link.kind == "tun" else {
                inspection.damages = [.gone(name: plan.interface)]
                return inspection
            }
            inspection.index = link.index
            inspection.name = link.name
            inspection.mtu = link.mtu
            inspection.damages = damages(of: link, survey)
            // Without IPv6 there are neither addresses nor routes: one word is enough.
            if link.isIPv6Disabled != true {
                let own = try addresses.list(interface: link.index, family: .ipv6)
                inspection.damages += damages(of: own)
                if !link.isUp { inspection.damages.append(.down(name: link.name)) }
                examineRoutes(link, survey, &inspection)
            } else if !link.isUp {
                inspection.damages.append(.down(name: link.name))
            }
            return inspection
        }
    }

    private func damages(of link: NetworkInterface, _ survey: PortalSurvey) -> [PortalDamage] {
        var damages: [PortalDamage] = []
        if link.name != plan.interface {
            let isTaken = survey.links.contains { $0.name == plan.interface }
            damages.append(.renamed(from: plan.interface, to: link.name, isTaken: isTaken))
        }
        if link.alias != PortalMark.alias { damages.append(.unmarked(name: link.name, alias: link.alias)) }
        if link.mtu != plan.mtu {
            damages.append(.mtu(link.mtu, wanted: plan.mtu))
        } else if let mtu = link.ipv6MTU, mtu != plan.mtu {
            damages.append(.ipv6MTU(mtu, wanted: plan.mtu))
        }
        if link.isIPv6Disabled == true { damages.append(.ipv6Off(name: link.name)) }
        if link.transmitQueueLength < Self.queueLength {
            damages.append(.queueLength(link.transmitQueueLength, wanted: Self.queueLength))
        }
        if link.addressGeneration != AddressGeneration.none, link.mtu >= 1280 { damages.append(.linkLocal(nil)) }
        return damages
    }

    private func damages(of own: [InterfaceAddress]) -> [PortalDamage] {
        var damages: [PortalDamage] = []
        // Only those that the kernel made by itself: an administrator may give the portal others.
        for address in own where address.protocolNumber == Self.kernelLinkLocal {
            damages.append(.linkLocal(address))
        }
        for wanted in plan.addresses {
            if let address = own.first(where: { $0.address == wanted }) {
                let fault = Self.fault(of: address, isFormer: wanted == plan.former)
                if let fault { damages.append(.address(wanted, fault: fault)) }
            } else {
                damages.append(.address(wanted, fault: nil))
            }
        }
        return damages
    }

    /// IFAPROT_KERNEL_LL of linux/if_addr.h: 5.18 and newer.
    private static let kernelLinkLocal: UInt8 = 3

    /// - Parameter isFormer: no connection is to begin from it.
    static func fault(of address: InterfaceAddress, isFormer: Bool = false) -> String? {
        if address.prefixLength != 128 { return "\(address)" }
        if address.flags.contains(.duplicate) { return "taken for a duplicate" }
        if address.flags.contains(.tentative) { return "tentative" }
        if address.flags.contains(.deprecated) != isFormer { return isFormer ? "not deprecated" : "deprecated" }
        return address.flags.contains(.permanent) ? nil : "about to expire"
    }

    private func examineRoutes(
        _ link: NetworkInterface, _ survey: PortalSurvey, _ inspection: inout PortalInspection
    ) {
        let ours = survey.routes.filter(PortalSurvey.isOurs)
        func stands(_ wanted: Route) -> Bool { ours.contains { Self.sameRoute($0, wanted) } }
        func text(_ route: Route) -> String { route.text { survey.device($0) } }
        var needed: Set<Route> = []
        for wanted in portalRoutes(link.index) {
            let rivals = survey.routes.filter {
                !PortalSurvey.isOurs($0) && $0.destination == wanted.destination && $0.table == wanted.table
                    && $0.metric <= wanted.metric
            }
            if !stands(wanted), !rivals.contains(where: { $0.metric == wanted.metric }) {
                inspection.damages.append(.route(wanted, text: text(wanted)))
            }
            guard let rival = rivals.min(by: { $0.metric < $1.metric }) else { continue }
            let halves = Self.halves(of: wanted)
            needed.formUnion(halves)
            if halves.isEmpty || !halves.allSatisfy(stands) {
                inspection.damages.append(.overruled(wanted.destination, by: text(rival)))
            }
            inspection.warnings.append(
                "somebody else's route has what the portal serves, \(text(rival)): "
                    + (halves.isEmpty ? "" : "the portal keeps its traffic by two routes of half the size; ")
                    + "remove it (ip -6 route delete \(text(rival))), or choose another portal.prefix")
        }
        for route in overruling where !needed.contains(route) && stands(route) {
            inspection.damages.append(.needless(route, text: text(route)))
        }
        for wanted in holdRoutes where !stands(wanted) {
            inspection.damages.append(.route(wanted, text: text(wanted)))
        }
    }

    /// Two routes that together lead where `route` does, and win against every route of exactly its destination: the more specific one
    /// does, whatever the metrics. None for a single address.
    static func halves(of route: Route) -> [Route] {
        let length = route.destination.length
        guard length < 128 else { return [] }
        let address = route.destination.address
        let upper =
            length < 64
            ? IPv6Address(high: address.high | 1 << UInt64(63 - length), low: address.low)
            : IPv6Address(high: address.high, low: address.low | 1 << UInt64(127 - length))
        return [address, upper].compactMap { half in
            IPv6Prefix(half, length: length + 1).map {
                Route(
                    $0, interface: route.interface, metric: route.metric, table: route.table
                ).marked(PortalMark.protocolNumber)
            }
        }
    }
}
