/// The key that the box had before, while it answers under that as well.
package struct FormerKeyStatus: Codable, Sendable, Equatable {
    /// What a neighbour has made of the statement that the box has another key.
    package struct Told: Codable, Sendable, Equatable {
        package var id: String
        package var name: String?
        /// "replaced": it has the new address in its configuration; "waiting": somebody there has to accept it; "refused"; "not_a_peer": it has
        /// the former one in no configuration; "failed": it could not write it down; "no_answer".
        package var state: String

        package init(id: String, name: String?, state: String) {
            self.id = id
            self.name = name
            self.state = state
        }
    }

    package var address: String
    package var ip6Addr: String?
    /// When the box ceases to answer there, in seconds since 1970.
    package var until: Int64
    package var told: [Told]

    package init(address: String, ip6Addr: String?, until: Int64, told: [Told]) {
        self.address = address
        self.ip6Addr = ip6Addr
        self.until = until
        self.told = told
    }

    enum CodingKeys: String, CodingKey {
        case address, until, told
        case ip6Addr = "ip6_addr"
    }
}

/// A peer that says, by its old key and its new one, that it has a new key, which is not in the configuration.
package struct NewKeyStatus: Codable, Sendable, Equatable {
    package var name: String?
    /// The address in the configuration.
    package var former: String
    package var new: String
    package var newIP6Addr: String?
    /// Until when it answers under the former one, by its own clock, in seconds since 1970.
    package var until: Int64

    package init(name: String?, former: String, new: String, newIP6Addr: String?, until: Int64) {
        self.name = name
        self.former = former
        self.new = new
        self.newIP6Addr = newIP6Addr
        self.until = until
    }

    enum CodingKeys: String, CodingKey {
        case name, former, new, until
        case newIP6Addr = "new_ip6_addr"
    }
}

/// Has the daemon begin again in its own place.
package struct RestartRequest: Codable, Equatable, Sendable {
    package init() {}
}

/// The daemon is about to.
package struct RestartAnswer: Codable, Equatable, Sendable {
    package var pid: Int32

    package init(pid: Int32) { self.pid = pid }
}
