internal import Logging
internal import PortMapping
internal import Wire

/// What came of asking the router, for the log.
enum ReachWords {
    /// Of `advertise`, looked up at a time.
    static let mostNames = 4

    struct Line {
        var text: String
        var metadata: Logger.Metadata = [:]
        /// Whether it is more than a detail.
        var isNews = false
    }

    /// Nil while there is nothing to say.
    static func mapping(_ report: MappingReport) -> Line? {
        guard let target = report.target else { return nil }
        let router = text(target.gateway)
        if let mapping = report.mapping {
            let details: Logger.Metadata = [
                "endpoint": "\(mapping.external)", "router": "\(router)", "by": "\(mapping.by.rawValue)",
            ]
            guard mapping.isPublic else {
                return Line(
                    text:
                        "the router's own address outside is not a public one: two NATs in series, and a port of the first leads nowhere",
                    metadata: details, isNews: true)
            }
            return Line(text: "the router has opened a port for this box", metadata: details, isNews: true)
        }
        guard !report.isAsking else { return nil }
        let tried = MappingProtocol.allCases.compactMap { way in
            report.failures[way].map { "\(way.rawValue): \($0.text)" }
        }
        return Line(
            text: "the router opens no port for this box",
            metadata: ["router": "\(router)", "tried": "\(tried.joined(separator: "; "))"])
    }

    /// An address as people write it.
    static func text(_ address: IPv6Address) -> String {
        guard let v4 = address.mappedIPv4 else { return "\(address)" }
        return "\(v4 >> 24).\(v4 >> 16 & 255).\(v4 >> 8 & 255).\(v4 & 255)"
    }
}
