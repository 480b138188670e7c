internal import ArgumentParser
internal import Firewall
internal import Settings

struct FirewallAllowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "allow",
        abstract: "Add a rule that allows services.",
        discussion: FirewallRuleOptions.help(
            """
            sudo inet256vpn firewall allow ssh --from admins
              sudo inet256vpn firewall allow http https --from peers --comment "our pages"
              sudo inet256vpn firewall allow tcp/5432 --from office --to lan --dry-run
            """))

    @OptionGroup var rule: FirewallRuleOptions
    @OptionGroup var options: EditOptions

    func run() async throws { try await options.run([.addRule(rule.draft(.allow))]) }
}

struct FirewallDenyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deny",
        abstract: "Add a rule that denies services.",
        discussion: FirewallRuleOptions.help(
            """
            sudo inet256vpn firewall deny ssh --from guests
              sudo inet256vpn firewall deny any --from mallory --before 0
              sudo inet256vpn firewall deny tcp/25 --out --to any --reject
            """))

    @Flag(help: "Answer, so that programs at the other end do not wait: the action `reject`.")
    var reject = false
    @OptionGroup var rule: FirewallRuleOptions
    @OptionGroup var options: EditOptions

    func run() async throws { try await options.run([.addRule(rule.draft(reject ? .reject : .deny))]) }
}

/// A rule on the command line.
struct FirewallRuleOptions: ParsableArguments {
    @Argument(help: "Services: ssh, tcp/22, udp/5000-5010, icmpv6/echo-request, any.")
    var services: [WordArgument]
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Who on the mesh's side: peers, groups, addresses, IPv6 prefixes, any. May be repeated. With --out our side.",
            valueName: "who"))
    var from: [WordArgument] = []
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Our side: box (the default), any, networks behind it. May be repeated. With --out who is called.",
            valueName: "where"))
    var to: [WordArgument] = []
    @Option(help: ArgumentHelp("How many new connections it takes, such as 10/minute.", valueName: "rate"))
    var limit: String?
    @Option(help: ArgumentHelp("A word on it, which `firewall show` prints.", valueName: "text"))
    var comment: String?
    @Option(help: ArgumentHelp("Put it before this rule, counted from 0.", valueName: "place"))
    var before: Int?
    @Flag(help: "A rule for what leaves through the mesh (`firewall.outbound`).")
    var out = false

    func validate() throws {
        if services.isEmpty { throw ValidationError("which services?") }
        if !out, from.isEmpty { throw ValidationError("who? Give --from: a peer, a group, an address or any.") }
        if out, to.isEmpty { throw ValidationError("who is called? Give --to: a peer, a group, an address or any.") }
        if let before, before < 0 { throw ValidationError("--before takes the place of a rule, from 0") }
    }

    func draft(_ action: FirewallAction) -> RuleDraft {
        var draft = RuleDraft(
            action, services: services.map(\.text), subjects: (out ? to : from).map(\.text))
        draft.way = out ? .outbound : .inbound
        draft.places = (out ? from : to).map(\.text)
        draft.limit = limit
        draft.comment = comment
        draft.before = before
        return draft
    }

    static func help(_ examples: String) -> String {
        """
        \(EditOptions.help)

        The first rule that matches decides. A new one is put behind the others; where
        one of them covers it and says otherwise, before that, since it would never
        match. A rule that changes nothing is refused.

        EXAMPLES
          \(examples)

        \(ExitStatus.help)
        """
    }
}
