import TestSupport
import Testing
import Wire

@testable import PortMapping

/// The course where UPnP has its turn.
@Suite struct UPnPCourseTests {
    private let external = Router.external

    @Test func upnpIsKeptAndTakenDown() {
        var router = Router()
        (router.speaksPCP, router.speaksNATPMP) = (false, false)
        var world = World(router)
        let mapping = Mapping(by: .upnp, external: Endpoint(address: external, port: 4711), lifetime: 7200)
        world.upnp = .success(mapping)
        world.run(for: .seconds(5))
        #expect(world.course.mapping == mapping && world.course.failures[.upnp] == nil)
        world.run(for: .seconds(3600))
        #expect(world.jobs.count == 2 && world.jobs.last == .map(own: Router.own, port: 4711, lifetime: 7200))
        // A renewal without an answer ends nothing before its time, and then it does.
        world.upnp = nil
        world.run(for: .seconds(3650))
        #expect(world.course.mapping == mapping)
        world.run(for: .seconds(3700))
        #expect(world.course.mapping == nil)
        world.upnp = .success(mapping)
        world.run(for: .seconds(1000))
        #expect(world.course.mapping == mapping)
        world.course.release()
        #expect(world.course.takeJobs() == [.unmap(port: 4711)])
        #expect(world.course.deadline == .distantFuture && world.course.mapping == nil)
    }

    @Test func aPermanentMappingIsLookedAfterAndRemoved() {
        var router = Router()
        (router.speaksPCP, router.speaksNATPMP) = (false, false)
        var world = World(router)
        world.upnp = .success(
            Mapping(by: .upnp, external: Endpoint(address: external, port: 25632), lifetime: 0))
        world.run(for: .seconds(3 * 3600 + 60))
        #expect(world.jobs.count == 4 && world.course.mapping != nil)
        world.course.release()
        #expect(world.course.takeJobs() == [.unmap(port: 25632)])
    }

    @Test func anAnswerOfUPnPThatComesLate() {
        var router = Router()
        (router.speaksPCP, router.speaksNATPMP) = (false, false)
        var world = World(router)
        world.run(for: .seconds(60))
        #expect(world.course.failures[.upnp] == .silent && world.course.mapping == nil)
        let mapping = Mapping(by: .upnp, external: Endpoint(address: external, port: 25632), lifetime: 7200)
        world.course.igdAnswered(.success(mapping), now: world.now)
        #expect(world.course.mapping == mapping)
        // After the end nothing is taken any more.
        world.course.release()
        world.course.igdAnswered(.success(mapping), now: world.now)
        #expect(world.course.mapping == nil)
    }

    @Test func aRouterWhereNobodyListens() {
        var router = Router()
        (router.speaksPCP, router.speaksNATPMP) = (false, false)
        var world = World(router)
        world.upnp = .failure(.silent)
        world.run(for: .milliseconds(1))
        world.course.refused(now: world.now)
        world.run(for: .milliseconds(1))
        // UPnP's turn at once, and nothing more for the port.
        #expect(world.jobs.count == 1 && world.asked.count == 1 && !world.course.isAsking)
        #expect(world.course.failures[.pcp] == .refused("nobody listens"))
        #expect(world.course.failures[.natpmp] == .refused("nobody listens"))
        // It has begun to: it says so, and is asked in time.
        world.router.speaksPCP = true
        let said: [UInt8] = [2, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] + [UInt8](repeating: 0, count: 12)
        world.run(for: .seconds(40))
        said.withUnsafeBytes { world.course.receiveAnnouncement($0, now: world.now) }
        world.run(for: .milliseconds(1))
        #expect(world.course.mapping?.by == .pcp)
        // A mapping that is there outlives a moment without the service.
        world.run(for: .seconds(3599))
        world.isCut = true
        world.run(for: .seconds(1))
        world.course.refused(now: world.now)
        #expect(world.course.mapping?.by == .pcp && world.course.deadline < .distantFuture)
    }

    @Test func upnpIsAskedAgainWhenTheNetworkChanges() {
        var router = Router()
        (router.speaksPCP, router.speaksNATPMP) = (false, false)
        var world = World(router)
        world.upnp = .success(Mapping(by: .upnp, external: Endpoint(address: external, port: 1), lifetime: 7200))
        world.run(for: .seconds(60))
        for _ in 0..<10 { world.course.networkChanged(now: world.now) }
        world.run(for: .seconds(1))
        #expect(world.jobs.count == 2 && world.course.mapping != nil)
    }
}
