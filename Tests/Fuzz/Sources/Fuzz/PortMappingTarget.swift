import PortMapping
import Wire

/// What routers say, and whoever else is on their link. A course takes datagrams one behind the other. In front of each: 16 bits with its
/// length (14 bits), whether everybody was told (bit 14), and whether the time before it counts in seconds (bit 15); and that time (16
/// bits), else in milliseconds. Little-endian.
struct PortMappingTarget: FuzzTarget {
    static let target = MappingTarget(
        gateway: IPv6Address(mappedIPv4: 0x0a00_0001),
        own: Endpoint(address: IPv6Address(mappedIPv4: 0x0a00_0002), port: 25632))
    /// What the course's nonce comes from.
    static var random: FixedRandom { FixedRandom(1) }

    func run(_ input: [UInt8]) {
        input.withUnsafeBytes { bytes in
            _ = PCPResponse(bytes)
            _ = NATPMPResponse(bytes)
            var reader = ByteReader(bytes)
            var now = Instant(nanoseconds: 1_000_000_000)
            var course = MappingCourse(Self.target, random: Self.random, now: now)
            while let head = reader.little(UInt16.self), let span = reader.little(UInt16.self) {
                now = now + .milliseconds(Int64(span) * (head & 0x8000 == 0 ? 1 : 1000))
                course.tick(now: now)
                demand(course.deadline > now, "a deadline that does not move")
                if let datagram = reader.take(min(Int(head & 0x3fff), reader.remaining)) {
                    step(&course, datagram, isToAll: head & 0x4000 != 0, now)
                }
            }
            course.release()
            demand(course.deadline == .distantFuture && course.mapping == nil, "an end that is none")
            check(course.takeOutput())
        }
    }

    private func step(
        _ course: inout MappingCourse, _ datagram: UnsafeRawBufferPointer, isToAll: Bool, _ now: Instant
    ) {
        if isToAll { course.receiveAnnouncement(datagram, now: now) } else { course.receive(datagram, now: now) }
        check(course.takeOutput())
        if !course.takeJobs().isEmpty, datagram.count % 2 == 1 {
            let external = Endpoint(address: IPv6Address(mappedIPv4: 0xcb00_7107), port: 7)
            course.igdAnswered(.success(Mapping(by: .upnp, external: external, lifetime: 0)), now: now)
        }
        demand(course.mapping?.external.port != 0, "a mapping of no port")
        // What is due at once is done by the next tick.
        demand(course.deadline >= now, "a deadline behind the answer")
    }

    /// Each answer is worth a question or two, and none is larger than PCP's.
    private func check(_ output: [[UInt8]]) {
        demand(output.count <= 3, "\(output.count) datagrams at once")
        demand(output.allSatisfy { $0.count <= PCPFormat.requestBytes }, "a long question")
    }
}

/// Answers of routers that fit the target's course.
enum PortMappingSeeds {
    static func all() -> [[UInt8]] {
        let said = framed(announcement, isToAll: true, seconds: 60)
        return [
            framed(pcp(port: 4000)), framed(pcp(port: 4000)) + said + framed(pcp(port: 4001)),
            framed([0, 0x81, 0, 1, 0, 0, 0, 9]) + framed(address) + framed(map), framed(pcp(port: 0, result: 8)),
            framed(pcp(port: 4000)) + framed([1, 2, 3], seconds: 3600) + framed([1], seconds: 8000),
        ]
    }

    private static let announcement: [UInt8] =
        [2, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] + [UInt8](repeating: 0, count: 12)
    private static let address: [UInt8] = [0, 128, 0, 0, 0, 0, 0, 9, 203, 0, 113, 7]
    private static let map: [UInt8] = [0, 129, 0, 0, 0, 0, 0, 9, 0x64, 0x20, 0x0f, 0xa0, 0, 0, 0x1c, 0x20]

    private static func framed(_ datagram: [UInt8], isToAll: Bool = false, seconds: UInt16 = 0) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittle(UInt16(datagram.count) | (isToAll ? 0x4000 : 0) | (seconds > 0 ? 0x8000 : 0))
        bytes.appendLittle(seconds)
        return bytes + datagram
    }

    private static func pcp(port: UInt16, result: UInt8 = 0) -> [UInt8] {
        let target = PortMappingTarget.target
        let request = PCPMapRequest(
            client: target.own.address, nonce: MappingNonce(PortMappingTarget.random), internalPort: target.own.port,
            suggested: Endpoint(address: IPv6Address(mappedIPv4: 0xcb00_7107), port: port), lifetime: 7200)
        // The second half of a question is that of its answer.
        return [2, 0x81, 0, result, 0, 0, 0x1c, 0x20, 0, 0, 0, 100] + [UInt8](repeating: 0, count: 12)
            + request.bytes.dropFirst(PCPFormat.headBytes)
    }
}
