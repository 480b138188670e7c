internal import DNS

/// Where a configuration names peers, groups and networks: every place that the reader looks a name up for.
enum NameReferences {
    /// The paths of all scalars that are `name` and mean what is called so.
    static func paths(of name: String, in root: PlainValue) -> [YAMLPath] {
        lists(in: root, of: name).flatMap { path -> [YAMLPath] in
            guard let value = root.value(at: path) else { return [] }
            if let items = value.items {
                return items.indices.filter { items[$0].text == name }.map { path + [.index($0)] }
            }
            return value.text == name ? [path] : []
        }
    }

    /// The places that have one name or a list of them.
    private static func lists(in root: PlainValue, of name: String) -> [YAMLPath] {
        var paths: [YAMLPath] = []
        for name in root["groups"]?.keys ?? [] { paths.append([.key("groups"), .key(name)]) }
        for name in root["networks"]?.keys ?? [] { paths.append([.key("networks"), .key(name), .key("via")]) }
        func entries(_ path: YAMLPath, _ key: (PlainValue) -> String) {
            for (index, entry) in (root.value(at: path)?.items ?? []).enumerated() {
                paths.append(path + [.index(index), .key(key(entry))])
            }
        }
        entries([.key("firewall"), .key("rules")]) { _ in "from" }
        entries([.key("firewall"), .key("outbound"), .key("rules")]) { _ in "to" }
        entries([.key("firewall"), .key("tests")]) { $0["way"]?.text == "out" ? "to" : "from" }
        paths.append([.key("portal"), .key("allow")])
        paths.append([.key("api"), .key("allow")])
        paths.append([.key("dns"), .key("allow")])
        // There it means this box, whoever is called so.
        if name != Zone.own { entries([.key("dns"), .key("services")]) { _ in "host" } }
        return paths
    }
}

extension EditedConfiguration {
    /// Where `name` is used, for people.
    func usesOf(_ name: String) -> String {
        NameReferences.paths(of: name, in: text.value).map { path in
            text.line(of: path).map { "\(path.words) (line \($0))" } ?? path.words
        }.joined(separator: ", ")
    }
}
