internal import INET256
internal import Wire

/// What a box is made with and keeps: bounds, ciphers, where its random numbers come from.
struct BoxContext {
    let limits: MeshLimits
    let suites: Suites
    let random: any RandomSource
    /// This run of the daemon: neighbours notice a restart by it.
    let run: UInt64
    /// The routing algorithm.
    let networkName: String
    /// Where this box's portal has all nodes; nil without a portal. Neighbours are told.
    let prefix: IPv6Prefix?

    init(_ settings: BoxSettings, _ random: any RandomSource) {
        limits = settings.limits
        suites = settings.suites
        precondition(suites.bits != 0, "no cipher is left: the configuration must allow one that this machine has")
        self.random = random
        run = random.next64()
        networkName = settings.algorithm.name
        prefix = settings.prefix
    }
}

extension MeshBox {
    // What is asked of it most, without copying it.
    var limits: MeshLimits { _read { yield context.limits } }
    var suites: Suites { _read { yield context.suites } }
    var random: any RandomSource { context.random }
}
