package import Wire

/// Who owns the portal's interface: its address, routes, firewall and MTU. The data plane only carries its packets, and says when what
/// is to be done. Used by the data plane's thread alone, and never for a packet.
package protocol PortalInterface: AnyObject {
    /// Before there is a device: holds the prefix, so that nothing leaks meanwhile.
    func prepare() throws
    /// The device is there and no packet has passed: what it throws keeps the box down.
    func raise(_ index: UInt32) throws
    /// Packets pass from now on.
    func start() throws
    /// The paths carry so many bytes. False when it cannot be told now.
    func fit(mtu: UInt32) -> Bool
    /// The box is not there under its former address any more: takes it away.
    func forgetFormer()
    /// The machine's own addresses, where packets of its own must be told from those of hosts behind it; else nil.
    func machineAddresses() -> Set<IPv6Address>?
    /// Takes the interface down, with all that was done for it.
    func close()
    /// Lets it be as it is: the next run of the program takes it over.
    func leave()
}

/// What tells of changes of the machine's network.
package protocol MachineWatch: AnyObject {
    /// Readable when there is something to hear.
    var descriptor: Int32 { get }
    /// Whether anything has changed since the last time, other than by our own portal, which has the index `portal` while it is up.
    func drain(portal: UInt32?) throws -> Bool
}
