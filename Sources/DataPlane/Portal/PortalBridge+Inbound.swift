internal import INET256
internal import Portal
internal import Wire

/// The way in from the mesh: a message becomes a packet of the device's, if its sender may send it.
extension PortalBridge {
    /// Takes a message of `sender`. A fleeting one lies in memory that is used again at once; others must stay where they
    /// are until `endBurst`.
    func inbound(
        _ message: UnsafeRawBufferPointer, from sender: Address, isPartial: Bool = false, ecn: UInt8 = 0,
        isFleeting: Bool
    ) throws(TunError) {
        guard gate.admits(sender) else {
            prohibited += 1
            return
        }
        let derived = rules.map.address(of: sender)
        // The derived address is shorter than the key's: a network is behind the one that was named in full.
        switch rules.filter.inbound(message, from: derived, isOwner: rules.owners[derived] == sender) {
        case .drop(let reason, _):
            drops.count(reason)
        case .pass(let header):
            // It was opened in place, or belongs to this box: nobody else looks at it.
            let packet = UnsafeMutableRawBufferPointer(mutating: message)
            guard mark(packet, header.trafficClass, outer: ecn) else {
                congested += 1
                return
            }
            guard joiner.add(packet, isPartial: isPartial) else {
                drops.count(.malformed)
                return
            }
            try writeReady()
            if isFleeting { try endBurst() }
        }
    }

    /// Everything that came goes to the device: its memory will be used again.
    func endBurst() throws(TunError) {
        joiner.flush()
        try writeReady()
        // A kernel that refuses something is not offered it again.
        joiner.offloads = device.offloads
    }

    private func writeReady() throws(TunError) {
        while let packet = joiner.next() { _ = try device.write(packet) }
    }

    /// Hands on what routers between the boxes said of congestion (RFC 6040). False when the packet is to be dropped.
    @inline(__always)
    private func mark(_ packet: UnsafeMutableRawBufferPointer, _ trafficClass: UInt8, outer: UInt8) -> Bool {
        let inner = trafficClass & ECN.mask
        if outer == inner || outer == ECN.notCapable { return true }
        guard let leaving = ECN.leaving(inner: inner, outer: outer) else { return false }
        // The class stands in the low half of the first byte and the high one of the second (RFC 8200 section 3).
        packet[1] = packet[1] & 0b1100_1111 | leaving << 4
        return true
    }
}
