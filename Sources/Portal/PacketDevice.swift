/// A device whose packets come to us in place of a wire: a TUN device, or memory in tests. For one thread, and nothing waits.
package protocol PacketDevice: AnyObject {
    /// For a poller.
    var descriptor: Int32 { get }
    var name: String { get }
    /// Bytes in front of each packet that is read: a `VirtioHeader`, or nothing.
    var headerSize: Int { get }
    /// What may be left undone, both ways.
    var offloads: PortalOffloads { get }
    var counters: TunCounters { get }

    /// Takes one packet. Gives its length in bytes, the `headerSize` bytes before it included, or 0 when there is none.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(TunError) -> Int
    /// Gives one finished packet. False when it was dropped, which is counted.
    func write(_ packet: UnsafeRawBufferPointer) throws(TunError) -> Bool
    /// Gives what the joiner made. Of what is refused `offloads` says so from then on.
    func write(_ packet: JoinedPacket) throws(TunError) -> Bool
}

extension TunDevice: PacketDevice {}
