internal import AdminProtocol

/// The page as it is sent: whole, and readable without the script.
package enum Page {
    /// Nothing but what this listener itself serves, no script and no style within the page, no frame around it (CSP, level 3).
    package static let policy =
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; "
        + "base-uri 'none'; frame-ancestors 'none'"

    package static func html(_ model: DashboardModel) -> String {
        let parts = Parts(model)
        let content = Dictionary(
            (parts.current + parts.lastHour).map { ("\($0.id)", $0.nodes) }, uniquingKeysWith: { first, _ in first })
        func part(_ id: StaticString) -> Node {
            .element("div", [.init("id", "\(id)"), .init("class", "part")], content["\(id)"] ?? [])
        }
        let body: [Node] = [
            .element("a", [.init("class", "skip"), .init("href", "#main")], "Skip to the content"),
            .element(
                "header", [],
                [
                    .element("h1", [], "inet256vpn"),
                    .element("p", [.init("id", "live"), .init("role", "status")], "as of when the page was loaded"),
                ]),
            navigation,
            .element(
                "main", [.init("id", "main")],
                [
                    section("s-overview", "What is up", [part("overview")]),
                    section("s-warnings", "Warnings", [part("warnings")]),
                    section("s-peers", "Peers", [scrolling("Peers", part("peers")), part("graph"), legend]),
                    section(
                        "s-history", "The last hour",
                        [
                            scrolling("The last hour", part("history")),
                            .element(
                                "p", [.init("class", "legend")],
                                "Each curve is an hour wide, now at its right end. Its highest point is the highest value."
                            ),
                        ]),
                    section("s-sessions", "Sessions", [scrolling("Sessions", part("sessions"))]),
                    section(
                        "s-firewall", "Firewall",
                        [scrolling("Rules", part("rules")), form(model), scrolling("Standing rules", part("standing"))]),
                    section("s-routes", "Routes", [scrolling("Routes", part("routes"))]),
                    section("s-drops", "Drops", [scrolling("Drops", part("drops"))]),
                    section("s-events", "Recent events", [scrolling("Recent events", part("events"))]),
                ]),
            .element("footer", [], "Read-only: this page changes nothing. Change the box with inet256vpn, as root."),
        ]
        let head: [Node] = [
            .element("meta", [.init("charset", "utf-8")], []),
            .element("meta", [.init("name", "viewport"), .init("content", "width=device-width, initial-scale=1")], []),
            .element("meta", [.init("name", "color-scheme"), .init("content", "light dark")], []),
            .element("title", [], "inet256vpn"),
            .element("link", [.init("rel", "icon"), .init("href", "/icon.svg")], []),
            .element("link", [.init("rel", "stylesheet"), .init("href", "/style.css")], []),
            .element("script", [.init("src", "/page.js"), .init("defer", "")], []),
            // An answer of the form stays where it is.
            .element(
                "noscript", [],
                model.question == nil
                    ? [.element("meta", [.init("http-equiv", "refresh"), .init("content", "10")], [])] : []),
        ]
        let page = Node.element(
            "html", [.init("lang", "en")], [.element("head", [], head), .element("body", [], body)])
        return "<!doctype html>\n" + page.html + "\n"
    }

    /// For the script: `{"answer": [node, ...]}`.
    package static func answerJSON(_ outcome: AllowedOutcome) -> String {
        Parts.json([("answer", answer(outcome))])
    }

    private static var navigation: Node {
        let links = [
            ("peers", "Peers"), ("history", "Last hour"), ("firewall", "Firewall"), ("routes", "Routes"),
            ("drops", "Drops"),
            ("events", "Events"),
        ]
        return .element(
            "nav", [.init("aria-label", "Sections")],
            links.map { .element("a", [.init("href", "#s-\($0.0)")], $0.1) })
    }

    private static func section(_ id: String, _ title: String, _ nodes: [Node]) -> Node {
        .element(
            "section", [.init("id", id), .init("aria-labelledby", "\(id)-h")],
            [.element("h2", [.init("id", "\(id)-h")], title)] + nodes)
    }

    /// What is wider than the window can be moved by the keyboard, and is told by name to who does not see it.
    private static func scrolling(_ label: String, _ node: Node) -> Node {
        .element(
            "div",
            [
                .init("class", "scroll"), .init("role", "region"), .init("aria-label", label), .init("tabindex", "0"),
            ], [node])
    }

    private static var legend: Node {
        .element(
            "p", [.init("class", "legend")],
            "Solid: a direct link. Dashed: relayed. Dotted: down, in handshake, or refused.")
    }

    // MARK: Would this be allowed?

    private static func form(_ model: DashboardModel) -> Node {
        let asked = model.question
        func field(_ name: String, _ label: String, _ value: String, _ example: String, list: String? = nil) -> Node {
            var attributes: [Node.Attribute] = [
                .init("id", "ask-\(name)"), .init("name", name), .init("value", ForeignText.shown(value)),
                .init("placeholder", example),
                .init("maxlength", "\(AllowedQuestion.longest)"), .init("autocomplete", "off"),
                .init("autocapitalize", "none"), .init("spellcheck", "false"),
            ]
            if let list { attributes.append(.init("list", list)) }
            if name != "at" { attributes.append(.init("required", "")) }
            return .element(
                "p", [], [.element("label", [.init("for", "ask-\(name)")], label), .element("input", attributes, [])])
        }
        func option(_ value: String, _ text: String, _ isChosen: Bool) -> Node {
            .element("option", [.init("value", value)] + (isChosen ? [.init("selected", "")] : []), text)
        }
        // What has unseen characters in it is no help to who types.
        let names = (model.status.peers.filter(\.configured).compactMap(\.name) + model.firewall.groups.map(\.name))
            .filter { ForeignText.shown($0) == $0 }
        let isOut = asked?.isOutbound ?? false
        return .element(
            "form", [.init("id", "ask"), .init("method", "get"), .init("action", "/allowed")],
            [
                .element("h3", [], "Would this be allowed?"),
                .element(
                    "p", [],
                    [
                        .element("label", [.init("for", "ask-way")], "Direction"),
                        .element(
                            "select", [.init("id", "ask-way"), .init("name", "way")],
                            [option("in", "from the mesh", !isOut), option("out", "into the mesh", isOut)]),
                    ]),
                field("from", "Who, on the mesh's side", asked?.from ?? "", "alice", list: "names"),
                field("to", "Service", asked?.to ?? "", "tcp/22"),
                field("at", "Where, on our side (this box, if empty)", asked?.at ?? "", "lan"),
                .element("p", [], [.element("button", [.init("type", "submit")], "Ask")]),
                .element(
                    "datalist", [.init("id", "names")],
                    names.prefix(Parts.longestTable).map { .element("option", [.init("value", $0)], []) }),
                .element(
                    "div", [.init("id", "answer"), .init("role", "status")], model.answer.map(answer) ?? []),
            ])
    }

    private static func answer(_ outcome: AllowedOutcome) -> [Node] {
        switch outcome {
        case .refused(let reason): return [.element("p", [.init("class", "bad")], [.foreign(reason, longest: 600)])]
        case .answers(let answers) where answers.isEmpty:
            return [.element("p", [.init("class", "bad")], "Nobody is meant by that: nothing was asked.")]
        case .answers(let answers):
            return answers.prefix(Parts.longestTable).map { answer in
                var line: [Node] = [
                    .element("strong", [], answer.action), .text(" by "), .foreign(answer.reason, longest: 400),
                ]
                if let limit = answer.limit { line.append(.text(", up to \(limit)")) }
                if answers.count > 1 { line += [.text(" (such as "), .foreign(answer.example), .text(")")] }
                return .element("p", [.init("class", answer.action == "allow" ? "good" : "bad")], line)
            }
        }
    }
}
