import Foundation
import Testing
import Wire

/// The inputs that the fuzzer starts from, and some thousand bent ones, through the same targets (Targets holds links
/// to those of Tests/Fuzz): what scripts/fuzz once found stays found where nobody runs it.
@Suite struct CorpusTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fuzz/corpus")

    private static func inputs(_ target: String) throws -> [[UInt8]] {
        let files = try FileManager.default.contentsOfDirectory(
            at: folder.appending(path: target), includingPropertiesForKeys: nil)
        return try files.sorted { $0.path < $1.path }.map { [UInt8](try Data(contentsOf: $0)) }
    }

    @Test func eachTargetHasInputs() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
        #expect(folders.sorted() == FuzzTargets.all.keys.sorted())
        for target in folders { #expect(try !Self.inputs(target).isEmpty, "\(target)") }
    }

    @Test(arguments: FuzzTargets.all.keys.sorted())
    func everyInput(_ name: String) throws {
        var target = try #require(FuzzTargets.all[name]).init()
        for input in try Self.inputs(name) { Inspected.$input.withValue(input) { target.run(input) } }
    }

    @Test(arguments: FuzzTargets.all.keys.sorted())
    func bentInputs(_ name: String) throws {
        let type = try #require(FuzzTargets.all[name])
        var target = type.init()
        let inputs = try Self.inputs(name)
        let random = FixedRandom(.random(in: .min ... .max))
        for _ in 0..<type.bentInputs {
            let input = bent(inputs[random.below(inputs.count)], random)
            Inspected.$input.withValue(input) { target.run(input) }
        }
    }

    /// One to three places changed, cut out or doubled.
    private func bent(_ input: [UInt8], _ random: FixedRandom) -> [UInt8] {
        var bytes = input
        for _ in 0...random.below(3) where !bytes.isEmpty {
            let place = random.below(bytes.count)
            switch random.below(5) {
            case 0: bytes[place] = UInt8(random.below(256))
            case 1: bytes[place] ^= 1 << UInt8(random.below(8))
            case 2: bytes.removeSubrange(place...)
            case 3: bytes.remove(at: place)
            default: bytes.insert(contentsOf: bytes[..<min(place, 64)], at: place)
            }
        }
        return bytes
    }
}

extension FixedRandom {
    fileprivate func below(_ limit: Int) -> Int {
        var value: UInt32 = 0
        withUnsafeMutableBytes(of: &value) { fill($0) }
        return Int(value) % limit
    }
}

/// What the targets call when something is wrong; `scripts/fuzz` has its own.
func demand(_ condition: Bool, _ what: @autoclosure () -> String) {
    guard !condition else { return }
    // The stateful targets need what came before it too, the others this input only.
    let hex = Inspected.input.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    Issue.record("\(what()); the input is \(hex)")
}

private enum Inspected {
    @TaskLocal static var input: [UInt8] = []
}
