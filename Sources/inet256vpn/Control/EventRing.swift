internal import Dashboard
internal import Foundation
internal import Logging
internal import Synchronization

/// The last lines of the log that matter: notices and what is worse. Bounded in number and in length, as some have words of peers
/// in them.
final class EventRing: Sendable {
    static let most = 64
    /// Characters of a line.
    static let longest = 600

    private struct Event {
        let time: Date
        let level: Logger.Level
        let text: String
    }

    private let events = Mutex<[Event]>([])

    func add(_ line: LogLine) {
        guard line.level >= .notice else { return }
        // Its own level stands beside it.
        let text = String(line.text.dropFirst(line.level.rawValue.count + 1).prefix(Self.longest))
        let event = Event(time: Date(), level: line.level, text: text)
        events.withLock { events in
            if events.count == Self.most { events.removeFirst() }
            events.append(event)
        }
    }

    /// Oldest first.
    var all: [DashboardEvent] {
        events.withLock { $0 }.map { event in
            let time = event.time.formatted(.iso8601).replacing("T", with: " ")
            return DashboardEvent(time: time, level: event.level.rawValue, text: event.text)
        }
    }
}
