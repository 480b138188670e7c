internal import Netlink
internal import Portal
internal import System
internal import Transport

/// What the portal's watch is told. Answers go back through the closures, which return at once.
enum PortalCommand: Sendable {
    /// The interface gets another MTU, in bytes.
    case fit(mtu: UInt32)
    /// The box is not there under its former address any more.
    case forgetFormer
    /// What the kernel has now.
    case inspect(@Sendable (PortalReport?) -> Void)
    /// The same after mending whatever can be mended, whoever fights about it; and what was mended.
    case mend(@Sendable (PortalReport?, [String]) -> Void)
    case stop

    /// For those whom nobody will answer any more.
    func dismiss() {
        switch self {
        case .inspect(let answer): answer(nil)
        case .mend(let answer): answer(nil, [])
        case .fit, .forgetFormer, .stop: break
        }
    }
}

/// The portal as it was measured a moment ago.
struct PortalReport: Sendable {
    var inspection: PortalInspection
    /// How often something was mended since the start.
    var repairs: UInt64 = 0
    /// What somebody keeps changing, and what could not be mended: a sentence each.
    var troubles: [String] = []
}

extension Mailbox where Command == PortalCommand {
    /// The portal as the kernel has it; nil where there is none (yet, or any more).
    func inspection() async -> PortalReport? {
        await withCheckedContinuation { (done: CheckedContinuation<PortalReport?, Never>) in
            do { try post(.inspect { done.resume(returning: $0) }) } catch { done.resume(returning: nil) }
        }
    }

    /// What was mended.
    func mending() async -> [String] {
        await withCheckedContinuation { (done: CheckedContinuation<[String], Never>) in
            do { try post(.mend { _, mended in done.resume(returning: mended) }) } catch { done.resume(returning: []) }
        }
    }
}
