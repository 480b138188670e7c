internal import CNftnl
internal import Glibc
internal import Netlink

/// Somebody else changed our table, or may have.
package enum FirewallIntrusion: Hashable, Sendable, CustomStringConvertible {
    /// - Parameters:
    ///   - process: its number, for the thread that did it; nil where the kernel does not say.
    ///   - name: what it calls itself, at most 15 bytes: "nft".
    case changed(process: UInt32?, name: String?)
    /// Events were lost because nobody read them in time: compare the table with what it should be.
    case lost

    package var description: String {
        switch self {
        case .changed(let process, let name):
            "\(name ?? "somebody") (process \(process.map(String.init) ?? "unknown")) changed the firewall's table"
        case .lost: "events about the firewall's table were lost"
        }
    }
}

/// Hears of every transaction of nf_tables in the namespace where it was opened. Takes CAP_NET_ADMIN.
///
/// A transaction comes as its messages and then the number of the new generation with the process that made it. It has
/// no thread: an event loop polls `descriptor` and calls `drain` when it is readable.
package final class FirewallWatcher {
    private let events: NetlinkEvents
    /// The transaction that is being read touched the table, by another's hand.
    private var isTouched = false

    /// - Parameter receiveBuffer: bytes that may wait before events are lost: a reload of somebody else's large firewall
    ///   is some megabytes.
    package init(receiveBuffer: Int32 = 4 << 20) throws(FirewallError) {
        do {
            events = try NetlinkEvents(
                .netfilter, groups: 1 << (UInt32(NFNLGRP_NFTABLES.rawValue) - 1), receiveBuffer: receiveBuffer)
        } catch {
            throw FirewallError("watch the firewall", error)
        }
    }

    /// Readable when there are events. To be polled only.
    package var descriptor: Int32 { events.descriptor }

    /// What others did to the table in the transactions that wait; empty when nothing. Never blocks. Where the descriptor
    /// is still readable afterwards, call again.
    /// - Parameter ownPort: transactions from this port are our own.
    package func drain(table: String, ownPort: UInt32) throws(FirewallError) -> [FirewallIntrusion] {
        var intrusions: [FirewallIntrusion] = []
        do {
            try events.drain { event in
                switch event {
                case .message(let message):
                    if let found = hear(message, table, ownPort) { intrusions.append(found) }
                case .lost:
                    // The rest of a transaction whose beginning is lost cannot be judged.
                    isTouched = false
                    intrusions.append(.lost)
                }
            }
        } catch {
            throw FirewallError("watch the firewall", error)
        }
        return intrusions
    }

    private func hear(_ message: NetlinkMessage, _ table: String, _ ownPort: UInt32) -> FirewallIntrusion? {
        guard message.isNfTables(NFT_MSG_NEWGEN) else {
            if message.port != ownPort, TableReading(message)?.table == table { isTouched = true }
            return nil
        }
        defer { isTouched = false }
        guard isTouched else { return nil }
        let attributes = Attributes(
            UnsafeRawBufferPointer(rebasing: message.body.dropFirst(MemoryLayout<nfgenmsg>.size)))
        var process: UInt32?
        var name: String?
        for attribute in attributes {
            switch UInt32(attribute.type) {
            case NFTA_GEN_PROC_PID.rawValue: process = attribute.payload.network(UInt32.self)
            case NFTA_GEN_PROC_NAME.rawValue: name = attribute.payload.terminated
            default: continue
            }
        }
        return .changed(process: process, name: name)
    }
}
