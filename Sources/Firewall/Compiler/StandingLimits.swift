/// What is let through by itself, without a rule of anybody's: pings, and errors that belong to no known connection. Each
/// node has its part, so that one alone does not keep the others from being answered:
///
///     over the rate of its own address     dropped
///     under the rate of all together       passes
///     the rest                             dropped
///
/// Addresses of networks behind a node count for themselves. Who has more than 4096 of them within a minute is held by the
/// rate of all alone, as are those who come while it is so.
enum StandingLimit: String {
    case pings = "mesh_pings"
    case errors = "mesh_errors"

    /// Of one address.
    var each: RateLimit {
        switch self {
        case .pings: RateLimit(50, per: .second, burst: 100)
        case .errors: RateLimit(100, per: .second, burst: 100)
        }
    }

    /// Of all together. Pings make connections in conntrack, which keeps them for 30 seconds and has room for 65,536 on
    /// most machines.
    var all: RateLimit { RateLimit(500, per: .second, burst: 500) }
}

extension RulesetParts {
    /// The chain that lets packets of a kind pass within limits: by their source inbound, by their destination outbound.
    mutating func standing(_ kind: StandingLimit, isInbound: Bool) -> String {
        let name = kind.rawValue + (isInbound ? "_in" : "_out")
        let met = set(name + "_met", .met)
        let isTooMuch: [Statement] = [.counter(named: PolicyCompiler.Counter.tooManyErrors.rawValue), .drop]
        let passes: [Statement] =
            kind == .pings ? [.counter(named: PolicyCompiler.Counter.echo.rawValue), .accept] : [.accept]
        chain(
            RulesetChain(
                name: name,
                rules: [
                    RulesetRule([.isOver(kind.each, isInbound ? .source : .destination, set: met)] + isTooMuch),
                    RulesetRule([.limitRate(kind.all)] + passes),
                    RulesetRule(isTooMuch),
                ]))
        return name
    }
}
