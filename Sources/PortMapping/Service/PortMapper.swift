internal import Synchronization
package import System
package import Wire

/// What came of asking the router for a port.
package struct MappingReport: Equatable, Sendable {
    /// Who is asked for what; nil while nobody is.
    package var target: MappingTarget?
    package var mapping: Mapping?
    /// It is not known yet.
    package var isAsking = false
    /// Why not, by protocol.
    package var failures: [MappingProtocol: MappingFailure] = [:]

    package init() {}
}

/// Keeps a port of the router open, on a thread of its own: nobody waits for routers. Told where to ask, it says what there is
/// whenever that changes.
package final class PortMapper: Sendable {
    enum Command: Sendable {
        case aim(MappingTarget?)
        case networkChanged
        /// With the number of the course that asked.
        case igdAnswered(Result<Mapping, MappingFailure>, Int)
        case stop
    }

    private let mailbox: Mailbox<Command>
    private struct GaveUp: Error {}
    private let ended = Promise<Void, GaveUp>()

    /// - Parameters:
    ///   - library: UPnP's; nil for none.
    ///   - report: told on the thread, and returns at once.
    /// - Throws: where there is no thread or descriptor to be had.
    package init(
        times: MappingTimes = MappingTimes(), library: (any IGDLibrary)? = Miniupnpc(),
        random: @escaping @Sendable () -> any RandomSource, report: @escaping @Sendable (MappingReport) -> Void
    ) throws(SystemError) {
        let mailbox = try Mailbox<Command>(capacity: 64)
        self.mailbox = mailbox
        let poller = try Poller()
        let ended = ended
        // The poller goes to the thread and stays there.
        let handed = Handed(poller)
        try OwnThread.start("port mapping") {
            let loop = MapperLoop(
                mailbox: mailbox, poller: handed.poller, times: times, library: library, random: random(),
                report: report)
            loop.run()
            ended.end(.success(()))
        }
    }

    deinit { try? mailbox.post(.stop) }

    /// Asks there from now on, and gives back what there was elsewhere; nil asks nobody.
    package func aim(_ target: MappingTarget?) {
        // What does not fit into an idle thread's mailbox means that the thread has gone.
        try? mailbox.post(.aim(target))
    }

    /// The network is another, or may be, even where the target is the same.
    package func networkChanged() { try? mailbox.post(.networkChanged) }

    /// Gives back what there is, and ends.
    package func stop() async {
        guard (try? mailbox.post(.stop)) != nil else { return }
        try? await ended.value(cancelled: GaveUp())
    }

    private final class Handed: @unchecked Sendable {
        let poller: Poller
        init(_ poller: Poller) { self.poller = poller }
    }
}
