package struct NodeConfiguration: Hashable, Sendable {
    package var privateKeyPath: String
}

extension NodeConfiguration {
    private static let list = Form<[NodeConfiguration]> { value, reading in
        value.nodes(in: reading.directory, besides: reading.configuration.privateKeyPath)
    } show: { list, _ in
        .list(list.map { .mapping([("private_key_path", .word($0.privateKeyPath))]) })
    }

    static let setting = Setting(
        "nodes", \.nodes, list, .restart, comment: "Further nodes that this box hosts, each with a key of its own."
    )
    .turn(.behindLimits).inFile(.lines("#nodes:\n#  - private_key_path: ./second.inet256"))
    .rows([
        TableRow(
            "`nodes[].private_key_path`", "none",
            "further nodes hosted by this box; applications with the key may join them")
    ])
}

extension ConfigurationValue {
    fileprivate func nodes(in directory: String, besides main: String) -> [NodeConfiguration] {
        if isNull { return [] }
        var list: [NodeConfiguration] = []
        for item in items(expected: "a list such as [{private_key_path: ./second.inet256}]") ?? [] {
            var given = false
            let isComplete = item.fields(["private_key_path"], expected: "a mapping with private_key_path") {
                _, value in
                given = true
                guard let path = value.path(in: directory) else { return }
                let node = NodeConfiguration(privateKeyPath: path)
                if path == main || list.contains(node) {
                    value.complain(expected: "a key file of its own for each node", found: "\(path) a second time")
                }
                list.append(node)
            }
            if isComplete, !given { item.complain(expected: "the key private_key_path") }
        }
        return list
    }
}
