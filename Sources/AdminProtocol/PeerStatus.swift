/// A neighbour: configured, or one that came by itself where `accept: any` allows it.
package struct PeerStatus: Codable, Sendable, Equatable {
    package enum State: String, Codable, Sendable, CaseIterable {
        case up, handshaking, down
        /// Somebody answers there, and it is not this peer, or it may not come in.
        case refused
    }

    /// The address, 43 characters.
    package var id: String
    package var name: String?
    package var configured: Bool
    package var state: State
    /// Why the state is what it is, such as "wrong key: answered as ...".
    package var detail: String?
    /// The same in one word while the link is down, such as "no-route" or "other-key"; README lists them.
    package var reason: String?
    package var endpoint: String?
    package var rttMs: Double?
    package var handshakeAgeSeconds: Double?
    package var traffic = Traffic()
    /// Datagrams that the peer sent here and that did not come in though later ones did; nil before the first session. It
    /// lags by some seconds, since what is merely late is waited for, and it holds what probes of the path's size that
    /// were too large cost.
    package var lostPackets: UInt64?
    /// Of a hundred questions to the peer by the link's path, how many get no answer, as a moving average: what is lost there
    /// or on the way back.
    package var lossPercent: Double?
    /// The link loses so much that data goes around it by relays.
    package var avoided: Bool?
    package var cipher: String?
    /// The library that this box takes the cipher from, such as "openssl".
    package var cipherBackend: String?
    /// Bytes of datagram that the path carries.
    package var mtu: Int?
    /// What it calls itself; nil where it says nothing.
    package var ownNames: [String]?
    /// How what is for the peer goes; nil while there is no session.
    package var path: PathStatus?

    package init(id: String, name: String? = nil, configured: Bool, state: State) {
        self.id = id
        self.name = name
        self.configured = configured
        self.state = state
    }

    enum CodingKeys: String, CodingKey {
        case id, name, configured, state, detail, reason, endpoint, traffic, cipher, mtu, avoided, path
        case ownNames = "own_names"
        case rttMs = "rtt_ms"
        case cipherBackend = "cipher_backend"
        case handshakeAgeSeconds = "handshake_age_seconds"
        case lostPackets = "lost_packets"
        case lossPercent = "loss_percent"
    }
}

/// A session between one of the local nodes and a remote one.
package struct SessionStatus: Codable, Sendable, Equatable {
    package enum Via: String, Codable, Sendable {
        /// Datagrams go to the remote box itself.
        case direct
        /// Through neighbours.
        case relayed
    }

    package var local: String
    package var remote: String
    package var via: Via
    /// The remote endpoint of a direct session.
    package var endpoint: String?
    /// The neighbour's address that a relayed session goes through.
    package var nextHop: String?
    package var ageSeconds: Double
    package var cipher: String?
    /// The library that this box takes the cipher from, such as "openssl".
    package var cipherBackend: String?
    /// Bytes of datagram that the path carries.
    package var mtu: Int?
    package var traffic = Traffic()
    /// Nil of a daemon that does not say.
    package var path: PathStatus?

    package init(local: String, remote: String, via: Via, ageSeconds: Double) {
        self.local = local
        self.remote = remote
        self.via = via
        self.ageSeconds = ageSeconds
    }

    enum CodingKeys: String, CodingKey {
        case local, remote, via, endpoint, cipher, mtu, traffic, path
        case nextHop = "next_hop"
        case cipherBackend = "cipher_backend"
        case ageSeconds = "age_seconds"
    }
}
