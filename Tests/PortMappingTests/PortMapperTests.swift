import Glibc
import Synchronization
import TestSupport
import Testing
import Wire

@testable import PortMapping
@testable import System

/// The thread with its sockets, in a network of its own with a router in it.
@Suite struct PortMapperTests {
    /// What the thread has reported, in order.
    private final class Reports: Sendable {
        private let list = Mutex<[MappingReport]>([])

        var last: MappingReport? { list.withLock(\.last) }

        func note(_ report: MappingReport) { list.withLock { $0.append(report) } }

        func await(_ what: String, _ condition: (MappingReport) -> Bool) throws {
            for _ in 0..<1500 {
                if let last, condition(last) { return }
                usleep(10_000)
            }
            try #require(Bool(false), "\(what): \(String(describing: last))")
        }
    }

    /// 10.0.0.1 and 10.0.0.2 are both here; the router is a thread.
    private final class RouterThread: Sendable {
        let router: Mutex<Router>
        private let descriptor: Int32
        private let isEnding = Mutex(false)

        init(_ router: Router) throws {
            self.router = Mutex(router)
            descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            let bound = SocketAddress(Endpoint(address: Router.gateway, port: PCPFormat.serverPort))
                .withPointer { bind(descriptor, $0, $1) }
            try #require(bound == 0, "bind: \(errno)")
            var wait = timeval(tv_sec: 0, tv_usec: 50_000)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
            try OwnThread.start("router") { [self] in serve() }
        }

        func end() { isEnding.withLock { $0 = true } }

        func announce(_ bytes: [UInt8]) {
            let all = SocketAddress(Endpoint(address: IPv6Address(mappedIPv4: 0xe000_0001), port: PCPFormat.clientPort))
            _ = all.withPointer { sendto(descriptor, bytes, bytes.count, 0, $0, $1) }
        }

        private func serve() {
            var buffer = [UInt8](repeating: 0, count: 1500)
            while !isEnding.withLock({ $0 }) {
                var source = sockaddr_storage()
                var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
                withUnsafeMutablePointer(to: &source) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { source in
                        let count = recvfrom(descriptor, &buffer, buffer.count, 0, source, &length)
                        guard count > 0, let answer = router.withLock({ $0.answer(Array(buffer[..<count])) }) else {
                            return
                        }
                        sendto(descriptor, answer, answer.count, 0, source, length)
                    }
                }
            }
            close(descriptor)
        }
    }

    /// Runs `body` with a mapper that has been aimed at the router.
    private func with(
        _ router: Router, igd: FakeIGD? = nil,
        _ body: @escaping @Sendable (PortMapper, RouterThread, Reports) throws -> Void
    ) async throws {
        try await isolated {
            try shell("ip", "link", "set", "lo", "up")
            try shell("ip", "address", "add", "10.0.0.1/32", "dev", "lo")
            try shell("ip", "address", "add", "10.0.0.2/32", "dev", "lo")
            try shell("ip", "link", "set", "lo", "multicast", "on")
            try shell("ip", "route", "add", "224.0.0.0/4", "dev", "lo")
            let thread = try RouterThread(router)
            defer { thread.end() }
            let reports = Reports()
            let mapper = try PortMapper(library: igd, random: { SeededRandom(seed: 5) }, report: reports.note)
            mapper.aim(Router.target)
            try body(mapper, thread, reports)
            let done = Ended()
            Task {
                await mapper.stop()
                done.signal()
            }
            done.await()
        }
    }

    @Test func aMappingIsGotAndGivenBack() async throws {
        try await with(Router()) { mapper, router, told in
            try told.await("a mapping") { $0.mapping != nil }
            #expect(told.last?.target == Router.target && told.last?.isAsking == false)
            #expect(router.router.withLock(\.mappings) == [25632: 25632])
            mapper.aim(nil)
            try told.await("its end") { $0.mapping == nil && $0.target == nil }
            for _ in 0..<500 where !router.router.withLock(\.mappings.isEmpty) { usleep(10_000) }
            #expect(router.router.withLock(\.mappings).isEmpty)
            // And once more, to be given back by the end.
            mapper.aim(Router.target)
            try told.await("another mapping") { $0.mapping != nil }
        }
    }

    @Test func theEndGivesItBack() async throws {
        let last = Mutex<[UInt8]>([])
        try await with(Router()) { mapper, router, told in
            try told.await("a mapping") { $0.mapping != nil }
            let done = Ended()
            Task {
                await mapper.stop()
                done.signal()
            }
            done.await()
            for _ in 0..<500 where !router.router.withLock(\.mappings.isEmpty) { usleep(10_000) }
            #expect(router.router.withLock(\.mappings).isEmpty)
            last.withLock { $0 = router.router.withLock { $0.questions.last ?? [] } }
        }
        #expect(last.withLock { $0.count } == 60)
    }

    @Test func whatTheRouterSaysToAllIsHeard() async throws {
        try await with(Router()) { _, router, told in
            try told.await("a mapping") { $0.mapping != nil }
            router.router.withLock { $0.forget() }
            #expect(router.router.withLock(\.mappings).isEmpty)
            let said: [UInt8] = [2, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 12)
            router.announce(said)
            for _ in 0..<500 where router.router.withLock(\.mappings.isEmpty) { usleep(10_000) }
            #expect(router.router.withLock(\.mappings) == [25632: 25632])
        }
    }

    /// Without the service its kernel says so: UPnP's turn comes at once.
    @Test func upnpWhereNobodyListens() async throws {
        let igd = FakeIGD()
        try await isolated {
            try shell("ip", "link", "set", "lo", "up")
            try shell("ip", "address", "add", "10.0.0.1/32", "dev", "lo")
            try shell("ip", "address", "add", "10.0.0.2/32", "dev", "lo")
            let reports = Reports()
            let mapper = try PortMapper(library: igd, random: { SeededRandom(seed: 5) }, report: reports.note)
            let began = ContinuousClock.now
            mapper.aim(Router.target)
            try reports.await("a mapping") { $0.mapping?.by == .upnp }
            // Silence takes 3.5 s.
            #expect(ContinuousClock.now - began < .seconds(2))
            #expect(reports.last?.failures[.pcp] == .refused("nobody listens"))
            mapper.aim(nil)
            try reports.await("its end") { $0.target == nil }
        }
    }

    @Test func upnpWhereTheRouterIsSilent() async throws {
        var silent = Router()
        (silent.speaksPCP, silent.speaksNATPMP) = (false, false)
        let igd = FakeIGD { $0.codes = [725] }
        try await with(silent, igd: igd) { _, _, told in
            try told.await("a mapping") { $0.mapping?.by == .upnp }
            #expect(told.last?.failures == [.pcp: .silent, .natpmp: .silent])
        }
        // Permanent: it is there until somebody takes it away.
        #expect(igd.calls.last == "unmap 25632")
    }
}

private final class Ended: Sendable {
    private let isDone = Mutex(false)

    func signal() { isDone.withLock { $0 = true } }

    func await() {
        for _ in 0..<1000 where !isDone.withLock({ $0 }) { usleep(10_000) }
    }
}
