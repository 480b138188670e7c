import Foundation
import Testing

@testable import Settings

/// Every key of the configuration stands in README.md's table, and in the default configuration.
@Suite struct DocumentedKeysTests {
    /// The paths of all keys, such as "portal.mtu" and "peers[].name", of what the program itself writes in full.
    private static func keys(of value: Any, below path: String = "") -> [String] {
        if let list = value as? [Any] { return list.flatMap { keys(of: $0, below: path + "[]") } }
        guard let mapping = value as? [String: Any] else { return [] }
        return mapping.flatMap { name, value -> [String] in
            let own = path.isEmpty ? name : "\(path).\(name)"
            return [own] + keys(of: value, below: own)
        }
    }

    /// Names of the author's own, or explained by the key above them.
    private static let inner = [
        "api.limits.", "networks.", "groups.", "firewall.rules[]", "firewall.outbound.rules[]", "firewall.tests[]",
        "firewall.nat[]", "dns.services[]",
        "network.", "transports[].udp",
    ]

    @Test func theReadmeHasEveryKey() throws {
        let configuration = try ConfigurationTests.parse(ConfigurationTests.everything)
        let root = try JSONSerialization.jsonObject(
            with: try JSONEncoder().encode(EffectiveConfiguration(configuration)))
        let keys = Set(Self.keys(of: root)).filter { key in !Self.inner.contains { key.hasPrefix($0) } }
        #expect(keys.count > 30, "\(keys)")
        let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
        let readme = try String(contentsOfFile: here + "/README.md", encoding: .utf8)
        let rows = readme.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { $0.split(separator: "|")[0] }
        let first = rows.joined(separator: "\n")
        for key in keys.sorted() {
            let stands =
                first.contains("`\(key)`")
                || keys.contains { $0 != key && ($0.hasPrefix(key + ".") || $0.hasPrefix(key + "[]")) }
            #expect(stands, "README.md's table of keys lacks \(key)")
        }
        for key in keys {
            let name = key.split(separator: ".").last.map(String.init) ?? key
            #expect(Configuration.commentedDefault.contains("\(name):"), "the default configuration lacks \(key)")
        }
    }
}
