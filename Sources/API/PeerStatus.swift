/// A neighbour: configured, or one that came by itself where `accept: any` allows it.
public struct PeerStatus: Codable, Sendable, Equatable {
    public enum State: String, Codable, Sendable, CaseIterable {
        case up, handshaking, down
        /// Somebody answers there, and it is not this peer, or it may not come in.
        case refused
    }

    /// The address, 43 characters.
    public var id: String
    public var name: String?
    public var configured: Bool
    public var state: State
    /// Why the state is what it is, such as "wrong key: answered as ...".
    public var detail: String?
    /// The same in one word while the link is down, such as "no-route" or "other-key"; README lists them.
    public var reason: String?
    public var endpoint: String?
    public var rttMs: Double?
    public var handshakeAgeSeconds: Double?
    public var traffic = Traffic()
    /// Datagrams that the peer sent here and that did not come in though later ones did; nil before the first session. It
    /// lags by some seconds, since what is merely late is waited for, and it holds what probes of the path's size that
    /// were too large cost.
    public var lostPackets: UInt64?
    /// Of a hundred questions to the peer by the link's path, how many get no answer, as a moving average: what is lost there
    /// or on the way back.
    public var lossPercent: Double?
    /// The link loses so much that data goes around it by relays.
    public var avoided: Bool?
    public var cipher: String?
    /// The library that this box takes the cipher from, such as "openssl".
    public var cipherBackend: String?
    /// Bytes of datagram that the path carries.
    public var mtu: Int?

    public init(id: String, name: String? = nil, configured: Bool, state: State) {
        self.id = id
        self.name = name
        self.configured = configured
        self.state = state
    }

    enum CodingKeys: String, CodingKey {
        case id, name, configured, state, detail, reason, endpoint, traffic, cipher, mtu, avoided
        case rttMs = "rtt_ms"
        case cipherBackend = "cipher_backend"
        case handshakeAgeSeconds = "handshake_age_seconds"
        case lostPackets = "lost_packets"
        case lossPercent = "loss_percent"
    }
}

/// A session between one of the local nodes and a remote one.
public struct SessionStatus: Codable, Sendable, Equatable {
    public enum Via: String, Codable, Sendable {
        /// Datagrams go to the remote box itself.
        case direct
        /// Through neighbours.
        case relayed
    }

    public var local: String
    public var remote: String
    public var via: Via
    /// The remote endpoint of a direct session.
    public var endpoint: String?
    /// The neighbour's address that a relayed session goes through.
    public var nextHop: String?
    public var ageSeconds: Double
    public var cipher: String?
    /// The library that this box takes the cipher from, such as "openssl".
    public var cipherBackend: String?
    /// Bytes of datagram that the path carries.
    public var mtu: Int?
    public var traffic = Traffic()

    public init(local: String, remote: String, via: Via, ageSeconds: Double) {
        self.local = local
        self.remote = remote
        self.via = via
        self.ageSeconds = ageSeconds
    }

    enum CodingKeys: String, CodingKey {
        case local, remote, via, endpoint, cipher, mtu, traffic
        case nextHop = "next_hop"
        case cipherBackend = "cipher_backend"
        case ageSeconds = "age_seconds"
    }
}
