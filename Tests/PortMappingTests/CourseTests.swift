import TestSupport
import Testing
import Wire

@testable import PortMapping

@Suite struct CourseTests {
    private let external = Router.external

    @Test func aMappingAtOnceAndKept() {
        var world = World()
        world.run(for: .milliseconds(10))
        let mapping = Mapping(by: .pcp, external: Endpoint(address: external, port: 25632), lifetime: 7200)
        #expect(world.course.mapping == mapping && mapping.isPublic)
        #expect(world.asked == [.zero])
        // Half of two hours each: nothing else is sent.
        world.run(for: .seconds(24 * 3600))
        #expect(world.course.mapping == mapping)
        #expect(world.asked.count == 25)
        #expect(world.asked.dropFirst().first == .seconds(3600))
    }

    @Test func anotherPortIsTakenAsItComes() {
        var router = Router()
        router.port = 4711
        router.lifetime = 600
        var world = World(router)
        world.run(for: .milliseconds(10))
        #expect(world.course.mapping?.external == Endpoint(address: external, port: 4711))
        world.run(for: .seconds(301))
        #expect(world.asked == [.zero, .seconds(300)])
        // It is the port that is suggested from then on.
        #expect(world.router.questions.last.map { Array($0[42...43]) } == [0x12, 0x67])
    }

    @Test func theElderProtocolWhereTheRouterKnowsNoOther() {
        var router = Router()
        router.speaksPCP = false
        var world = World(router)
        world.run(for: .milliseconds(10))
        #expect(world.course.mapping?.by == .natpmp)
        #expect(world.course.mapping?.external == Endpoint(address: external, port: 25632))
        #expect(world.course.failures == [.pcp: .refused(NATPMPResult.text(1))])
        // PCP, the address, the port; and the last two when it is renewed.
        #expect(world.asked == [.zero, .zero, .zero])
        world.run(for: .seconds(3600))
        #expect(world.asked.count == 5)
    }

    @Test func silenceIsAnAnswerAfterThreeQuestions() {
        var router = Router()
        (router.speaksPCP, router.speaksNATPMP) = (false, false)
        var world = World(router)
        world.upnp = .failure(.silent)
        world.run(for: .seconds(10))
        let each: [Int64] = [0, 250, 750]
        #expect(world.asked == (each + each.map { $0 + 1750 }).map { .milliseconds($0) })
        #expect(world.course.mapping == nil && !world.course.isAsking)
        #expect(world.course.failures == [.pcp: .silent, .natpmp: .silent, .upnp: .silent])
        #expect(world.jobs == [.map(own: Router.own, port: 25632, lifetime: 7200)])
        // And the same again every quarter of an hour.
        world.run(for: .seconds(3600))
        #expect(world.jobs.count == 4 || world.jobs.count == 5)
        #expect(world.asked.count == 6 * world.jobs.count)
    }

    @Test func refusalsGoOnToTheNextWay() {
        var router = Router()
        router.result = 2
        var world = World(router)
        world.upnp = .failure(.refused("no"))
        world.run(for: .milliseconds(1))
        #expect(world.course.mapping == nil)
        #expect(
            world.course.failures == [
                .pcp: .refused(PCPResult.text(2)), .natpmp: .refused(NATPMPResult.text(2)), .upnp: .refused("no"),
            ])
    }

    @Test func aRouterThatBeganAnewIsAskedAnew() {
        var world = World()
        world.run(for: .seconds(600))
        #expect(world.asked.count == 1 && world.router.mappings == [25632: 25632])
        world.router.forget()
        // It says so to everybody.
        let said: [UInt8] = [2, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] + [UInt8](repeating: 0, count: 12)
        said.withUnsafeBytes { world.course.receiveAnnouncement($0, now: world.now) }
        world.run(for: .milliseconds(1))
        #expect(world.asked.count == 2 && world.router.mappings == [25632: 25632])
        // One that fits what is known changes nothing, nor does it for NAT-PMP's form.
        said.withUnsafeBytes { world.course.receiveAnnouncement($0, now: world.now) }
        world.run(for: .milliseconds(1))
        #expect(world.asked.count == 2)
        let elder: [UInt8] = [0, 128, 0, 0, 0, 0, 0, 1, 203, 0, 113, 7]
        world.run(for: .seconds(60))
        elder.withUnsafeBytes { world.course.receiveAnnouncement($0, now: world.now) }
        world.run(for: .milliseconds(1))
        #expect(world.asked.count == 3)
    }

    /// It does not always say so; then it is found out, by questions that are cheap.
    @Test(arguments: [true, false]) func aRouterThatBeganAnewInSilence(_ speaksPCP: Bool) {
        var router = Router()
        router.speaksPCP = speaksPCP
        var world = World(router, care: .seconds(300))
        world.run(for: .milliseconds(1))
        let first = world.asked.count
        world.run(for: .seconds(3000))
        // One each five minutes, of 24 or 2 bytes.
        #expect(world.asked.count == first + 10)
        #expect(world.router.questions.last?.count == (speaksPCP ? 24 : 2))
        world.router.forget()
        world.run(for: .seconds(301))
        #expect(world.router.mappings == [25632: 25632])
        world.run(for: .seconds(24 * 3600))
        #expect(world.course.mapping != nil && world.router.mappings == [25632: 25632])
        #expect(world.asked.count < first + 10 + 3 * 320)
    }

    /// A server of PCP that does not know the question is not asked it again.
    @Test func aRouterThatDoesNotTellItsEpoch() {
        var router = Router()
        router.tellsEpoch = false
        var world = World(router, care: .seconds(300))
        world.run(for: .seconds(3500))
        #expect(world.asked.count == 4 && world.course.mapping != nil)
        world.run(for: .seconds(24 * 3600))
        #expect(world.course.mapping != nil && world.asked.count == 4 + 24)
    }

    /// One that told it and is silent now is away: it is asked until the lease is over, and then from the beginning.
    @Test func aRouterThatToldItsEpochAndIsAway() {
        var world = World(care: .seconds(300))
        world.run(for: .seconds(1000))
        world.isCut = true
        world.run(for: .seconds(1000))
        #expect(world.course.mapping != nil)
        world.router.forget()
        world.isCut = false
        world.run(for: .seconds(70))
        #expect(world.router.mappings == [25632: 25632])
        world.isCut = true
        world.run(for: .seconds(7300))
        #expect(world.course.mapping == nil)
    }

    @Test func anotherAddressOutside() {
        var router = Router()
        router.speaksPCP = false
        var world = World(router)
        world.run(for: .seconds(60))
        world.router.external = IPv6Address(mappedIPv4: 0xc633_6401)
        let told = world.asked.count
        var said: [UInt8] = [0, 128, 0, 0]
        said.appendBig(world.router.epoch)
        said += [198, 51, 100, 1]
        said.withUnsafeBytes { world.course.receiveAnnouncement($0, now: world.now) }
        world.run(for: .milliseconds(1))
        #expect(world.course.mapping?.external.address == world.router.external)
        #expect(world.asked.count == told + 2)
    }

    /// Another network whose router is called the same: it is asked, and changes in a row are one.
    @Test func theNetworkChanges() {
        var world = World()
        world.run(for: .seconds(60))
        world.router.forget()
        for _ in 0..<10 {
            world.course.networkChanged(now: world.now)
            world.run(for: .milliseconds(100))
        }
        #expect(world.asked.count == 2 && world.router.mappings == [25632: 25632])
        // The last of them is heeded too, in its time.
        world.run(for: .seconds(3000))
        #expect(world.asked.count == 3)
        // Where all has failed it is tried again, and not each time.
        var router = Router()
        (router.speaksPCP, router.speaksNATPMP) = (false, false)
        world = World(router)
        world.upnp = .failure(.silent)
        world.run(for: .seconds(4))
        #expect(world.jobs.count == 1)
        world.router.speaksPCP = true
        for _ in 0..<300 {
            world.course.networkChanged(now: world.now)
            world.run(for: .milliseconds(100))
        }
        #expect(world.course.mapping?.by == .pcp && world.asked.count == 7)
    }

    @Test func aRouterThatIsAwayForAWhile() {
        var world = World()
        world.run(for: .seconds(3599))
        world.isCut = true
        world.run(for: .seconds(1800))
        // The lease has half an hour left.
        #expect(world.course.mapping != nil)
        world.isCut = false
        world.run(for: .seconds(120))
        let answered = world.asked.count
        world.run(for: .seconds(1800))
        #expect(world.course.mapping?.by == .pcp && world.asked.count == answered)
        // And for longer than that.
        world.isCut = true
        world.run(for: .seconds(7300))
        #expect(world.course.mapping == nil)
        world.isCut = false
        world.run(for: .seconds(1000))
        #expect(world.course.mapping?.by == .pcp)
    }

    @Test func theMappingIsGivenBack() {
        for speaksPCP in [true, false] {
            var router = Router()
            router.speaksPCP = speaksPCP
            var world = World(router)
            world.run(for: .milliseconds(1))
            #expect(world.router.mappings == [25632: 25632])
            world.course.release()
            world.settle()
            #expect(world.router.mappings.isEmpty && world.course.mapping == nil)
            #expect(world.course.deadline == .distantFuture)
        }
        // Also one whose answer is still on its way.
        var world = World()
        world.isCut = true
        world.run(for: .milliseconds(1))
        world.isCut = false
        world.course.release()
        world.settle()
        #expect(world.router.questions.count == 1 && world.router.questions[0][4..<8].allSatisfy { $0 == 0 })
    }

    @Test func whatIsNotAboutUsIsNotHeard() {
        var world = World()
        world.isCut = true
        world.run(for: .milliseconds(1))
        let stranger = PCPMapRequest(
            client: Router.own.address, nonce: MappingNonce(SeededRandom(seed: 99)), internalPort: 25632,
            suggested: Router.own, lifetime: 7200)
        let forged = Router.pcp(stranger, external: external, port: 1, epoch: 1)
        forged.withUnsafeBytes { world.course.receive($0, now: world.now) }
        // NAT-PMP's answers while PCP is asked.
        let elder: [UInt8] = [0, 129, 0, 0, 0, 0, 0, 9, 0x64, 0x20, 0x0f, 0xa0, 0, 0, 0x0e, 0x10]
        elder.withUnsafeBytes { world.course.receive($0, now: world.now) }
        #expect(world.course.mapping == nil && world.course.isAsking && world.course.failures.isEmpty)
    }

    @Test func aRouterBehindAnotherOne() {
        var router = Router()
        router.external = IPv6Address(mappedIPv4: 0x6440_0001)
        var world = World(router)
        world.run(for: .milliseconds(1))
        #expect(world.course.mapping?.isPublic == false)
    }

    @Test func noPortIsNoMapping() {
        var router = Router()
        router.port = 0
        var world = World(router)
        world.upnp = .failure(.silent)
        world.run(for: .milliseconds(1))
        #expect(world.course.mapping == nil)
    }

    /// Renewals stay seldom, whatever lifetime is granted.
    @Test(arguments: [UInt32(1), 60, 4_294_967_295]) func strangeLifetimes(_ lifetime: UInt32) {
        var router = Router()
        router.lifetime = lifetime
        var world = World(router)
        world.run(for: .seconds(24 * 3600))
        #expect(world.course.mapping != nil)
        #expect(world.asked.count <= 24 * 60 + 1 && world.asked.count >= 2)
    }
}
