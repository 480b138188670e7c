internal import AdminProtocol
internal import DataPlane
internal import Discovery
internal import INET256
internal import Logging
internal import Settings
internal import System
internal import Wire

/// What of discovery the configuration wants, and what its parts share. Nil where it wants nothing of it.
struct DiscoveryPlan {
    let key: PrivateKey
    let local: LocalSettings?
    /// Names of interfaces; none: all.
    let interfaces: [String]
    let admitsAnybody: Bool
    let central: [CentralDiscoveryConfiguration]
    let serves: Bool
    let transports: [Endpoint]
    /// Of peers, whose places a server keeps whatever comes.
    let peers: Set<Address>
    let stateFile: StateFile?
    let commands: Mailbox<DiscoveryCommand>
    let datagrams: Mailbox<RawDatagram>

    /// Datagrams that wait for the thread.
    private static let mostWaiting = 256

    init?(_ setup: DaemonSetup) throws {
        let configuration = setup.configuration
        let discovery = configuration.discovery
        stateFile = StateFile(configuration.stateFile, of: setup.key.address)
        guard discovery.local != nil || !discovery.central.isEmpty || configuration.serve.discovery || stateFile != nil
        else { return nil }
        key = setup.key
        local = discovery.local.map { local in
            var settings = LocalSettings()
            settings.period = .seconds(Int64(local.announcePeriod))
            settings.secret = local.secret
            settings.autopeering = local.autopeering
            return settings
        }
        interfaces = discovery.local?.interfaces ?? []
        admitsAnybody = discovery.local?.autopeering == true && configuration.accept == .any
        central = discovery.central
        serves = configuration.serve.discovery
        transports = configuration.transports.udp
        peers = Set(configuration.peers.map(\.id))
        commands = try Mailbox()
        datagrams = try Mailbox(capacity: Self.mostWaiting)
    }

    /// Takes no commands any more, and leaves nobody without an answer.
    func dismiss() {
        for case .inspect(let answer) in commands.close() { answer(nil) }
        _ = datagrams.close()
    }

    /// Whether peers are looked for at all.
    var looks: Bool { local != nil || !central.isEmpty }

    /// For the data plane; nil where nothing of it goes by the mesh's sockets.
    var rawDatagrams: RawDatagrams? {
        guard serves || !central.isEmpty else { return nil }
        return RawDatagrams(
            firstBytes: DiscoveryKind.firstBytes, largest: DiscoveryKind.largest, mailbox: datagrams)
    }
}

extension CentralDiscoveryConfiguration {
    var settings: CentralSettings {
        var settings = CentralSettings()
        settings.period = .seconds(Int64(period))
        settings.visibility = visibility == .all ? .all : .peers
        return settings
    }
}

/// What discovery's thread is told.
enum DiscoveryCommand: Sendable {
    case setPeers(Set<Address>)
    /// Those of them without a link.
    case setMissing(Set<Address>)
    /// Where the name of a server leads, by its place in the configuration.
    case setServers(Int, [Endpoint])
    /// Where the box may be reached, as it knows itself.
    case setPlaces([Candidate])
    case inspect(@Sendable (DiscoveryStatus?) -> Void)
    case stop
}
