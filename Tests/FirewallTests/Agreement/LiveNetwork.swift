import Glibc
import Wire

@testable import Firewall

/// A box in the calling thread's network: the portal and the network behind the box are TUN devices whose other ends this
/// test holds, so that it sees what everybody outside would see.
///
///     mesh <-- portal --> box <-- other --> network
final class LiveNetwork {
    static let box = IPv6Address(high: 0xfdbb_0000_0000_0000, low: 0xb0c5)
    /// So long nothing may come any more before all that comes has come.
    private static let quiet: Int32 = 15

    private let portal: OpenFile
    private let other: OpenFile
    /// Sees what the box says to itself: answers to what it sent.
    private let loopback: OpenFile
    /// Sends with headers of our making.
    private let raw: OpenFile

    init() throws {
        portal = try Self.tun("portal")
        other = try Self.tun("other")
        try OwnNetwork.shell(Self.setUp)
        loopback = try OpenFile(
            "packet socket",
            socket(17, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), Int32(UInt16(0x86dd).bigEndian)))
        // struct sockaddr_ll: family AF_PACKET, protocol ETH_P_IPV6, the interface.
        var address = [UInt8](repeating: 0, count: 20)
        address.withUnsafeMutableBytes {
            $0.storeBytes(of: 17, toByteOffset: 0, as: UInt16.self)
            $0.storeBytes(of: UInt16(0x86dd).bigEndian, toByteOffset: 2, as: UInt16.self)
            $0.storeBytes(of: Int32(if_nametoindex("lo")), toByteOffset: 4, as: Int32.self)
        }
        let packets = loopback.number
        let bound = address.withUnsafeBytes { bytes in
            bind(packets, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), 20)
        }
        _ = try Self.checked("bind to lo", bound)
        raw = try OpenFile("raw socket", socket(AF_INET6, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), 255))
        let device = Array("portal".utf8CString)
        _ = try Self.checked(
            "bind to the portal", setsockopt(raw.number, SOL_SOCKET, SO_BINDTODEVICE, device, socklen_t(device.count)))
    }

    /// Sends the packets one after another, and tells what became of each, in their order.
    func outcomes(of packets: [LivePacket]) throws -> [RulesetMachine.Outcome?] {
        var signs: [FirewallPacket.Way: Set<LiveSign>] = [:]
        // Answers of the box itself find their way by the main table, and must go where the packet came from.
        for way in [.toBox, .toNetwork, .fromBox, .fromNetwork] as [FirewallPacket.Way] {
            let sent = packets.filter { $0.packet.way == way }
            guard !sent.isEmpty else { continue }
            let answers = way == .fromNetwork ? "other" : "portal"
            try OwnNetwork.shell("ip -6 route replace default dev \(answers)")
            for packet in sent { try send(packet) }
            signs[way] = drain(sent)
        }
        let arrived = try arrivals()
        return packets.map { packet in
            let seen = signs[packet.packet.way, default: []]
            let passed =
                packet.packet.way == .toBox ? arrived.contains(packet.number) : seen.contains(.arrived(packet.number))
            // Behind the firewall the box resets by itself what nobody listens to.
            let reset = seen.contains(.reset(packet.number)) && !(passed && packet.packet.way == .toBox)
            let found: [RulesetMachine.Outcome] =
                (passed ? [.passes] : []) + (reset ? [.reset] : [])
                + (seen.contains(.prohibited(packet.number)) ? [.prohibited] : [])
            return found.count > 1 ? nil : found.first ?? .silence
        }
    }

    // Sending.

    private func send(_ packet: LivePacket) throws {
        switch packet.packet.way {
        case .toBox, .toNetwork: try put(packet.bytes, portal.number)
        case .fromNetwork: try put(packet.bytes, other.number)
        case .fromBox:
            var target = sockaddr_in6()
            target.sin6_family = sa_family_t(AF_INET6)
            withUnsafeMutableBytes(of: &target.sin6_addr) { bytes in
                if let base = bytes.baseAddress { packet.packet.destination.store(to: base) }
            }
            let size = socklen_t(MemoryLayout<sockaddr_in6>.size)
            let count = withUnsafeBytes(of: &target) { bytes in
                sendto(
                    raw.number, packet.bytes, packet.bytes.count, 0,
                    bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
                    size)
            }
            // EPERM is how the kernel says that a rule stopped it.
            if count < 0 && errno != EPERM { throw failure("send to \(packet.packet.destination)") }
        }
    }

    private func put(_ bytes: [UInt8], _ device: Int32) throws {
        if write(device, bytes, bytes.count) != bytes.count { throw failure("write to a device") }
    }

    // Observing.

    /// Reads until nothing comes any more. The kernel answers while it is written to, so nothing is left to come then.
    private func drain(_ sent: [LivePacket]) -> Set<LiveSign> {
        var signs: Set<LiveSign> = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        var waits = [portal, other, loopback].map { pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0) }
        while poll(&waits, nfds_t(waits.count), Self.quiet) > 0 {
            for wait in waits where wait.revents != 0 {
                let count = read(wait.fd, &buffer, buffer.count)
                guard count > 0 else { return signs }
                guard let sign = LiveSign(Array(buffer[0..<count]), of: sent) else { continue }
                // What comes out again where it went in has not arrived.
                if case .arrived(let number) = sign, wait.fd != target(of: number, sent) { continue }
                signs.insert(sign)
            }
        }
        return signs
    }

    private func target(of number: Int, _ sent: [LivePacket]) -> Int32? {
        switch sent.first(where: { $0.number == number })?.packet.way {
        case .toNetwork?: return other.number
        case .fromBox?, .fromNetwork?: return portal.number
        case .toBox?, nil: return nil
        }
    }

    /// The numbers of the packets that got through to the box, counted by a table behind all filters.
    private func arrivals() throws -> Set<Int> {
        let text = try OwnNetwork.shell("nft -n list set inet observer seen")
        guard let elements = text.split(separator: "elements = {").dropFirst().first?.prefix(while: { $0 != "}" })
        else {
            return []
        }
        let numbers = elements.split(whereSeparator: { ", \n\t".contains($0) }).map { word in
            word.hasPrefix("0x") ? Int(word.dropFirst(2), radix: 16) : Int(word)
        }
        if numbers.contains(nil) { throw OwnNetwork.Failure(description: "cannot read \(text)") }
        return Set(numbers.compactMap { $0 })
    }

    // Making.

    /// Whatever comes from one side and is not for the box leaves on the other, so that packets of any addresses can be sent
    /// either way.
    private static var setUp: String {
        """
        echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
        echo 0 > /proc/sys/net/ipv6/icmp/ratelimit
        echo 1000000 > /proc/sys/net/ipv4/icmp_msgs_per_sec
        echo 1000000 > /proc/sys/net/ipv4/icmp_msgs_burst
        echo 0 > /proc/sys/net/ipv6/auto_flowlabels
        ip link set lo up
        ip link set portal addrgenmode none
        ip link set other addrgenmode none
        ip link set portal up
        ip link set other up
        ip -6 addr add \(box)/128 dev portal nodad
        # The kernel makes the address's own route in a work queue: until it is there, packets to the address are dropped.
        for i in $(seq 500); do ip -6 route show table local | grep -q '^local \(box) ' && break; sleep 0.01; done
        ip -6 rule add pref 10 iif portal lookup 100
        ip -6 rule add pref 11 iif other lookup 200
        ip -6 route add default dev other table 100
        ip -6 route add default dev portal table 200
        nft -f - <<'END'
        table inet observer {
            set seen { typeof ip6 flowlabel; size 65535; flags dynamic; }
            chain input {
                type filter hook input priority 100
                iifname "portal" add @seen { ip6 flowlabel }
            }
            # The box's own listener reports come when they like, and would be counted.
            chain output {
                type filter hook output priority -400
                ip6 daddr ff00::/8 drop
            }
        }
        END
        """
    }

    private static func tun(_ name: String) throws -> OpenFile {
        let device = try OpenFile("open /dev/net/tun", open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK))
        // struct ifreq: the name in 16 bytes, then flags: IFF_TUN | IFF_NO_PI.
        var request = [UInt8](repeating: 0, count: 40)
        request.replaceSubrange(0..<name.utf8.count, with: name.utf8)
        (request[16], request[17]) = (0x01, 0x10)
        let setInterface: UInt = 0x4004_54ca
        _ = try checked("make \(name)", ioctl(device.number, setInterface, &request))
        return device
    }

    private static func checked(_ operation: String, _ result: Int32) throws -> Int32 {
        guard result >= 0 else { throw OwnNetwork.Failure(description: "\(operation): \(errorText(errno))") }
        return result
    }

    private func failure(_ operation: String) -> OwnNetwork.Failure {
        OwnNetwork.Failure(description: "\(operation): \(errorText(errno))")
    }
}

/// A descriptor that is closed with its owner, also when that comes to nothing.
private final class OpenFile {
    let number: Int32

    init(_ operation: String, _ descriptor: Int32) throws {
        guard descriptor >= 0 else { throw OwnNetwork.Failure(description: "\(operation): \(errorText(errno))") }
        number = descriptor
    }

    deinit { close(number) }
}
