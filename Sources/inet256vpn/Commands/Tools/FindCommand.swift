internal import ArgumentParser
internal import INET256
internal import INET256Client
internal import Wire

struct FindCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "find",
        abstract: "Find an address that begins with a prefix.",
        discussion: """
            A PREFIX is the beginning of an address, or 0x and hexadecimal digits; /BITS
            behind it says how many bits of it count, else all of them do. One that begins
            with "-" goes behind "--". With a dot in it, it is a name:
            office.mesh.internal.

            EXAMPLES
              inet256vpn find oJLz
              inet256vpn find 0xd2/7
              inet256vpn find --json -- -0Ab/20

            \(ExitStatus.help)
            """)

    @OptionGroup var lookup: LookupOptions
    @OptionGroup var access: NodeAccess
    @Argument(help: ArgumentHelp("The prefix, or a name with a dot in it.", valueName: "prefix|name"))
    var target: FindTarget

    private struct Found: Encodable {
        let bits: Int
        let address: String
    }

    func run() async throws {
        let prefix: AddressPrefix
        switch target {
        case .prefix(let given): prefix = given
        case .name(let name): prefix = AddressPrefix(whole: try await access.resolve(.name(name)))
        }
        let node = try await access.open()
        defer { node.close() }
        let found = try await lookup.answer(unknown: "the network knows no address with this prefix") { [prefix] in
            try await node.findAddress(prefix: prefix.address, bits: prefix.bits)
        }
        if lookup.json { return try printJSON(Found(bits: prefix.bits, address: "\(found)")) }
        print(found)
    }
}

/// A prefix, or a name: no prefix has a dot in it.
enum FindTarget: ExpressibleByArgument, Equatable {
    case prefix(AddressPrefix)
    case name(String)

    init?(argument: String) {
        if let prefix = AddressPrefix(argument: argument) {
            self = .prefix(prefix)
        } else if argument.contains("."), case .name(let name)? = TargetArgument(argument: argument) {
            self = .name(name)
        } else {
            return nil
        }
    }
}

/// The first bits of an address on the command line.
struct AddressPrefix: ExpressibleByArgument, Equatable {
    let address: Address
    let bits: Int

    init(whole address: Address) {
        self.address = address
        bits = Address.bitCount
    }

    init?(argument: String) {
        let text = DashedAddress.unprotect(argument)
        if let whole = NodeNames.label(text) {
            address = whole
            bits = Address.bitCount
            return
        }
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let body = parts.first, let (bytes, count) = Self.parse(body) else { return nil }
        if parts.count == 2 {
            guard let bits = Int(parts[1]), (0...count).contains(bits) else { return nil }
            self.bits = bits
        } else {
            bits = count
        }
        let padded = bytes + [UInt8](repeating: 0, count: Address.count - bytes.count)
        guard let raw = Bytes32(padded) else { return nil }
        address = Address(raw: raw).masked(to: bits)
    }

    /// The bytes and the number of bits that `text` stands for.
    private static func parse(_ text: String) -> ([UInt8], Int)? {
        if text.hasPrefix("0x") {
            let digits = text.dropFirst(2)
            guard digits.utf8.count <= 2 * Address.count else { return nil }
            return bytes(digits.map { $0.isASCII ? $0.hexDigitValue : nil }, width: 4)
        }
        guard text.utf8.count <= Address.textCount else { return nil }
        // A whole address has two bits more in its characters than it has itself.
        if let whole = Address(text) { return (whole.raw.bytes, Address.bitCount) }
        guard text.utf8.count < Address.textCount else { return nil }
        let alphabet = Array("-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
        return bytes(text.map { alphabet.firstIndex(of: $0) }, width: 6)
    }

    private static func bytes(_ values: [Int?], width: Int) -> ([UInt8], Int)? {
        var bytes = [UInt8](repeating: 0, count: (values.count * width + 7) / 8)
        for (index, value) in values.enumerated() {
            guard let value else { return nil }
            for bit in 0..<width where value >> (width - 1 - bit) & 1 == 1 {
                let place = index * width + bit
                bytes[place / 8] |= 0x80 >> UInt8(place % 8)
            }
        }
        return (bytes, values.count * width)
    }
}
