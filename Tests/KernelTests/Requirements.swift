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

    /// The times that the product promises are asked for as they are. A machine that is much too slow for that may allow
    /// this many times as much, through KERNEL_TESTS_SLACK.
    static let slack: Double = {
        let text = ProcessInfo.processInfo.environment["KERNEL_TESTS_SLACK"] ?? ""
        return Double(text) ?? 1
    }()

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
