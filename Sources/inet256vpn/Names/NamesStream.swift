internal import DNS
internal import Glibc
internal import System
internal import Wire

/// A connection that asks (RFC 7766): queries with two bytes of length in front of each, answered one behind the other. While an answer waits
/// to be taken nothing is read, so that nobody makes this box hold more than that.
final class NamesStream {
    let descriptor: Int32
    let source: IPv6Address
    let door: Askers.Door
    /// When it is closed. A query moves it, a byte does not.
    private(set) var deadline: Instant
    private var incoming: [UInt8] = []
    private var outgoing: ArraySlice<UInt8> = []
    private var wasSending = false

    private static let patience: Interval = .seconds(10)
    /// Of a query, in bytes: a name and a few options.
    private static let largestQuery = 4096

    init(_ accepted: consuming NamesConnection, door: Askers.Door, now: Instant) {
        source = accepted.source
        descriptor = accepted.descriptor.release()
        self.door = door
        deadline = now + Self.patience
    }

    deinit { close(descriptor) }

    var isSending: Bool { !outgoing.isEmpty }

    /// Whether it is now to be watched for something else than before.
    func takeChange() -> Bool {
        defer { wasSending = isSending }
        return wasSending != isSending
    }

    /// Reads, answers and writes what can be. False when it is over.
    func turn(now: Instant, _ answer: (UnsafeRawBufferPointer) -> [UInt8]?) -> Bool {
        guard flush() else { return false }
        if isSending { return true }
        guard read() else { return false }
        while !isSending, incoming.count >= 2 {
            let length = Int(incoming[0]) << 8 | Int(incoming[1])
            guard length <= Self.largestQuery else { return false }
            guard incoming.count >= 2 + length else { break }
            let said = incoming[2..<(2 + length)].withUnsafeBytes { answer($0) }
            incoming.removeSubrange(..<(2 + length))
            guard let said, said.count <= NameServer.largestStream else { return false }
            deadline = now + Self.patience
            outgoing = [UInt8(said.count >> 8), UInt8(said.count & 0xff)] + said[...]
            guard flush() else { return false }
        }
        return true
    }

    /// What has come, as far as there is room. False at the end of it.
    private func read() -> Bool {
        let room = 2 + Self.largestQuery - incoming.count
        guard room > 0 else { return true }
        return withUnsafeTemporaryAllocation(byteCount: room, alignment: 1) { buffer in
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count < 0 { return errno == EAGAIN || errno == EINTR }
            incoming.append(contentsOf: UnsafeRawBufferPointer(buffer).prefix(count))
            return count > 0
        }
    }

    private func flush() -> Bool {
        while !outgoing.isEmpty {
            let sent = outgoing.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if sent < 0 { return errno == EAGAIN || errno == EINTR }
            outgoing = outgoing.dropFirst(sent)
        }
        return true
    }
}
