internal import INET256
internal import Wire

/// How a datagram came, and what holds for all that is in it.
struct Arrival {
    enum Way {
        /// Over UDP.
        case direct(Path)
        /// In a relay frame of a link; the stamp is what the relays carry in one piece.
        case relayed(link: Session, source: Address, stamp: Int)
    }

    let way: Way
    /// That of the packet that brought it.
    let trafficClass: UInt8

    static func direct(_ path: Path, trafficClass: UInt8 = 0) -> Arrival {
        Arrival(way: .direct(path), trafficClass: trafficClass)
    }

    /// Where it came from, if it came straight.
    var path: Path? {
        switch way {
        case .direct(let path): path
        case .relayed: nil
        }
    }

    /// What counts as one source: where it came from, or the neighbour that relayed it.
    var sourceKey: UInt64 {
        switch way {
        case .direct(let path): path.remote.sourceKey
        case .relayed(let link, _, _): link.remote.raw.withBytes { $0.little(0) }
        }
    }

    /// What a cookie is bound to.
    var ingress: Ingress {
        switch way {
        case .direct(let path): .direct(path.remote)
        case .relayed(let link, let source, _): .relayed(neighbour: link.remote, source: source)
        }
    }
}
