internal import Synchronization
internal import System
internal import Wire

/// The thread that a port mapping is kept by: sockets and time on one side, `MappingCourse` on the other.
final class MapperLoop {
    private let mailbox: Mailbox<PortMapper.Command>
    private let poller: Poller
    private let times: MappingTimes
    private let library: (any IGDLibrary)?
    private let random: any RandomSource
    private let report: @Sendable (MappingReport) -> Void
    private var course: MappingCourse?
    /// Of courses that were begun: answers to earlier ones are none to this.
    private var number = 0
    private var sockets = Sockets()
    private var told = MappingReport()
    /// UPnP's calls wait for as long as they like: one thread at a time makes them, and is left behind where it does not come back.
    private var igdIsBusy = false
    private var waitingJobs: [(job: IGDJob, number: Int)] = []
    private var isStopping = false

    private static let mostJobs = 4
    private static let mailboxToken: UInt64 = 0
    private static let gatewayToken: UInt64 = 1
    private static let announcementToken: UInt64 = 2
    /// How long the end waits for UPnP to give a mapping back.
    private static let farewell: Interval = .seconds(3)

    private struct Sockets: ~Copyable {
        var gateway: GatewaySocket?
        var announcements: AnnouncementSocket?
    }

    init(
        mailbox: Mailbox<PortMapper.Command>, poller: Poller, times: MappingTimes, library: (any IGDLibrary)?,
        random: any RandomSource, report: @escaping @Sendable (MappingReport) -> Void
    ) {
        self.mailbox = mailbox
        self.poller = poller
        self.times = times
        self.library = library
        self.random = random
        self.report = report
    }

    func run() {
        defer { _ = mailbox.close() }
        do { try poller.add(mailbox.descriptor, token: Self.mailboxToken, interest: .readable) } catch { return }
        var last = Instant.distantFuture
        while !isStopping || (igdIsBusy && BootClock.now() < last) {
            let now = BootClock.now()
            guard let ready = try? poller.wait(until: wakeTime(last), now: now) else { return }
            let woken = BootClock.now()
            for index in 0..<ready { serve(poller[index].token, woken) }
            course?.tick(now: woken)
            flush()
            if isStopping, last == .distantFuture { last = woken + Self.farewell }
        }
    }

    private func wakeTime(_ last: Instant) -> Instant? {
        let due = min(course?.deadline ?? .distantFuture, last)
        return due == .distantFuture ? nil : due
    }

    private func serve(_ token: UInt64, _ now: Instant) {
        switch token {
        case Self.gatewayToken:
            sockets.gateway?.receive { bytes in
                if let bytes { course?.receive(bytes, now: now) } else { course?.refused(now: now) }
            }
        case Self.announcementToken:
            guard let gateway = course?.target.gateway else { return }
            sockets.announcements?.receive(from: gateway) { course?.receiveAnnouncement($0, now: now) }
        default:
            for command in mailbox.drain() { obey(command, now) }
        }
    }

    private func obey(_ command: PortMapper.Command, _ now: Instant) {
        switch command {
        case .aim(let target):
            guard !isStopping, target != course?.target else { return }
            leave()
            if let target { aim(target, now) }
        case .networkChanged: course?.networkChanged(now: now)
        case .igdAnswered(let answer, let number):
            igdIsBusy = false
            if number == self.number, course != nil {
                course?.igdAnswered(answer, now: now)
            } else if case .success(let mapping) = answer {
                // Nobody wants it any more.
                waitingJobs.append((.unmap(port: mapping.external.port), number))
            }
            runJobs()
        case .stop:
            leave()
            isStopping = true
        }
    }

    /// Gives back what there is, by the socket that it was got by.
    private func leave() {
        course?.release()
        carryOut()
        course = nil
        if let number = sockets.gateway?.descriptor.number { try? poller.remove(number) }
        sockets.gateway = nil
    }

    private func aim(_ target: MappingTarget, _ now: Instant) {
        number += 1
        course = MappingCourse(target, times: times, random: random, now: now)
        do throws(SystemError) {
            let socket = try GatewaySocket(target)
            try poller.add(socket.descriptor.number, token: Self.gatewayToken, interest: .readable)
            sockets.gateway = consume socket
        } catch {
            // Such as an address that is gone again: what is not sent has no answer, and the next change aims anew.
        }
        hearAnnouncements()
    }

    /// Without them a router's new beginning is noticed by the next renewal.
    private func hearAnnouncements() {
        guard sockets.announcements == nil, let socket = try? AnnouncementSocket() else { return }
        guard (try? poller.add(socket.descriptor.number, token: Self.announcementToken, interest: .readable)) != nil
        else { return }
        sockets.announcements = consume socket
    }

    // MARK: What comes of it

    private func flush() {
        carryOut()
        tell()
    }

    private func carryOut() {
        for datagram in course?.takeOutput() ?? [] { sockets.gateway?.send(datagram) }
        waitingJobs += (course?.takeJobs() ?? []).map { ($0, number) }
        // A thread that does not come back is not waited for by more and more.
        waitingJobs = waitingJobs.suffix(Self.mostJobs)
        runJobs()
    }

    private func tell() {
        var now = MappingReport()
        now.target = course?.target
        now.mapping = course?.mapping
        now.isAsking = course?.isAsking ?? false
        now.failures = course?.failures ?? [:]
        guard now != told else { return }
        told = now
        report(now)
    }

    private func runJobs() {
        while !waitingJobs.isEmpty, !igdIsBusy {
            let (job, number) = waitingJobs.removeFirst()
            guard let library else {
                course?.igdAnswered(.failure(.unavailable("not asked")), now: BootClock.now())
                continue
            }
            igdIsBusy = true
            let session = Handed(IGDSession(library, spare: IGDSession.spare(random)))
            let mailbox = mailbox
            do {
                try OwnThread.start("upnp") {
                    try? mailbox.post(.igdAnswered(session.session.run(job), number))
                }
            } catch {
                igdIsBusy = false
                course?.igdAnswered(.failure(.unavailable("\(error)")), now: BootClock.now())
            }
        }
    }

    private final class Handed: @unchecked Sendable {
        let session: IGDSession
        init(_ session: IGDSession) { self.session = session }
    }
}
