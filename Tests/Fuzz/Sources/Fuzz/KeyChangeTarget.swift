import INET256
import Wire

@testable import KeyChange

/// What a box says of its new key, and what a peer answers: the first byte chooses. What is taken comes out as it was.
struct KeyChangeTarget: FuzzTarget {
    private static let former = PrivateKey(generatedFrom: FixedRandom(80))
    private static let new = PrivateKey(generatedFrom: FixedRandom(81))

    func run(_ input: [UInt8]) {
        guard let first = input.first else { return }
        let bytes = Array(input.dropFirst())
        switch first % 4 {
        case 0: read(bytes)
        case 1:
            if let reply = bytes.withUnsafeBytes({ KeyStatementReply($0) }) {
                demand(reply.bytes == bytes, "a reply that does not come back")
            }
        case 2:
            // Times and a version under the right keys, and under signatures that are right, which random bytes never are.
            let beginning = Array((bytes + [UInt8](repeating: 0, count: 17)).prefix(17))
            let said = beginning + Self.former.publicKey.serialized + Self.new.publicKey.serialized
            let statement = read(KeyStatement.signed(said, by: Self.former, Self.new))
            let times = beginning.dropFirst().map { UInt64($0) }
            let made = Int64(truncatingIfNeeded: times.prefix(8).reversed().reduce(0) { $0 << 8 | $1 })
            let until = Int64(truncatingIfNeeded: times.suffix(8).reversed().reduce(0) { $0 << 8 | $1 })
            let isPossible = beginning[0] == 1 && made >= 0 && until > made
            demand((statement != nil) == isPossible, "a statement from \(made) to \(until), taken or not")
            demand(statement.map { $0.made == made && $0.until == until } != false, "other times than were said")
        default:
            // Anything at all, signed by both.
            read(KeyStatement.signed(bytes, by: Self.former, Self.new))
        }
    }

    @discardableResult
    private func read(_ bytes: [UInt8]) -> KeyStatement? {
        guard let statement = bytes.withUnsafeBytes({ KeyStatement($0) }) else { return nil }
        demand(statement.bytes == bytes && bytes.count == KeyStatement.count, "a statement that does not come back")
        demand(statement.made >= 0 && statement.until > statement.made, "times that cannot be")
        demand(statement.former != statement.new, "twice the same address")
        return statement
    }

    /// Genuine inputs.
    static func seeds() -> [[UInt8]] {
        let statement = KeyStatement(former: former, new: new, made: 1_700_000_000, until: 1_700_604_800)
        let said = Array(statement.bytes.prefix(KeyStatement.saidCount))
        return [
            [0] + statement.bytes, [1] + KeyStatementReply(.replaced, of: new.address).bytes,
            [1] + KeyStatementReply(.failed, of: former.address).bytes, [2] + said.prefix(17), [3] + said,
        ]
    }
}
