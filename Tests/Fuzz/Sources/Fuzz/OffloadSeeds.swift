import Wire

@testable import Portal

extension Seeds {
    /// TCP and UDP, whole and in several, with and without extension header and options.
    static func superPackets() -> [[UInt8]] {
        [(IPProtocol.tcp, 0, 0), (IPProtocol.tcp, 8, 12), (IPProtocol.udp, 0, 0), (IPProtocol.udp, 8, 0)].flatMap {
            (number: UInt8, extra: Int, options: Int) in
            [0, 40].map { segment in
                let isTCP = number == IPProtocol.tcp
                let upper = isTCP ? 20 + options : 8
                let payload = extra + upper + 100
                var packet: [UInt8] = [0x60, 0, 0, 0, 0, UInt8(payload), extra > 0 ? 60 : number, 64]
                packet += [0xfd] + [UInt8](repeating: 0, count: 14) + [1]
                packet += [0xfd] + [UInt8](repeating: 0, count: 14) + [2]
                if extra > 0 { packet += [number, 0, 1, 4, 0, 0, 0, 0] }
                packet += [0, 80, 0, 80]
                if isTCP {
                    packet += [0, 0, 0, 1, 0, 0, 0, 2, UInt8(upper / 4) << 4, 0x18, 1, 0, 0, 0, 0, 0]
                    packet += [UInt8](repeating: 1, count: options)
                } else {
                    packet += [0, UInt8(upper + 100), 0, 0]
                }
                packet += [UInt8](repeating: 7, count: 100)
                let type: UInt8 = segment == 0 ? 0 : isTCP ? 4 : 5
                let virtio: [UInt8] = [
                    1, type, 0, 0, UInt8(segment), 0, UInt8(40 + extra), 0, isTCP ? 16 : 6, 0,
                ]
                return [3, 5, 0] + virtio + packet
            }
        }
    }
}
