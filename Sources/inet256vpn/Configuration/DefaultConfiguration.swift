internal import API
internal import Logging
internal import Wire

extension Configuration {
    /// The configuration that `create-config` prints and a first `up` writes: every key, explained, at its
    /// default. Keys that have no default value are commented out.
    static let commentedDefault = """
        # inet256vpn: the configuration of one box.
        # Every key may be left out; the value shown is then what applies.
        # Check a change with: inet256vpn check FILE        Apply it with: inet256vpn reload

        # The box's identity. A path that does not begin with / is relative to this file.
        private_key_path: \(standardKeyName)

        # Where commands such as `inet256vpn status` reach the daemon.
        # TCP is possible on loopback only, such as tcp://127.0.0.1:2560.
        api_endpoint: \(APIEndpoint.standard)

        # The routing algorithm: \(networks) (inet256vpn list-networks explains them).
        network: {\(NetworkKind.beaconnet.rawValue): {}}

        # The sockets that datagrams come and go by. [::] means every address, IPv4 included.
        transports:
          - udp: "\(TransportConfiguration.standard.udp)"

        # The neighbours that this box keeps links to. A peer without addrs is waited for.
        # `inet256vpn addr --private-key FILE` prints a box's id.
        peers: []
        #  - id: oJLz5ZaqwUZSwU9l8AdC6pCFdB7YvAUaKBwacOgKicJ
        #    name: office
        #    addrs: ["udp://vpn.example.org:25632", "udp://[2001:db8::1]:25632"]

        # Who may open a link to this box: peers (those above), or any (a public box).
        accept: \(AcceptPolicy.peers.rawValue)

        crypto:
          # The lowest handshake suite that is accepted, 1 or 2.
          min_suite: \(CryptoConfiguration().minSuite)
          # In order of preference; the fastest that both ends have is used.
          ciphers: [\(ciphers)]

        # The TUN interface. With `enabled: false` the daemon needs no privilege and only relays.
        portal:
          enabled: true
          interface: \(PortalConfiguration().interface)
          # Where the IPv6 addresses of all nodes lie. The same on every box of a network.
          prefix: \(PortalConfiguration.standardPrefix)
          # In bytes, \(PortalConfiguration.mtus.lowerBound) to \(PortalConfiguration.mtus.upperBound).
          mtu: \(PortalConfiguration.standardMTU)
          # Whether the interface stays when the daemon stops.
          persistent: false
          # The routing table and the metric of the prefix's route (the kernel's choice by default).
          #table: 254
          #metric: 1024
          # Whose packets pass: any, peers, and names and addresses of nodes.
          allow: [any]

        log:
          # trace, debug, info, notice, warning, error or critical
          level: \(LogConfiguration().level.rawValue)
          # text or json
          format: \(LogConfiguration().format.rawValue)

        # Further nodes that this box hosts, each with a key of its own.
        nodes: []
        #  - private_key_path: ./second.inet256

        """

    private static let networks = NetworkKind.allCases.map(\.rawValue).joined(separator: " or ")
    private static let ciphers = CipherName.allCases.map(\.rawValue).joined(separator: ", ")
}
