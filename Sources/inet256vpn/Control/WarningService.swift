internal import API
internal import AdminProtocol
internal import Logging
internal import ServiceLifecycle

/// Has the log say when something that `status` warns of comes or goes while the daemon runs: forwarding that somebody switches off,
/// another firewall that is loaded. `status` measures; without this nobody would hear of it who does not ask.
struct WarningService: Service, CustomStringConvertible {
    let control: RunningDaemon
    let logger: Logger
    var description: String { "warnings" }

    /// And at least so many times as long as a look takes: a busy router is not made busier.
    private static let interval: Duration = .seconds(10)
    private static let restFactor = 50

    func run() async throws {
        await cancelWhenGracefulShutdown {
            // What is so at the start was said by whoever found it, but for other firewalls.
            var changes = WarningChanges(await control.status().warnings)
            for warning in changes.known where warning.contains(OtherTables.words) { logger.warning("\(warning)") }
            var rest = Self.interval
            while true {
                do { try await Task.sleep(for: rest) } catch { return }
                let began = ContinuousClock.now
                let (new, gone) = changes.take(await control.status().warnings)
                rest = max(Self.interval, (ContinuousClock.now - began) * Self.restFactor)
                for warning in new { logger.warning("\(warning)") }
                for warning in gone { logger.notice("no longer so: \(warning)") }
            }
        }
    }
}

/// What has come and gone between two looks. A warning with a number in it that changes is the same warning.
struct WarningChanges {
    private(set) var known: [String]
    /// Said in this run, in the form without numbers: what comes and goes all the time is said a few times only.
    private var said: [String: Int] = [:]

    static let mostTimes = 5
    private static let mostKinds = 1024

    init(_ known: [String]) { self.known = known }

    mutating func take(_ now: [String]) -> (new: [String], gone: [String]) {
        let before = Set(known.map(Self.kind))
        let after = Set(now.map(Self.kind))
        let new = now.filter { !before.contains(Self.kind($0)) && mayBeSaid($0) }
        let gone = known.filter { !after.contains(Self.kind($0)) && said[Self.kind($0), default: 0] < Self.mostTimes }
        known = now
        return (new, gone)
    }

    private mutating func mayBeSaid(_ warning: String) -> Bool {
        let kind = Self.kind(warning)
        guard said[kind] != nil || said.count < Self.mostKinds else { return false }
        said[kind, default: 0] += 1
        return said[kind, default: 0] <= Self.mostTimes
    }

    private static func kind(_ warning: String) -> String { String(warning.filter { !$0.isNumber }) }
}
