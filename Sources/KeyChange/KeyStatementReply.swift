package import INET256
internal import Wire

/// What a peer answers to a `KeyStatement`, inside the session that it came by.
///
///     version (1) | verdict (1) | new address (32)
package struct KeyStatementReply: Equatable, Sendable {
    package enum Verdict: UInt8, Sendable, CaseIterable {
        /// The new address is in force.
        case replaced = 1
        /// Somebody has to accept it.
        case waits = 2
        /// The peer's configuration says that nothing is done.
        case refused = 3
        /// The former address is no peer there.
        case unknown = 4
        /// It could not be written into the configuration.
        case failed = 5
    }

    package var verdict: Verdict
    /// That of the statement, so that an answer to an earlier one is not taken for one to this.
    package var new: Address

    /// In bytes.
    package static let count = 1 + 1 + Address.count
    private static let version: UInt8 = 1

    package init(_ verdict: Verdict, of new: Address) {
        self.verdict = verdict
        self.new = new
    }

    package init?(_ bytes: UnsafeRawBufferPointer) {
        var reader = ByteReader(bytes)
        guard bytes.count == Self.count, reader.big(UInt8.self) == Self.version,
            let verdict = reader.big(UInt8.self).flatMap(Verdict.init), let raw = reader.bytes32()
        else { return nil }
        self.verdict = verdict
        new = Address(raw: raw)
    }

    package var bytes: [UInt8] {
        var bytes = [Self.version, verdict.rawValue]
        bytes.append(new.raw)
        return bytes
    }
}
