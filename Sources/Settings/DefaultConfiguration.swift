internal import API
internal import Firewall
internal import INET256
internal import Logging
internal import Netlink
internal import Portal
internal import Wire

extension Configuration {
    /// The configuration that `create-config` prints and a first `up` writes: every key, explained, at its
    /// default. Keys that have no default value are commented out.
    package static let commentedDefault = """
        # inet256vpn: the configuration of one box.
        # Every key may be left out; the value shown is then what applies. What is a list of your own (peers, networks,
        # groups, firewall, nodes) is shown behind "#": take that away, or write your own below, each key once.
        # Check a change with: sudo inet256vpn check        Apply it with: sudo inet256vpn reload

        # The box's identity. A path that does not begin with / is relative to this file.
        private_key_path: \(standardKeyName)

        # Where commands such as `inet256vpn status` reach the daemon.
        # TCP is possible on loopback, such as tcp://127.0.0.1:2560 (for other addresses see api.allow_remote).
        api_endpoint: \(APIEndpoint.standard)

        # Applications that open nodes of their own on this box, by the same socket.
        api:
          # Whom their nodes may exchange messages with: any, peers, and names and addresses of nodes. Nodes of this
          # box reach each other in any case.
          allow: [any]
          # A further listener on loopback for GET /metrics, /healthz and /admin/status, which every user of this
          # machine may ask.
          #listen: tcp://127.0.0.1:2560
          # Whether api_endpoint and listen may be TCP addresses that other machines reach. There is no password and no
          # encryption: whoever reaches api_endpoint then opens nodes on this box, and whoever is on the way there
          # reads their private keys.
          allow_remote: \(APIConfiguration().allowRemote)
          # In all, of one client (a user, or a host where TCP is used), and of one connection: counts up to
          # \(APILimitsConfiguration.countRange.upperBound), and bytes from \(ByteCount.text(APILimitsConfiguration.sizeRange.lowerBound)) to \(ByteCount.text(APILimitsConfiguration.sizeRange.upperBound)).
          limits:
            # Nodes that applications have open.
            nodes: \(limits.nodes)
            client_nodes: \(limits.clientNodes)
            # Connections with a node.
            connections: \(limits.connections)
            client_connections: \(limits.clientConnections)
            # Questions (find, public key) that are being answered.
            requests: \(limits.requests)
            client_requests: \(limits.clientRequests)
            connection_requests: \(limits.connectionRequests)
            # Messages that wait to be read, in bytes (B, KiB, MiB, GiB): beyond, messages are lost.
            queue: \(ByteCount.text(limits.queue))
            client_queue: \(ByteCount.text(limits.clientQueue))
            connection_queue: \(ByteCount.text(limits.connectionQueue))

        # The routing algorithm: \(networks) (inet256vpn list-networks explains them).
        # beaconnet has room for max_nodes of others; where there are more, some are not reached.
        network: {\(NetworkKind.beaconnet.rawValue): {max_nodes: \(Configuration.standardMaxNodes)}}

        # The sockets that datagrams come and go by. [::] means every address, IPv4 included.
        transports:
          - udp: "\(TransportConfiguration.standard.udp)"
            # Whether several datagrams may cross the kernel in one call: auto or off.
            offload: auto

        # The boxes that this one keeps links to. A peer without addrs is waited for.
        # `inet256vpn status` on the other box prints its id, behind "address".
        #peers:
        #  - id: "oJLz5ZaqwUZSwU9l8AdC6pCFdB7YvAUaKBwacOgKicJ"
        #    name: office
        #    addrs: ["udp://vpn.example.org:25632", "udp://[2001:db8::1]:25632"]

        # Threads that carry packets, \(Configuration.threadCounts.lowerBound) to \(Configuration.threadCounts.upperBound). More than one pays with four processors or more.
        threads: \(Configuration(directory: "/").threads)
        # How they stand to other programs: normal (among them), or realtime (before them; quicker answers, more work a byte).
        scheduling: \(Configuration(directory: "/").scheduling.rawValue)

        # Who may open a link to this box: peers (those above), or any (a public box).
        accept: \(AcceptPolicy.peers.rawValue)

        crypto:
          # The lowest handshake suite that is accepted, 1 or 2.
          min_suite: \(CryptoConfiguration().minSuite)
          # In order of preference; the one called chooses among those that both ends have.
          ciphers: [\(ciphers)]
          # The libraries that they may be taken from. Each is checked at start, and of those that are there the
          # fastest is used.
          backends: [\(backends)]
          # Sessions get new keys after this many seconds, \(CryptoConfiguration.rekeyAges.lowerBound) to \(CryptoConfiguration.rekeyAges.upperBound).
          rekey_after: \(CryptoConfiguration().rekeyAfter)

        # The TUN interface. With `enabled: false` the daemon needs no privilege and only relays.
        portal:
          enabled: true
          interface: \(PortalConfiguration().interface)
          # Where the IPv6 addresses of all nodes lie. The same on every box of a network.
          prefix: \(PortalConfiguration.standardPrefix)
          # Parts of the prefix that are not the mesh's on this machine, such as a company's own networks behind the
          # default router: what goes there takes the way that it would have without the portal.
          except: []
          #  - fd12:3456:789a::/48
          # While the portal does not serve it the prefix is unreachable, so that nothing meant for the mesh ever goes out
          # in clear by the default route: always (whatever ends the daemon; `inet256vpn guard release` ends it), running
          # (until the daemon has stopped) or off.
          guard: \(PortalConfiguration().guarding.rawValue)
          # In bytes, \(PortalConfiguration.mtus.lowerBound) to \(PortalConfiguration.mtus.upperBound); auto follows what paths to peers carry.
          mtu: auto
          # Whether the kernel may hand over and take large packets that are cut and summed here: auto or off.
          offload: auto
          # The DSCP of the datagrams that carry packets: clear, inherit (that of the packet inside) or 0 to 63.
          dscp: clear
          # Whether the interface stays when the daemon stops.
          persistent: false
          # The routing table and the metric of the prefix's route (the kernel's choice by default), \(PortalConfiguration.metrics.lowerBound) to
          # \(PortalConfiguration.tables.upperBound) and \(PortalConfiguration.metrics.upperBound).
          #table: 254
          #metric: 1024
          # Whose packets pass: any, peers, and names and addresses of nodes.
          allow: [any]

        # IPv6 prefixes that are not nodes of the mesh themselves: behind this box, or with `via` behind another
        # node (a peer's name or an address).
        #networks:
        #  lan: ["fdaa:1::/64"]
        #  barn: {via: office, prefixes: ["fdaa:2::/64"]}

        # Names for several at once: peers' names, addresses, other groups, networks with via, IPv6 prefixes, and
        # `peers` (every peer above).
        #groups:
        #  admins: [office, pJLz5ZaqwUZSwU9l8AdC6pCFdB7YvAUaKBwacOgKicJ]
        #  known: [admins, barn, peers, "fd12::/16"]

        # What may pass between this box and the mesh. Each rule has one action (allow, deny, reject; drop is another
        # word for deny), the services that it is about, and who may use them. The first rule that matches
        # decides. Answers to what was allowed always pass, and so does the ICMPv6 that IPv6 needs; ping is
        # allowed unless a rule denies icmpv6/echo-request.
        #firewall:
        #  # With false nothing is filtered: everybody on the mesh reaches every service of this box.
        #  enabled: true
        #  # What becomes of traffic from the mesh that no rule matches: deny (in silence), reject (with an answer)
        #  # or allow.
        #  default: \(FirewallConfiguration().inbound.fallback.rawValue)
        #  # A service is a name of /etc/services, tcp/22, udp/5000-5010, tcp, icmpv6/echo-request, proto/47 or any.
        #  # `from` is what groups consist of, the name of a group, or any (the default). `to` is box (the
        #  # default), networks behind this box, or any (all of these). A limit counts new connections: what is
        #  # beyond it goes on to the next rule. `log` is true, or a prefix for the kernel's log.
        #  rules:
        #    - allow: ssh
        #      from: [admins]
        #    - allow: [http, https]
        #      from: any
        #      to: [box, lan]
        #      limit: {rate: 100/minute, burst: 20}
        #      log: "web "
        #      comment: our pages
        #  # The same for traffic into the mesh: there `to` is the mesh's side, and `from` is box, networks behind this
        #  # box, or any (the default).
        #  outbound:
        #    default: \(FirewallConfiguration().outbound.fallback.rawValue)
        #    rules:
        #      - reject: tcp/25
        #        to: any
        #  # Gives forwarded packets this box's own address, where the other side has no route back: what comes
        #  # from lan (into the mesh), or what comes from the mesh (into lan).
        #  nat:
        #    - masquerade: lan
        #    - {masquerade: mesh, to: lan}
        #  # Whether forwarded TCP is told how large its segments may be: true, false, or auto (if there are
        #  # networks behind this box).
        #  clamp_mss: \(FirewallConfiguration().clampMSS.rawValue)
        #  # Files with raw nft text for what the rules cannot say; * is possible. They are asked before the rules.
        #  include:
        #    - /etc/inet256vpn/firewall.d/*.nft
        #  # What has to come out: a reload that fails one of these leaves the old rules in force. Inbound, `to` is
        #  # the service and `at` our side: box (the default), a network behind this box or an IPv6 address in one.
        #  # With `way: out`, `to` is who is called and `service` the service.
        #  tests:
        #    - {from: office, to: ssh, expect: allow}
        #    - {from: "fd12::/16", to: http, at: lan, expect: allow}
        #    - {way: out, to: office, service: tcp/25, expect: reject}
        #  # Whether every reload ends open connections that the new rules would not let begin, and those of removed
        #  # peers, as `reload --cut` does once.
        #  cut_removed: \(FirewallConfiguration().cutRemoved)
        #  # The name of the table in the kernel. A second daemon on one machine needs another.
        #  table: \(FirewallConfiguration().table)

        log:
          # trace, debug, info, notice, warning, error or critical
          level: \(LogConfiguration().level.rawValue)
          # text or json
          format: \(LogConfiguration().format.rawValue)

        # Further nodes that this box hosts, each with a key of its own.
        #nodes:
        #  - private_key_path: ./second.inet256

        """

    private static let limits = APILimitsConfiguration()
    private static let networks = NetworkKind.allCases.map(\.rawValue).joined(separator: " or ")
    private static let backends = CipherBackend.allCases.map(\.rawValue).joined(separator: ", ")
    private static let ciphers = CipherName.allCases.map(\.rawValue).joined(separator: ", ")
}
