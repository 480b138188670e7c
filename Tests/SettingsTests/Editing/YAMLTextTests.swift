import Testing

@testable import Settings

/// What an edit looks like, style by style.
@Suite struct YAMLTextTests {
    private static let peers: YAMLPath = [.key("peers")]
    private static let rules: YAMLPath = [.key("firewall"), .key("rules")]
    private static let peer = YAMLContent.mapping([
        YAMLField("id", .quoted("A1")), YAMLField("name", .text("new")),
        YAMLField("addrs", .list([.quoted("udp://a:1")])),
    ])
    private static let rule = YAMLContent.mapping([
        YAMLField("allow", .text("ssh")), YAMLField("from", .text("admins")),
    ])

    struct Case: Sendable, CustomTestStringConvertible {
        let title: String
        let old: String
        let changes: [YAMLChange]
        let new: String
        var testDescription: String { title }
    }

    static let cases: [Case] = [
        Case(
            title: "into nothing", old: "", changes: [.insert(peer, into: peers)],
            new: "peers:\n  - id: \"A1\"\n    name: new\n    addrs: [\"udp://a:1\"]\n"),
        Case(
            title: "below the hint of a default file",
            old: "# head\n\n# who\n#peers:\n#  - id: \"x\"\n#    name: y\n\n# next\nthreads: 1\n",
            changes: [.insert(peer, into: peers)],
            new: "# head\n\n# who\n#peers:\n#  - id: \"x\"\n#    name: y\npeers:\n  - id: \"A1\"\n    name: new\n"
                + "    addrs: [\"udp://a:1\"]\n\n# next\nthreads: 1\n"),
        Case(
            title: "a hint within another key is none", old: "portal:\n#peers:\n  mtu: 1400\n",
            changes: [.insert(.text("a"), into: peers)], new: "portal:\n#peers:\n  mtu: 1400\npeers: [a]\n"),
        Case(
            title: "nothing behind the key", old: "peers:   # none yet\nthreads: 1",
            changes: [.insert(peer, into: peers)],
            new: "peers:   # none yet\n  - id: \"A1\"\n    name: new\n    addrs: [\"udp://a:1\"]\nthreads: 1"),
        Case(
            title: "an empty list", old: "peers: [] # none yet\n", changes: [.insert(peer, into: peers)],
            new: "peers: # none yet\n  - id: \"A1\"\n    name: new\n    addrs: [\"udp://a:1\"]\n"),
        Case(
            title: "quotes, dashes at the margin, and a comment of the last one",
            old: "peers:\n- id: 'B2'\n  name: b\n  addrs: ['udp://b:1']\n  # calls us\n# others\nthreads: 1\n",
            changes: [.insert(peer, into: peers)],
            new: "peers:\n- id: 'B2'\n  name: b\n  addrs: ['udp://b:1']\n  # calls us\n- id: 'A1'\n  name: new\n"
                + "  addrs: ['udp://a:1']\n# others\nthreads: 1\n"),
        Case(
            title: "wide dashes, lists in lines, no final newline",
            old: "peers:\n  -   id: B2\n      addrs:\n        - \"udp://b:1\"   # x",
            changes: [.insert(peer, into: peers)],
            new: "peers:\n  -   id: B2\n      addrs:\n        - \"udp://b:1\"   # x\n  -   id: A1\n      name: new\n"
                + "      addrs:\n        - \"udp://a:1\""),
        Case(
            title: "lines of another system, between braces",
            old: "peers: [\r\n    {id: B2},   # one\r\n    {id: C3}    # two\r\n]\r\n",
            changes: [.insert(peer, into: peers)],
            new: "peers: [\r\n    {id: B2},   # one\r\n    {id: C3},    # two\r\n"
                + "    {id: A1, name: new, addrs: [\"udp://a:1\"]}\r\n]\r\n"),
        Case(
            title: "a scalar becomes a list, and keeps its anchor", old: "g:\n  admins: &x alice # boss\n",
            changes: [.insert(.text("bob"), into: [.key("g"), .key("admins")])],
            new: "g:\n  admins: &x [alice, bob] # boss\n"),
        Case(
            title: "before another, with its comment",
            old: "firewall:\n  rules:\n    # ssh\n    - allow: ssh\n    # the rest\n    - deny: any\n",
            changes: [.insert(rule, into: rules, before: 1)],
            new: "firewall:\n  rules:\n    # ssh\n    - allow: ssh\n    - allow: ssh\n      from: admins\n"
                + "    # the rest\n    - deny: any\n"),
        Case(
            title: "a key behind another", old: "peers:\n  - id: B2 # x\n    addrs: []\n",
            changes: [.add(YAMLField("name", .text("b")), to: peers + [.index(0)], behind: "id")],
            new: "peers:\n  - id: B2 # x\n    name: b\n    addrs: []\n"),
        Case(
            title: "before the document's end", old: "%YAML 1.1\n--- # start\nthreads: 1\n...\n# after\n",
            changes: [.insert(rule, into: rules)],
            new:
                "%YAML 1.1\n--- # start\nthreads: 1\nfirewall:\n  rules:\n    - allow: ssh\n      from: admins\n...\n# after\n"
        ),
        Case(
            title: "what is taken away leaves comments between entries",
            old: "peers:\n  # first\n  - id: B2   # x\n    name: b\n\n  # second\n  - id: C3\n    name: c",
            changes: [.remove(peers + [.index(1)])],
            new: "peers:\n  # first\n  - id: B2   # x\n    name: b\n\n  # second"),
        Case(
            title: "the last one leaves an empty list", old: "peers: &p\n  - id: B2\nthreads: 1\n",
            changes: [.remove(peers + [.index(0)])], new: "peers: &p []\nthreads: 1\n"),
        Case(
            title: "out of brackets", old: "g: [a, b, c]\nh: [\n  a, # x\n  # y\n  b\n]\n",
            changes: [
                .remove([.key("g"), .index(2)]), .remove([.key("h"), .index(1)]), .remove([.key("g"), .index(0)]),
            ],
            new: "g: [b]\nh: [\n  a, # x\n  # y\n]\n"),
        Case(
            title: "another name in three kinds of quotes, and an alias",
            old: "a: x # x\nb: 'x'\nc: \"x\"\nd: &x x\ne: *x\n",
            changes: [.replace([[.key("a")], [.key("b")], [.key("c")], [.key("d")], [.key("e")]], with: "z")],
            new: "a: z # x\nb: 'z'\nc: \"z\"\nd: &x z\ne: *x\n"),
        Case(
            title: "another name in a list that stands for two", old: "a: &l [x, v]\nb: *l\n",
            changes: [.replace([[.key("a"), .index(0)], [.key("b"), .index(0)]], with: "z")],
            new: "a: &l [z, v]\nb: *l\n"),
        Case(
            title: "a name that needs quotes", old: "a: x\n", changes: [.replace([[.key("a")]], with: "0x10")],
            new: "a: \"0x10\"\n"),
        Case(
            title: "merge keys stay", old: "a: &b {x: 1}\nc:\n  <<: *b\n  y: [v]\n",
            changes: [.insert(.text("w"), into: [.key("c"), .key("y")])],
            new: "a: &b {x: 1}\nc:\n  <<: *b\n  y: [v, w]\n"),
        Case(
            title: "lists in lists", old: "a:\n- - b\n  - c\n- d\n",
            changes: [
                .insert(.text("e"), into: [.key("a"), .index(0)]), .remove([.key("a"), .index(0), .index(0)]),
                .insert(.text("f"), into: [.key("a")], before: 1),
            ],
            new: "a:\n- - c\n  - e\n- f\n- d\n"),
        Case(
            title: "texts over several lines",
            old: "a:\n  - b: one\n      two\n\n      three # c\n    d: |+\n      e\n\n  - f\n",
            changes: [.insert(.text("g"), into: [.key("a")]), .remove([.key("a"), .index(0)])],
            new: "a:\n  - f\n  - g\n"),
        Case(
            title: "keys further to the right", old: "  a: 1\n  # c\n",
            changes: [.insert(.text("x"), into: [.key("b")])],
            new: "  a: 1\n  # c\n  b: [x]\n"),
        Case(
            title: "tags and anchors before their values",
            old: "a: !!seq &p # why\n  - b\nc: !!map\n  d: &q\n    - e\n",
            changes: [.insert(.text("x"), into: [.key("a")]), .insert(.text("v"), into: [.key("c"), .key("d")])],
            new: "a: !!seq &p # why\n  - b\n  - x\nc: !!map\n  d: &q\n    - e\n    - v\n"),
        Case(
            title: "a mark at the beginning", old: "\u{feff}g: [a]\n",
            changes: [.insert(.text("b"), into: [.key("g")])],
            new: "\u{feff}g: [a, b]\n"),
    ]

    @Test(arguments: cases)
    func itLooksLikeTheRest(_ example: Case) throws {
        var text = try YAMLText(Array(example.old.utf8))
        for change in example.changes { text = try text.applying(change) }
        #expect(text.text == example.new)
    }

    static let refused: [(old: String, change: YAMLChange, word: String)] = [
        ("a: &p [x]\npeers: *p\n", .insert(.text("y"), into: peers), "peers (line 2) is an alias"),
        ("a: *p\nb: &p x\n", .remove([.key("a")]), "not one YAML document"),
        ("a: &p x\nb: *p\nc: 1\n", .remove([.key("a")]), "an alias elsewhere"),
        ("a: &p x\nb: *p\n", .replace([[.key("a")]], with: "y"), "a (line 1) has an anchor, and an alias elsewhere"),
        (
            "a: &p [x]\nb: *p\n", .insert(.text("y"), into: [.key("a")]),
            "a (line 1) has an anchor, and an alias elsewhere"
        ),
        ("a: &p [x, v]\nb: *p\n", .remove([.key("a"), .index(0)]), "a (line 1) has an anchor, and an alias elsewhere"),
        ("a: 1\n---\nb: 2\n", .insert(.text("y"), into: peers), "not one YAML document"),
        (
            "rules:\n  - |\n    text without an end", .insert(.text("y"), into: [.key("rules")]),
            "something else besides"
        ),
        ("a: {b: c}\n", .insert(.text("y"), into: [.key("a")]), "no place for that"),
        ("a: [1]\na: [2]\n", .insert(.text("y"), into: [.key("a")]), "not one YAML document"),
    ]

    @Test(arguments: refused.indices)
    func whatCannotBeDoneWithoutHarmIsRefused(_ place: Int) {
        let (old, change, word) = Self.refused[place]
        #expect {
            _ = try YAMLText(Array(old.utf8)).applying(change)
        } throws: { error in
            "\(error)".contains(word)
        }
    }

    /// The advice is what to write, in place.
    @Test func aRefusalSaysWhatToWrite() throws {
        let text = try YAMLText(Array("a: &p [{id: x}]\npeers: *p\n".utf8))
        #expect {
            _ = try text.applying(.insert(Self.peer, into: Self.peers))
        } throws: { error in
            "\(error)".hasSuffix(
                "Add by hand, at the end of peers:\n  peers:\n    - id: \"A1\"\n      name: new\n      addrs: [\"udp://a:1\"]"
            )
        }
    }

    /// An alias that stands for an alias that stands for... is a small file and a huge tree.
    @Test func whatGrowsWithoutEndIsRefused() {
        var lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
        for level in 1...9 {
            lines.append(
                "a\(level): &a\(level) [\([String](repeating: "*a\(level - 1)", count: 10).joined(separator: ", "))]")
        }
        #expect(throws: EditRefusal.self) { _ = try YAMLText(Array(lines.joined(separator: "\n").utf8)) }
        let deep = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
        #expect(throws: EditRefusal.self) { _ = try YAMLText(Array(deep.utf8)) }
        #expect(throws: EditRefusal.self) { _ = try YAMLText([0x61, 0x3a, 0x20, 0xff]) }
    }

    @Test func differencesAreThoseOfDiff() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm"
        let new = "a\nB\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\nn\n"
        #expect(
            UnifiedDiff.lines(old, new, name: "x") == [
                "--- x", "+++ x", "@@ -1,5 +1,5 @@", " a", "-b", "+B", " c", " d", " e", "@@ -10,4 +10,5 @@", " j",
                " k",
                " l", "-m", "\\ No newline at end of file", "+m", "+n",
            ])
        #expect(
            UnifiedDiff.lines("a\r\nb\r\n", "a\r\nb\r\nc\r\n", name: "x").dropFirst(2) == [
                "@@ -1,2 +1,3 @@", " a\r", " b\r", "+c\r",
            ])
        #expect(UnifiedDiff.lines("", "a\n", name: "x").dropFirst(2) == ["@@ -0,0 +1 @@", "+a"])
        #expect(UnifiedDiff.lines("a", "a", name: "x").isEmpty)
    }
}
