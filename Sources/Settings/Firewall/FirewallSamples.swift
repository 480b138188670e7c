/// What the default file shows and says of the firewall's lists.
extension FirewallConfiguration {
    static let ruleComment = """
        A service is a name of /etc/services, tcp/22, udp/5000-5010, tcp, icmpv6/echo-request, proto/47 or any.
        `from` is what groups consist of, the name of a group, or any (the default). `to` is box (the
        default), networks behind this box, or any (all of these). A limit counts new connections: what is
        beyond it goes on to the next rule. `log` is true, or a prefix for the kernel's log.
        """

    static let ruleSample = """
        rules:
          - allow: ssh
            from: [admins]
          - allow: [http, https]
            from: any
            to: [box, lan]
            limit: {rate: 100/minute, burst: 20}
            log: "web "
            comment: our pages
        """

    static let testComment = """
        What has to come out: a reload that fails one of these leaves the old rules in force. Inbound, `to` is
        the service and `at` our side: box (the default), a network behind this box or an IPv6 address in one.
        With `way: out`, `to` is who is called and `service` the service.
        """

    static let testSample = """
        tests:
          - {from: office, to: ssh, expect: allow}
          - {from: "fd12::/16", to: http, at: lan, expect: allow}
          - {way: out, to: office, service: tcp/25, expect: reject}
        """
}

extension NetworkConfiguration {
    static let setting = Setting(
        "networks", \.networks, form, .restart,
        comment: """
            IPv6 prefixes that are not nodes of the mesh themselves: behind this box, or with `via` behind another
            node (a peer's name or an address).
            """,
        help: "IPv6 prefixes behind this box, `lan: [fdaa:1::/64]`, or behind another, "
            + "`office: {via: bob, prefixes: [...]}`; none is `portal.prefix` itself or in `::/64`"
    )
    .turn(.networks).placed(in: .told, behind: "firewall.table")
    .inFile(.lines("#networks:\n#  lan: [\"fdaa:1::/64\"]\n#  barn: {via: office, prefixes: [\"fdaa:2::/64\"]}"))

    private static let form = Form<[NetworkConfiguration]> { value, reading in
        reading.networks(value)
    } show: { _, configuration in
        EffectiveFirewall.networks(configuration)
    }
}

extension GroupConfiguration {
    static let setting = Setting(
        "groups", \.groups, form, .together,
        comment: """
            Names for several at once: peers' names, addresses, other groups, networks with via, IPv6 prefixes, and
            `peers` (every peer above).
            """,
        help: "named lists of peers, addresses, prefixes and other groups"
    )
    .turn(.groups)
    .inFile(
        .lines(
            """
            #groups:
            #  admins: [office, pJLz5ZaqwUZSwU9l8AdC6pCFdB7YvAUaKBwacOgKicJ]
            #  known: [admins, barn, peers, "fd12::/16"]
            """))

    private static let form = Form<[GroupConfiguration]> { value, reading in
        reading.groups(value)
    } show: { _, configuration in
        EffectiveFirewall.groups(configuration)
    }
}
