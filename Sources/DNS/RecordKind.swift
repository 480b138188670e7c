/// Numbers of the domain name system, as far as they are heeded here.
enum RecordKind {
    /// RFC 1035 section 3.2.2, RFC 3596, RFC 2782, RFC 6891.
    static let address: UInt16 = 1
    static let nameserver: UInt16 = 2
    static let authority: UInt16 = 6
    static let pointer: UInt16 = 12
    static let ipv6: UInt16 = 28
    static let service: UInt16 = 33
    static let options: UInt16 = 41
    /// Whole zones are nobody's to have (RFC 1995, RFC 5936).
    static let transfers: ClosedRange<UInt16> = 251...252
    static let any: UInt16 = 255

    /// The one class (RFC 1035 section 3.2.4), and every class.
    static let internet: UInt16 = 1
    static let everyClass: UInt16 = 255
}

/// RFC 1035 section 4.1.1, RFC 6891 section 9.
package enum ResponseCode: UInt16, Sendable {
    case noError = 0
    case formatError = 1
    case serverFailure = 2
    case nameError = 3
    case notImplemented = 4
    case refused = 5
    /// A version of EDNS that is not spoken here. Its upper eight bits stand in the OPT record.
    case badVersion = 16
}
