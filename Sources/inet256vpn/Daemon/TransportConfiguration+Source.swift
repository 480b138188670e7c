internal import Settings
internal import System
internal import Transport

/// What opens each transport that can be configured.
extension TransportConfiguration {
    func source(_ store: DescriptorStore) -> UDPTransport {
        UDPTransport(udp, offload: offload == .auto, mark: mark, interface: interface, store: store)
    }
}
