package import API
package import INET256
package import Logging
package import Mesh
package import Portal
package import System
package import Transport
package import Wire

/// What the data plane is started with: plain values, whatever they were read from.
package struct EngineSetup: Sendable {
    /// A configured neighbour, known from the first datagram on, so that none of its is taken for a stranger's; its endpoints come
    /// later.
    package struct Neighbour: Sendable {
        package var address: Address
        /// For the log.
        package var name: String
        /// Where it is configured to be, as far as that is known without asking.
        package var expected: [IPv6Address]
        /// Whether it has said that it knows the box by its new address, where there is a former one.
        package var knowsNewKey = false

        package init(_ address: Address, name: String, expected: [IPv6Address]) {
            self.address = address
            self.name = name
            self.expected = expected
        }
    }

    package struct PortalSetup: Sendable {
        package var map: IPv6Map
        package var gate: PortalGate
        /// The interface's name.
        package var interface: String
        package var persistent = false
        /// In bytes; what it has at first.
        package var mtu: UInt32 = 1280
        /// The sizes, in bytes, within which the interface's MTU is that of the paths; nil where it stays.
        package var follows: ClosedRange<Int>?
        package var offload = true
        /// Where the run before may have left the device's queues, and the next finds this one's; nil where a device goes with its run.
        package var store: DescriptorStore?
        package var dscp = DSCPPolicy.clear
        package var networks: PortalNetworks = .none
        /// The boxes that networks are behind, by their derived address.
        package var owners: [IPv6Address: Address] = [:]
        /// Makes what keeps the interface, on the data plane's thread. It is given what tells that the interface is lost for good.
        package var keeper: @Sendable (_ lost: @escaping @Sendable () -> Void) throws -> any PortalInterface

        package init(
            _ interface: String, map: IPv6Map, gate: PortalGate,
            keeper: @escaping @Sendable (_ lost: @escaping @Sendable () -> Void) throws -> any PortalInterface
        ) {
            self.interface = interface
            self.map = map
            self.gate = gate
            self.keeper = keeper
        }
    }

    package var key: PrivateKey
    /// The box's key before this one, which answers as well for a time.
    package var formerKey: PrivateKey?
    package var nodeKeys: [PrivateKey] = []
    package var box: BoxSettings
    /// What datagrams come and go by, in the order of their numbers.
    package var ports: [any PortSource] = []
    /// How many engines carry packets.
    package var threads = 1
    /// Threads that the program needs beside these.
    package var threadsBesides = 0
    package var scheduling = ThreadScheduling.normal
    package var peers: [Neighbour] = []
    package var portal: PortalSetup?
    /// Whom nodes of applications may exchange messages with, and how many there may be.
    package var apiGate = PortalGate.everybody
    package var apiNodes = 0
    package var apiLimits = APILimits()
    package var mailbox: Mailbox<EngineCommand>
    package var inbox: NodeInbox
    package var logger: Logger
    /// Who gets datagrams that are none of the mesh's.
    package var rawDatagrams: RawDatagrams?
    /// Opens what tells of changes of the machine's network; nil where there is nothing of the kind.
    package var surroundingsChanges: @Sendable () -> (any MachineWatch)? = { nil }
    /// Told when the machine's network has changed.
    package var surroundingsChanged: @Sendable () -> Void = {}
    /// Told what the daemon of another box says to this one: who it is, for what purpose, and the rest. Must not wait.
    package var serviceHeard: @Sendable (Address, UInt8, [UInt8]) -> Void = { _, _, _ in }

    package init(
        key: PrivateKey, box: BoxSettings, mailbox: Mailbox<EngineCommand>, inbox: NodeInbox, logger: Logger
    ) {
        self.key = key
        self.box = box
        self.mailbox = mailbox
        self.inbox = inbox
        self.logger = logger
    }
}
