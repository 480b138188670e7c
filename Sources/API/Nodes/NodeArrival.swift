internal import Glibc
internal import Synchronization

/// An application's connection on its way from the event loop to the thread that will own it. Its descriptor has one
/// owner: whoever takes it, and until then the arrival, which closes it when it goes.
package final class NodeArrival: Sendable {
    /// Who is at the other end, for the log.
    package let caller: APICaller
    let client: APIClientIdentity
    /// What came behind the request: frames already.
    let ahead: [UInt8]
    /// Its place among the counted connections, given back when it ends.
    let place: ConnectionPlace
    private let descriptor: Atomic<Int32>

    private static let taken: Int32 = -1

    /// Takes over `descriptor`, which nobody else reads or writes.
    init(
        descriptor: Int32, ahead: [UInt8], caller: APICaller, client: APIClientIdentity, place: ConnectionPlace
    ) {
        self.descriptor = Atomic(descriptor)
        self.ahead = ahead
        self.caller = caller
        self.client = client
        self.place = place
    }

    deinit { if let number = take() { close(number) } }

    /// The descriptor, once: the caller closes it. Nil when somebody else was first.
    func take() -> Int32? {
        let number = descriptor.exchange(Self.taken, ordering: .acquiringAndReleasing)
        return number == Self.taken ? nil : number
    }
}
