import Glibc
import TestSupport
import Testing
import Wire

@testable import Transport

/// Several datagrams in one record: cut apart and joined by the kernel, or by us where it does not.
@Suite struct UDPRunTests {
    private static func socket(_ text: String, offload: Bool) throws -> UDPSocket {
        var options = UDPSocket.Options()
        options.bufferSize = 4 << 20
        options.offload = offload
        return try UDPSocket(bind: try #require(Endpoint(text)), options: options)
    }

    /// Sends `sizes`, which make up one run, and gives what arrived and what became of the run.
    private static func send(
        _ sizes: [Int], from sender: UDPSocket, to receiver: UDPSocket, at address: String, expecting count: Int
    ) throws -> (arrived: [[UInt8]], sent: [[UInt8]], outcome: SendOutcome) {
        let sent = sizes.enumerated().map { index, size in
            [UInt8](repeating: UInt8(truncatingIfNeeded: index + 1), count: size)
        }
        let path = try receiver.path(address)
        let outcome = try sent.flatMap(\.self).withUnsafeBytes { bytes in
            var record = [OutgoingDatagram(bytes: bytes, path: path, segment: sizes[0])]
            let progress = try record.withUnsafeMutableBufferPointer { try sender.send($0) }
            #expect(progress.done == 1 && !progress.isBlocked)
            return record[0].outcome
        }
        let batch = DatagramBatch(slotSize: 1 << 16, slots: 8)
        return (try receiver.collect(count, into: batch).map(\.bytes), sent, outcome)
    }

    @Test(arguments: ["::1", "127.0.0.1"], [true, false])
    func arriveAsTheyWereSent(address: String, offload: Bool) throws {
        try NetworkNamespace.run {
            let receiver = try Self.socket("[::]:0", offload: offload)
            let sender = try Self.socket("[::]:0", offload: offload)
            #expect(receiver.receivesJoined == offload && sender.sendsSegments == offload)
            for sizes in [
                [1], [1, 1], [1400, 1], Array(repeating: 1000, count: 64), Array(repeating: 1400, count: 45) + [77],
            ] {
                let (arrived, sent, outcome) = try Self.send(
                    sizes, from: sender, to: receiver, at: address, expecting: sizes.count)
                #expect(outcome == .sent)
                #expect(arrived == sent, "\(sizes.count) of \(sizes[0]) bytes")
            }
            #expect(sender.counters.sent == 1 + 2 + 2 + 64 + 46)
            #expect(receiver.counters.received == sender.counters.sent)
            #expect(receiver.counters.receivedBytes == sender.counters.sentBytes)
            #expect(sender.sendsSegments == offload && sender.counters.unsegmented == 0)
        }
    }

    @Test(arguments: ["::1", "127.0.0.1"]) func whatIsTooLargeCostsItselfAlone(address: String) throws {
        try NetworkNamespace.run {
            try shell("ip", "link", "set", "lo", "mtu", "1500")
            let receiver = try Self.socket("[::]:0", offload: true)
            let sender = try Self.socket("[::]:0", offload: true)
            let (arrived, sent, outcome) = try Self.send(
                [1501, 40], from: sender, to: receiver, at: address, expecting: 1)
            #expect(outcome == .tooBig)
            #expect(arrived == [sent[1]])
            #expect(sender.counters.tooBig == 1 && sender.counters.sent == 1 && sender.counters.unsegmented == 1)
            // That was the datagram's fault and not the kernel's.
            #expect(sender.sendsSegments)
        }
    }

    @Test func aFullBufferKeepsTheUnsentOnes() throws {
        try NetworkNamespace.run {
            // Datagrams to a neighbour that never answers stay in our send buffer.
            try shell("ip", "link", "add", "left", "type", "veth", "peer", "name", "right")
            try shell("ip", "link", "set", "right", "up")
            try shell("ip", "link", "set", "left", "up")
            try shell("ip", "addr", "add", "192.0.2.1/24", "dev", "left")
            var options = UDPSocket.Options()
            options.bufferSize = 4096
            let sender = try UDPSocket(bind: try #require(Endpoint("0.0.0.0:0")), options: options)
            let out = OutgoingBatch()
            let path = Path(remote: Endpoint(address: try "192.0.2.2".address, port: 9))
            _ = try #require(out.reserve(64 * 500))
            out.commit(64 * 500, to: path, segment: 500)
            let (completed, progress) = try out.flush(through: sender)
            #expect(progress == SendProgress(isBlocked: true) && completed.isEmpty && out.pending == 1)
            let gone = Int(sender.counters.sent)
            #expect((1..<64).contains(gone))
            // What went is not sent again.
            #expect(out[0].outcome == .pending && out[0].bytes.count == (64 - gone) * 500)
        }
    }
}

/// DSCP and ECN of datagrams, both ways.
@Suite struct TrafficClassTests {
    @Test(arguments: ["::1", "127.0.0.1"], ["[::]:0", "0.0.0.0:0"]) func crosses(address: String, bound: String) throws
    {
        if address == "::1" && bound == "0.0.0.0:0" { return }
        try NetworkNamespace.run {
            let receiver = try UDPSocket.on(bound)
            let sender = try UDPSocket.on(bound)
            for wanted: UInt8 in [0, 1, 2, 3, 0xb8, 0xba] {
                let bytes: [UInt8] = [1]
                try bytes.withUnsafeBytes { raw in
                    var record = [OutgoingDatagram(bytes: raw, path: try receiver.path(address), trafficClass: wanted)]
                    _ = try record.withUnsafeMutableBufferPointer { try sender.send($0) }
                    #expect(record[0].outcome == .sent)
                }
                let batch = DatagramBatch()
                #expect(try receiver.collect(1, into: batch).count == 1)
                #expect(batch[0].trafficClass == wanted)
            }
        }
    }
}
