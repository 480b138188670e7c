import Firewall
import Foundation
import INET256
import TestSupport
import Testing
import Wire

@testable import Settings

/// Every operation on 600 files of users' styles: what comes out means the same plus the change, with all comments, or is refused.
@Suite struct StyledFileTests {
    static let files = 600

    /// Which operation, and what must come of it.
    private struct Operation {
        let name: String
        let step: ConfigurationStep
        /// Lines of the old text that may be gone or different.
        var touched = 1
        var removes = false
        let change: (inout Configuration) -> Void
    }

    private struct Tally {
        var edits = 0
        var refused: [String: Int] = [:]
        var reasons: [String: Int] = [:]
    }

    @Test(.timeLimit(.minutes(10)))
    func everyOperationOnEveryFile() throws {
        var random = SplitMix(seed: 20_261)
        var tally = Tally()
        for number in 0..<Self.files {
            let model = FileModel(&random)
            let file = StyledFile(model, &random)
            let old: EditedConfiguration
            do {
                old = try EditedConfiguration(Array(file.text.utf8), file: "/etc/box/config.yaml")
            } catch {
                Issue.record("file \(number) is not understood: \(error)\n\(file.text)")
                continue
            }
            #expect(old.text.comments.count == file.marks.count, "file \(number):\n\(file.text)")
            for operation in Self.operations(old, &random) {
                tally.edits += 1
                do {
                    try Self.check(try old.applying([operation.step]), old, file, operation, number)
                } catch let refusal as EditRefusal {
                    tally.refused[operation.name, default: 0] += 1
                    tally.reasons[String(refusal.reason.prefix(90)), default: 0] += 1
                }
            }
        }
        let refused = tally.refused.values.reduce(0, +)
        print("edits of styled files: \(tally.edits), refused \(refused): \(tally.refused.sorted { $0.key < $1.key })")
        for (reason, count) in tally.reasons.sorted(by: { $0.value > $1.value }).prefix(12) {
            print("  \(count) \(reason)")
        }
        #expect(tally.edits > 5_000)
        #expect(refused * 50 < tally.edits, "more than two in a hundred were refused")
    }

    /// Files that nobody would write: bytes are changed, lost, doubled. Nothing traps, and what is taken means what it should.
    @Test(.timeLimit(.minutes(5)))
    func bentFilesAreRefusedOrRight() throws {
        var random = SplitMix(seed: 77)
        let name: YAMLPath = [.key("peers"), .index(0), .key("name")]
        let changes: [YAMLChange] = [
            .insert(.mapping([YAMLField("id", .quoted("A"))]), into: [.key("peers")]),
            .insert(.mapping([YAMLField("id", .quoted("A"))]), into: [.key("peers")], before: 0),
            .insert(.text("x"), into: [.key("groups"), .key("admins")]),
            .insert(.text("x"), into: [.key("firewall"), .key("rules"), .index(0), .key("from")]),
            .add(YAMLField("name", .text("n")), to: [.key("peers"), .index(1)], behind: "id"),
            .remove([.key("peers"), .index(0)]), .remove([.key("peers")]), .remove([.key("groups"), .key("admins")]),
            .replace([name], with: "other"),
            .add(YAMLField("former_key", .mapping([YAMLField("path", .quoted("./x"))])), to: []),
            .add(YAMLField("path", .quoted("./x")), to: [.key("former_key")]), .remove([.key("former_key")]),
            .replace([[.key("former_key"), .key("until")]], with: "2027-01-01T00:00:00Z"),
        ]
        let signs: [UInt8] = Array("\n\r\t #-:,[]{}&*!|>?'\"%@`~\u{0}\u{85}".utf8)
        var taken = 0
        for _ in 0..<800 {
            var bytes = Array(StyledFile(FileModel(&random), &random).text.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = signs.randomElement(using: &random) ?? 0
                case 1: bytes.insert(signs.randomElement(using: &random) ?? 0, at: place)
                case 2: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...9, using: &random)))
                default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 40)], at: place)
                }
                if bytes.isEmpty { bytes = [0x0a] }
            }
            guard let text = try? YAMLText(bytes) else { continue }
            for change in changes {
                guard let new = try? text.applying(change) else { continue }
                taken += 1
                #expect(try YAMLText(new.bytes).value == text.value.applying(change))
            }
        }
        #expect(taken > 1_000)
    }

    /// What the project itself shows its users.
    @Test func theSamplesCanBeEdited() throws {
        let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().path
        var paths = try FileManager.default.contentsOfDirectory(atPath: here + "/docs/firewall")
            .filter { $0.hasSuffix(".yaml") }.map { here + "/docs/firewall/" + $0 }
        paths.append(here + "/deploy/config.sample.yaml")
        #expect(paths.count > 5)
        var random = SplitMix(seed: 1)
        for path in paths.sorted() {
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let old = try EditedConfiguration(Array(text.utf8), file: path)
            for operation in Self.operations(old, &random) {
                var expected = old.configuration
                operation.change(&expected)
                let new = try old.applying([operation.step])
                #expect(new.configuration == expected, "\(path), \(operation.name)")
            }
        }
    }

    private static func check(
        _ new: EditedConfiguration, _ old: EditedConfiguration, _ file: StyledFile, _ operation: Operation,
        _ number: Int
    ) throws {
        let text = new.text.text
        let diff = UnifiedDiff.lines(file.text, text, name: "file \(number), \(operation.name)")
        let shown = diff.joined(separator: "\n") + "\n---\n" + file.text
        var expected = old.configuration
        operation.change(&expected)
        // What was read is what anybody would read, and nothing but the change.
        #expect(try Configuration.parse(text, file: "/etc/box/config.yaml") == expected, "\(shown)")
        #expect(new.configuration == expected, "\(shown)")
        let gone = diff.dropFirst(2).filter { $0.hasPrefix("-") }
        let marks = text.matches(of: #/\bc[0-9]+c\b/#).map { String($0.0) }
        let missing = file.marks.filter { !marks.contains($0) }
        #expect(marks == file.marks.filter { !missing.contains($0) }, "\(shown)")
        if operation.removes {
            for mark in missing { #expect(gone.contains { $0.contains(mark) }, "\(mark)\n\(shown)") }
        } else {
            #expect(missing.isEmpty && gone.count <= operation.touched, "\(missing)\n\(shown)")
        }
        // The file's own ways stay.
        let scalars = text.unicodeScalars
        #expect((scalars.first == "\u{feff}") == (file.text.unicodeScalars.first == "\u{feff}"), "\(shown)")
        if file.isCRLF {
            let lone = zip(scalars, scalars.dropFirst()).contains { $0 != "\r" && $1 == "\n" }
            #expect(!lone, "\(shown)")
        } else {
            #expect(!scalars.contains("\r"), "\(shown)")
        }
        if !operation.removes {
            #expect(text.last?.isNewline == file.text.last?.isNewline || file.marks.isEmpty, "\(shown)")
        }
    }

    // MARK: Operations

    private static func operations(_ edited: EditedConfiguration, _ random: inout SplitMix) -> [Operation] {
        let old = edited.configuration
        return peerOperations(old, &random) + groupOperations(old, &random) + ruleOperations(old)
            + replacements(edited, &random) + keyOperations(old)
    }

    /// What must come of a peer's new address is what a plain search of the text for the old one makes of it.
    private static func replacements(_ old: EditedConfiguration, _ random: inout SplitMix) -> [Operation] {
        old.configuration.peers.map { peer in
            let new = Address(raw: .random(&random))
            let text = old.text.text.replacing(peer.id.description, with: new.description)
            return Operation(name: "replace peer", step: .replacePeer(peer.id, with: new), touched: 40) {
                guard let read = try? Configuration.parse(text, file: old.file) else {
                    Issue.record("the text with another address cannot be read:\n\(text)")
                    return
                }
                $0 = read
            }
        }
    }

    private static func keyOperations(_ old: Configuration) -> [Operation] {
        let key = FormerKeyConfiguration(path: "/keys/former", until: 1_798_538_400)
        let step = ConfigurationStep.setFormerKey(path: key.path, until: key.until)
        return [
            Operation(name: "set former key", step: step, touched: 2) { $0.formerKey = key },
            Operation(name: "remove former key", step: .removeFormerKey, removes: true) { $0.formerKey = nil },
        ]
    }

    private static func peerOperations(_ old: Configuration, _ random: inout SplitMix) -> [Operation] {
        var list: [Operation] = []
        let bare = PeerConfiguration(id: Address(raw: .random(&random)))
        let full = PeerConfiguration(
            id: Address(raw: .random(&random)), name: "new-one",
            endpoints: ["udp://[2001:db8::1]:25632", "dns://box.example.org"].compactMap { PeerEndpoint($0) })
        for peer in [bare, full] {
            list.append(Operation(name: "add peer", step: .addPeer(peer), touched: 2) { $0.peers.append(peer) })
        }
        guard let place = old.peers.indices.randomElement(using: &random) else { return list }
        let peer = old.peers[place]
        list.append(
            Operation(name: "rename peer", step: .renamePeer(peer.label, to: "other-name"), touched: 40) {
                $0.peers[place].name = "other-name"
            })
        for (index, peer) in old.peers.enumerated() where !isNamed(peer, in: old) {
            list.append(
                Operation(name: "remove peer", step: .removePeer(peer.label), removes: true) {
                    $0.peers.remove(at: index)
                })
        }
        return list
    }

    private static func isNamed(_ peer: PeerConfiguration, in old: Configuration) -> Bool {
        let rules = old.firewall.inbound.rules + old.firewall.outbound.rules
        return old.groups.contains { $0.members.contains(.node(peer.id)) }
            || old.firewall.tests.contains { $0.subjects.contains(.node(peer.id)) }
            || old.networks.contains { $0.via == peer.id } || rules.contains { $0.peers.contains(.node(peer.id)) }
    }

    private static func groupOperations(_ old: Configuration, _ random: inout SplitMix) -> [Operation] {
        var list = [
            Operation(name: "make group", step: .addGroupMember(group: "fresh", member: "fdee::/16"), touched: 2) {
                guard let member = try? old.subject("fdee::/16") else { return }
                $0.groups.append(GroupConfiguration(name: "fresh", members: [member]))
            }
        ]
        guard let place = old.groups.indices.randomElement(using: &random) else { return list }
        let group = old.groups[place]
        list.append(
            Operation(name: "add member", step: .addGroupMember(group: group.name, member: "peers"), touched: 2) {
                $0.groups[place].members.append(.peers)
            })
        if group.members.count > 1, let index = group.members.indices.randomElement(using: &random) {
            let word = RuleText.word(group.members[index], peers: old.peers)
            list.append(
                Operation(
                    name: "remove member", step: .removeGroupMember(group: group.name, member: word), removes: true
                ) { $0.groups[place].members.remove(at: index) })
        }
        for (index, group) in old.groups.enumerated() {
            let rules = old.firewall.inbound.rules + old.firewall.outbound.rules
            let isUsed =
                rules.contains { $0.peers.contains(.group(group.name)) }
                || old.firewall.tests.contains { $0.subjects.contains(.group(group.name)) }
                || old.groups.contains { $0.members.contains(.group(group.name)) }
            guard !isUsed else { continue }
            list.append(
                Operation(name: "remove group", step: .removeGroup(group.name), removes: true) {
                    $0.groups.remove(at: index)
                })
        }
        return list
    }

    private static func ruleOperations(_ old: Configuration) -> [Operation] {
        func rule(_ action: FirewallAction, _ service: String, _ who: ConfiguredSubject, _ out: Bool) -> ConfiguredRule
        {
            let services = (try? ServiceText.parse(service, names: .system)) ?? []
            return ConfiguredRule(
                action: action, services: [ConfiguredService(text: service, services: services)], peers: [who],
                places: out ? [.any] : [.box])
        }
        var allow = RuleDraft(.allow, services: ["tcp/4711"], subjects: ["peers"])
        allow.comment = "a word: of #mine"
        var first = RuleDraft(.deny, services: ["udp/4712"], subjects: ["any"])
        first.before = 0
        var out = RuleDraft(.reject, services: ["tcp/4713"], subjects: ["peers"])
        out.way = .outbound
        var made = rule(.allow, "tcp/4711", .peers, false)
        made.comment = allow.comment
        return [
            Operation(name: "allow", step: .addRule(allow), touched: 2) { $0.firewall.inbound.rules.append(made) },
            Operation(name: "deny first", step: .addRule(first), touched: 2) {
                $0.firewall.inbound.rules.insert(rule(.deny, "udp/4712", .any, false), at: 0)
            },
            Operation(name: "outbound", step: .addRule(out), touched: 2) {
                $0.firewall.outbound.rules.append(rule(.reject, "tcp/4713", .peers, true))
            },
        ]
    }
}

extension Bytes32 {
    fileprivate static func random(_ random: inout SplitMix) -> Bytes32 {
        Bytes32(words: (random.next(), random.next(), random.next(), random.next()))
    }
}
