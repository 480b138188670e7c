import Glibc
import Wire

@testable import Portal

/// A burst of packets as they lie in receive buffers, and what a joiner makes of it.
final class PacketArena {
    /// Bytes between the beginnings of two packets.
    static let stride = 2048

    struct Output {
        /// Which packets it is made of, in order.
        var members: [Int]
        /// All its bytes, with the virtio header if there is one.
        var bytes: [UInt8]
    }

    private let memory: UnsafeMutableRawBufferPointer
    private(set) var packets: [(bytes: [UInt8], isPartial: Bool)] = []
    private(set) var refused: [Int] = []
    var count: Int { packets.count }

    init(capacity: Int) { memory = .allocate(byteCount: capacity * Self.stride, alignment: 16) }

    deinit { memory.deallocate() }

    func append(_ packet: [UInt8], isPartial: Bool) {
        precondition(packet.count <= Self.stride && (count + 1) * Self.stride <= memory.count)
        let start = count * Self.stride
        UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + packet.count]).copyBytes(from: packet)
        packets.append((packet, isPartial))
    }

    /// One burst.
    func join(_ offloads: PortalOffloads, flushed: Bool = true) -> [Output] {
        let joiner = Joiner(offloads: offloads)
        var outputs: [Output] = []
        func drain() {
            while let packet = joiner.next() {
                var bytes = [UInt8](repeating: 0, count: packet.length + (packet.hasHeader ? VirtioHeader.size : 0))
                let gathered = bytes.withUnsafeMutableBytes { packet.gather(into: $0) }
                precondition(gathered == bytes.count && bytes.count >= packet.length)
                let first = packet.hasHeader || packet.packets > 1 ? 1 : 0
                let members = (first..<packet.sliceCount).map { index in
                    memory.baseAddress.map { ($0.distance(to: packet.slices[index].iov_base)) / Self.stride } ?? -1
                }
                outputs.append(Output(members: members, bytes: bytes))
            }
        }
        for index in packets.indices {
            let start = index * Self.stride
            let packet = UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + packets[index].bytes.count])
            if !joiner.add(packet, isPartial: packets[index].isPartial) { refused.append(index) }
            drain()
        }
        joiner.flush()
        drain()
        return outputs
    }
}
