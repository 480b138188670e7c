import INET256
import Wire

@testable import DNS

/// What a peer calls itself. What is taken comes out as it was, and shadows nothing in a zone.
struct OwnNamesTarget: FuzzTarget {
    private static let own = PrivateKey(generatedFrom: FixedRandom(90)).address
    private static let bob = PrivateKey(generatedFrom: FixedRandom(91)).address
    private static let carol = PrivateKey(generatedFrom: FixedRandom(92)).address

    func run(_ input: [UInt8]) {
        guard let names = input.withUnsafeBytes({ OwnNames($0) }) else { return }
        demand(names.bytes == input, "names that do not come back")
        demand(names.names.count <= OwnNames.most && names.names.allSatisfy(OwnNames.isPossible), "names that are none")
        let map = IPv6Map.standard
        guard let zoneName = DomainName("mesh.internal"), var zone = Zone(zoneName, map: map, own: Self.own) else {
            return demand(false, "no zone")
        }
        zone.add(Self.bob, called: "bob")
        zone.add(Self.carol, called: "carol.of.bob")
        zone.add(names, of: "bob", Self.bob)
        for (text, address) in [("bob", Self.bob), ("carol.of.bob", Self.carol), ("this", Self.own)] {
            let found = DomainName(text, in: zoneName).map { zone.addresses(of: $0) }
            demand(found == [map.address(of: address)], "\(text) is somebody else")
        }
        for name in names.names where name != "carol" {
            guard let place = DomainName("\(name).of.bob", in: zoneName) else { continue }
            demand(zone.addresses(of: place) == [map.address(of: Self.bob)], "\(name) is not bob")
        }
    }

    /// Genuine inputs.
    static func seeds() -> [[UInt8]] {
        [[], ["laptop"], ["laptop", "nas.home", "x_1-2"], ["bob", "this", "carol", "of"]].compactMap {
            OwnNames($0)?.bytes
        }
    }
}
