import Foundation

/// What the kernel tests need of the machine, and where things are.
enum Requirements {
    /// Why the tests cannot run here; nil when they can.
    static let missing: String? = {
        guard getuid() == 0 else { return "they make network namespaces, which takes root: sudo scripts/test" }
        for tool in ["ip", "ping", "socat", "setpriv", "nft", "python3", "ethtool", "tcpdump", "tc", "nstat", "dig"]
        where !isInPath(tool) {
            return "\(tool) is not installed: scripts/test installs what is missing"
        }
        guard FileManager.default.fileExists(atPath: "/dev/net/tun") else {
            return "/dev/net/tun is missing: modprobe tun"
        }
        return nil
    }()

    /// In continuous integration nothing is skipped as root: what is missing then shows as a failure.
    static let mustRun = getuid() == 0 && ProcessInfo.processInfo.environment["CI"] == "true"
    static let canRun = missing == nil || mustRun

    /// The package's folder.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// The program under test: built beside the test bundle, or named by the environment.
    static func binary() throws -> String {
        let named = ProcessInfo.processInfo.environment["INET256VPN_BINARY"]
        let bundle = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let path = named ?? bundle.appendingPathComponent("inet256vpn").path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw NotThere(what: "\(path), the program under test: build it with `swift build`")
        }
        return path
    }

    /// The times that the product promises are asked for as they are where the machine has room. Where more wants to run than it has
    /// processors (other tests, busy loops), each gets a part of one, and may take as many times as long. KERNEL_TESTS_SLACK, for a machine
    /// that is much too slow, allows so many times as much at least.
    static var slack: Double {
        let given = Double(ProcessInfo.processInfo.environment["KERNEL_TESTS_SLACK"] ?? "") ?? 1
        // Of the last minute (proc(5)).
        var load = [0.0]
        guard getloadavg(&load, 1) == 1 else { return given }
        return max(given, 1, load[0] / Double(max(1, ProcessInfo.processInfo.activeProcessorCount)))
    }

    static func isInPath(_ tool: String) -> Bool {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        return folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(tool)") }
    }
}

/// Something without which a test has no meaning.
struct NotThere: Error, CustomStringConvertible {
    let what: String
    var description: String { "missing: \(what)" }
}
