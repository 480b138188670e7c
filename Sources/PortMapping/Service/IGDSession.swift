internal import Wire

/// A gateway that speaks UPnP, by calls that wait for its answers. The numbers are UPnP's errors; 0 is none, and negative ones are the
/// library's own.
package protocol IGDLibrary: AnyObject, Sendable {
    /// What keeps the library from being used; nil when nothing does.
    func load() -> String?
    /// 0, or -1 where there is no gateway. It is kept for the calls that follow.
    func find(own: String) -> Int32
    func externalAddress() -> (code: Int32, text: String)
    func map(port: UInt16, own: String, ownPort: UInt16, seconds: UInt32) -> Int32
    func unmap(port: UInt16) -> Int32
}

/// Does what UPnP's thread is told to do. Everything in here waits.
struct IGDSession {
    private let library: any IGDLibrary
    /// Ports to try where others are taken.
    private let spare: [UInt16]

    /// Calls for a mapping in all: each refusal that has a remedy takes another one.
    private static let tries = 5

    init(_ library: any IGDLibrary, spare: [UInt16]) {
        self.library = library
        self.spare = spare
    }

    /// Three ports above those of services and below those that systems take for connections of their own (RFC 6335 section 6).
    static func spare(_ random: any RandomSource) -> [UInt16] {
        (0..<3).map { _ in UInt16(20_000 + random.next(below: 29_152)) }
    }

    /// What the gateway may say (UPnP InternetGatewayDevice, WANIPConnection:1 section 2.4.16, and :2).
    private enum Code {
        static let notAuthorised: Int32 = 606
        static let portIsTaken: Int32 = 718
        static let samePortOnly: Int32 = 724
        static let permanentOnly: Int32 = 725
        static let noRoom: Int32 = 728
        static let tooOften: Int32 = 729
    }

    func run(_ job: IGDJob) -> Result<Mapping, MappingFailure> {
        switch job {
        case .map(let own, let port, let lifetime): map(own, port, lifetime)
        case .unmap(let port): unmap(port)
        }
    }

    private func map(_ own: Endpoint, _ wish: UInt16, _ lifetime: UInt32) -> Result<Mapping, MappingFailure> {
        if let reason = library.load() { return .failure(.unavailable(reason)) }
        guard let value = own.address.mappedIPv4 else { return .failure(.unavailable("UPnP is IPv4's")) }
        let text = "\(value >> 24).\(value >> 16 & 255).\(value >> 8 & 255).\(value & 255)"
        guard library.find(own: text) == 0 else { return .failure(.silent) }
        let outside = library.externalAddress()
        guard outside.code == 0, let external = IPv4Text.parse(outside.text) else {
            return .failure(.refused("it does not say its address outside (\(outside.code))"))
        }
        guard IPv6Address(mappedIPv4: external).reach < .host else {
            return .failure(.refused("it has no connection itself"))
        }
        var port = wish
        var seconds = lifetime
        var spare = spare
        for _ in 0..<Self.tries {
            let code = library.map(port: port, own: text, ownPort: own.port, seconds: seconds)
            switch code {
            case 0:
                let endpoint = Endpoint(address: IPv6Address(mappedIPv4: external), port: port)
                return .success(Mapping(by: .upnp, external: endpoint, lifetime: seconds))
            case Code.permanentOnly where seconds > 0: seconds = 0
            case Code.samePortOnly where port != own.port: port = own.port
            case Code.portIsTaken where !spare.isEmpty: port = spare.removeFirst()
            case Code.portIsTaken: return .failure(.refused("the outside ports that were tried are taken"))
            case Code.notAuthorised: return .failure(.refused("it is not allowed to this machine"))
            case Code.noRoom, Code.tooOften: return .failure(.refused("it has no room for another mapping"))
            case ..<0: return .failure(.silent)
            default: return .failure(.refused("it answered with error \(code)"))
            }
        }
        return .failure(.refused("it wants something else each time"))
    }

    private func unmap(_ port: UInt16) -> Result<Mapping, MappingFailure> {
        if let reason = library.load() { return .failure(.unavailable(reason)) }
        let code = library.unmap(port: port)
        return .failure(code == 0 ? .refused("given back") : .refused("it answered with error \(code)"))
    }
}
