internal import CMnl
internal import Glibc
internal import Wire

/// What the kernel refused of a batch.
package struct BatchRefusal: Hashable, Sendable {
    /// The number of the message within the batch, from 0.
    package let message: Int
    /// The positive errno.
    package let code: Int32
    /// The kernel's own words, when it gave any.
    package let text: String?
}

/// A transaction of netfilter: messages between a beginning and an end that are done all or not at all.
extension NetlinkSocket {
    /// Sends a batch in one piece and gives what the kernel refused of it, in its order: nothing when all is done.
    /// The send buffer is made large enough first.
    ///
    /// - Parameters:
    ///   - batch: whole messages, numbered from 0; they are numbered on for this socket, in place.
    ///   - count: how many.
    /// - Throws: what the sending itself failed with; EMSGSIZE for a batch that does not fit the buffer that we may
    ///   have; ENOBUFS when the kernel's answer was lost.
    package func execute(
        batch: UnsafeMutableRawBufferPointer, count: Int, _ operation: String, _ object: String
    ) throws(NetlinkError) -> [BatchRefusal] {
        func failure(_ code: Int32) -> NetlinkError {
            NetlinkError(operation: operation, object: object, code: code)
        }
        let first = reserveNumbers(count)
        Self.number(batch, from: first)
        let refusals: [BatchRefusal]?
        do {
            refusals = try exchange(batch: UnsafeRawBufferPointer(batch), first, count)
        } catch {
            throw failure(error.code)
        }
        guard let refusals else { throw failure(ENOBUFS) }
        return refusals
    }

    private static func number(_ batch: UnsafeMutableRawBufferPointer, from first: UInt32) {
        let lengthOffset = 0
        let sequenceOffset = 8
        var offset = 0
        while offset + NetlinkMessage.headerLength <= batch.count {
            let length = batch.loadUnaligned(fromByteOffset: offset + lengthOffset, as: UInt32.self)
            let own = batch.loadUnaligned(fromByteOffset: offset + sequenceOffset, as: UInt32.self)
            batch.storeBytes(of: first &+ own, toByteOffset: offset + sequenceOffset, as: UInt32.self)
            guard length >= NetlinkMessage.headerLength else { return }
            offset += aligned(Int(length))
        }
    }
}
