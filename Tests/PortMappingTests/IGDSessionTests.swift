import Synchronization
import TestSupport
import Testing
import Wire

@testable import PortMapping

/// A gateway that answers as it is told, and notes what it is asked.
final class FakeIGD: IGDLibrary {
    struct State {
        var missing: String?
        var found: Int32 = 0
        var external: (Int32, String) = (0, "203.0.113.7")
        /// What it says to each call for a mapping, in order; then 0.
        var codes: [Int32] = []
        var calls: [String] = []
    }

    let state: Mutex<State>

    init(_ change: (inout State) -> Void = { _ in }) {
        var state = State()
        change(&state)
        self.state = Mutex(state)
    }

    var calls: [String] { state.withLock(\.calls) }

    func load() -> String? { state.withLock(\.missing) }
    func find(own: String) -> Int32 { state.withLock(\.found) }
    func externalAddress() -> (code: Int32, text: String) { state.withLock { ($0.external.0, $0.external.1) } }

    func map(port: UInt16, own: String, ownPort: UInt16, seconds: UInt32) -> Int32 {
        state.withLock { state in
            state.calls.append("map \(port) \(own):\(ownPort) \(seconds)")
            return state.codes.isEmpty ? 0 : state.codes.removeFirst()
        }
    }

    func unmap(port: UInt16) -> Int32 {
        state.withLock { state in
            state.calls.append("unmap \(port)")
            return 0
        }
    }
}

@Suite struct IGDSessionTests {
    private func run(_ igd: FakeIGD) -> Result<Mapping, MappingFailure> {
        IGDSession(igd, spare: [30001, 30002]).run(.map(own: Router.own, port: 25632, lifetime: 7200))
    }

    private func mapping(_ port: UInt16, _ lifetime: UInt32) -> Result<Mapping, MappingFailure> {
        .success(Mapping(by: .upnp, external: Endpoint(address: Router.external, port: port), lifetime: lifetime))
    }

    @Test func aMapping() {
        let igd = FakeIGD()
        #expect(run(igd) == mapping(25632, 7200))
        #expect(igd.calls == ["map 25632 10.0.0.2:25632 7200"])
        _ = IGDSession(igd, spare: []).run(.unmap(port: 25632))
        #expect(igd.calls.last == "unmap 25632")
    }

    @Test func aGatewayThatKnowsPermanentOnesAlone() {
        let igd = FakeIGD { $0.codes = [725] }
        #expect(run(igd) == mapping(25632, 0))
        #expect(igd.calls.last == "map 25632 10.0.0.2:25632 0")
    }

    @Test func aPortThatIsTaken() {
        let igd = FakeIGD { $0.codes = [718, 725, 718] }
        #expect(run(igd) == mapping(30002, 0))
        let none = FakeIGD { $0.codes = [718, 718, 718, 718] }
        #expect(run(none) == .failure(.refused("the outside ports that were tried are taken")))
        #expect(none.calls.count == 3)
    }

    @Test func whatCannotBe() {
        let cases: [(FakeIGD, MappingFailure)] = [
            (FakeIGD { $0.missing = "not installed" }, .unavailable("not installed")),
            (FakeIGD { $0.found = -1 }, .silent),
            (FakeIGD { $0.external = (0, "0.0.0.0") }, .refused("it has no connection itself")),
            (FakeIGD { $0.external = (501, "") }, .refused("it does not say its address outside (501)")),
            (FakeIGD { $0.external = (0, "no address") }, .refused("it does not say its address outside (0)")),
            (FakeIGD { $0.codes = [606] }, .refused("it is not allowed to this machine")),
            (FakeIGD { $0.codes = [728] }, .refused("it has no room for another mapping")),
            (FakeIGD { $0.codes = [501] }, .refused("it answered with error 501")),
            (FakeIGD { $0.codes = [-3] }, .silent),
        ]
        for (igd, failure) in cases { #expect(run(igd) == .failure(failure)) }
    }

    /// A gateway that always wants something else is left alone.
    @Test func noEndOfWishes() {
        let igd = FakeIGD { $0.codes = [725, 725, 725, 725, 725, 725] }
        guard case .failure(.refused) = run(igd) else { return #expect(Bool(false)) }
        #expect(igd.calls.count <= 5)
    }

    @Test func sparePortsAreOrdinaryOnes() {
        for seed in UInt64(0)..<50 {
            let ports = IGDSession.spare(SeededRandom(seed: seed))
            #expect(ports.count == 3 && ports.allSatisfy { (20_000..<49_152).contains($0) })
        }
    }
}
