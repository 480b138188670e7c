internal import ArgumentParser
internal import INET256
internal import Settings
internal import Wire

/// Addresses that begin with `-`, one in 64 of them, which a parser of command lines takes for options. Before
/// parsing they get a mark in front, and every argument that is read sheds it.
enum DashedAddress {
    private static let mark = "address:"

    static func protect(_ arguments: [String]) -> [String] {
        arguments.map { isMeant($0) ? mark + $0 : $0 }
    }

    /// Also an address with a slip in it, so that the complaint is about the address.
    private static func isMeant(_ text: String) -> Bool {
        text.hasPrefix("-") && text.utf8.count == Address.textCount
            && text.unicodeScalars.allSatisfy {
                $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == "-" || $0 == "_")
            }
    }

    /// `text` with every mark taken out: an argument, or a message that quotes one.
    static func unprotect(_ text: String) -> String { text.replacing(mark + "-", with: "-") }
}

/// An address on the command line, as its text or as the label of a name.
struct AddressArgument: ExpressibleByArgument {
    let address: Address

    init?(argument: String) {
        let text = DashedAddress.unprotect(argument)
        guard let address = Address(text) ?? NodeNames.label(text) else { return nil }
        self.address = address
    }
}

/// A node's name (see `NodeNames`) or an address.
enum TargetArgument: ExpressibleByArgument, Equatable {
    case address(Address)
    case name(String)

    init?(argument: String) {
        let text = DashedAddress.unprotect(argument)
        if let address = Address(text) ?? NodeNames.label(text) {
            self = .address(address)
        } else if PeerName.fault(in: text) == nil {
            self = .name(text)
        } else {
            return nil
        }
    }
}

/// The path of a file; also one whose name looks like an address.
struct FileArgument: ExpressibleByArgument, Equatable {
    let path: String

    init?(argument: String) {
        path = DashedAddress.unprotect(argument)
        if path.isEmpty { return nil }
    }
}

/// An IPv6 prefix that can carry the map.
struct PrefixArgument: ExpressibleByArgument {
    let map: IPv6Map

    init(_ map: IPv6Map) { self.map = map }

    init?(argument: String) {
        guard let prefix = IPv6Prefix(argument), let map = try? IPv6Map(prefix: prefix) else { return nil }
        self.map = map
    }

    var defaultValueDescription: String { map.prefix.description }
}
