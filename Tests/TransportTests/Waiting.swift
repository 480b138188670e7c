import System
import Testing
import Wire

@testable import Transport

extension UDPSocket {
    /// A socket on the loopback or wherever, with small buffers.
    static func on(_ text: String, number: UInt16 = 0) throws -> UDPSocket {
        var options = UDPSocket.Options()
        options.bufferSize = 1 << 20
        return try UDPSocket(bind: try #require(Endpoint(text)), number: number, options: options)
    }

    /// Receives until `count` datagrams have come, at most five seconds long. Copies of what came.
    func collect(_ count: Int, into batch: DatagramBatch = DatagramBatch()) throws -> [(bytes: [UInt8], path: Path)] {
        let poller = try Poller()
        try poller.add(descriptor, token: 1, interest: .readable)
        let deadline = BootClock.now() + .seconds(5)
        var all: [(bytes: [UInt8], path: Path)] = []
        while all.count < count && BootClock.now() < deadline {
            guard try poller.wait(until: deadline, now: BootClock.now()) > 0 else { continue }
            for index in 0..<(try receive(into: batch)) {
                all.append(([UInt8](batch[index].bytes), batch[index].path))
            }
        }
        return all
    }

    /// Sends one datagram; gives its outcome.
    func sendOne(_ bytes: [UInt8], _ path: Path) throws -> SendOutcome {
        try bytes.withUnsafeBytes { raw in
            var record = [OutgoingDatagram(bytes: raw, path: path)]
            _ = try record.withUnsafeMutableBufferPointer { try send($0) }
            return record[0].outcome
        }
    }

    /// This socket as seen from another one on the same loopback.
    func path(_ address: String) throws -> Path {
        Path(remote: Endpoint(address: try address.address, port: local.port))
    }
}

extension String {
    /// An address, IPv4 in mapped form.
    var address: IPv6Address {
        get throws { try #require(Endpoint(contains(":") ? "[\(self)]:0" : "\(self):0")).address }
    }
}
