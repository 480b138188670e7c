internal import Settings
internal import Transport

/// What opens each transport that can be configured.
extension TransportConfiguration {
    var source: any PortSource {
        UDPTransport(udp, offload: offload == .auto, mark: mark, interface: interface)
    }
}
