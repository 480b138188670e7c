// swift-tools-version: 6.1
import PackageDescription

/// Every target is compiled with the same upcoming features: imports stay internal unless a
/// signature needs them, members come only from modules that the file itself imports, and
/// existentials are spelled out so that none slips into the data path unseen.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

// The data path is one thread, and debug builds, which are what tests run, check exclusive access at run time; a release
// build would spend 4 % of its time on it. Not for what other packages may depend on.
let fast =
    strict + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]

// What is in C checks the bounds that the compiler knows; everywhere relocations are done and shut at the start (full RELRO).
let fortified: [CSetting] = [.define("_FORTIFY_SOURCE", to: "3", .when(configuration: .release))]
// A package that others depend on may have no flags of its own: none for what is part of the libraries.
let hardened: [CSetting] =
    fortified + [.unsafeFlags(["-fstack-protector-strong", "-Wformat", "-Werror=format-security"])]
let shut: [LinkerSetting] = [
    .unsafeFlags(["-Xlinker", "-z", "-Xlinker", "relro", "-Xlinker", "-z", "-Xlinker", "now"])
]

// Most of the tests' time is the simulator's, and what it runs: `scripts/test` asks for that to be optimised, with all its checks left
// in. Nobody else does: a debugger likes it better as it is, and a package that others depend on may have no such flags.
let quick: [SwiftSetting] =
    Context.environment["INET256VPN_QUICK_TESTS"] == nil
    ? [] : [.unsafeFlags(["-O", "-assert-config", "Debug"], .when(configuration: .debug))]

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")

let package = Package(
    name: "inet256vpn",
    products: [
        .executable(name: "inet256vpn", targets: ["inet256vpn"]),
        .library(name: "INET256", targets: ["INET256"]),
        .library(name: "INET256Client", targets: ["INET256Client"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        // System libraries and the C shims.
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CMnl", pkgConfig: "libmnl", providers: [.apt(["libmnl-dev"])]),
        .systemLibrary(name: "CNftnl", pkgConfig: "libnftnl", providers: [.apt(["libnftnl-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .target(name: "CCiphers", cSettings: fortified, linkerSettings: [.linkedLibrary("dl")]),
        .target(name: "CLinux", cSettings: hardened, linkerSettings: [.linkedLibrary("dl")]),
        .target(name: "CPortMapping", cSettings: hardened, linkerSettings: [.linkedLibrary("dl")]),

        // The layers, lowest first. A target sees only what stands before it.
        .target(name: "Wire", swiftSettings: strict + quick),
        .target(
            name: "INET256", dependencies: ["Wire", "CSodium", "COpenSSL", "CCiphers"], swiftSettings: strict + quick),
        .target(name: "DNS", dependencies: ["INET256", "Wire"], swiftSettings: strict + quick),
        .target(name: "NodeProtocol", dependencies: ["INET256", "Wire"], swiftSettings: strict + quick),
        .target(
            name: "Mesh",
            dependencies: ["INET256", "Wire", .product(name: "DequeModule", package: "swift-collections")],
            swiftSettings: fast + quick),
        .target(
            name: "Discovery",
            dependencies: ["INET256", "Wire", .product(name: "HeapModule", package: "swift-collections")],
            swiftSettings: strict + quick),
        .target(name: "Joining", dependencies: ["INET256", "Wire"], swiftSettings: strict),
        .target(name: "KeyChange", dependencies: ["INET256", "Wire"], swiftSettings: strict),
        .target(
            name: "MeshSim",
            dependencies: ["Mesh", "INET256", "Wire", .product(name: "HeapModule", package: "swift-collections")],
            swiftSettings: strict + quick),
        .target(name: "Netlink", dependencies: ["Wire", "CMnl", "CLinux"], swiftSettings: strict),
        .target(name: "System", dependencies: ["Wire", "CLinux"], swiftSettings: fast),
        .target(name: "Transport", dependencies: ["System", "Wire", "CLinux"], swiftSettings: fast),
        .target(name: "PortMapping", dependencies: ["System", "Wire", "CPortMapping"], swiftSettings: strict),
        .target(name: "Portal", dependencies: ["Netlink", "Wire", "CLinux"], swiftSettings: fast + quick),
        .target(name: "Firewall", dependencies: ["Netlink", "Wire", "CNftnl"], swiftSettings: strict + quick),
        .target(
            name: "API", dependencies: ["NodeProtocol", "INET256", "Wire", nioCore, nioPosix, nioHTTP1, logging],
            swiftSettings: fast + quick),
        .target(name: "AdminProtocol", swiftSettings: strict),
        .target(name: "Dashboard", dependencies: ["AdminProtocol"], swiftSettings: strict),
        .target(
            name: "Settings",
            dependencies: [
                "API", "Firewall", "Portal", "Netlink", "Mesh", "DNS", "INET256", "Wire",
                .product(name: "Yams", package: "Yams"), logging,
            ],
            swiftSettings: strict),
        .target(
            name: "INET256Client", dependencies: ["NodeProtocol", "INET256", "Wire", nioCore, nioPosix],
            swiftSettings: strict),
        .target(
            name: "DataPlane",
            dependencies: ["API", "NodeProtocol", "Portal", "Transport", "System", "Mesh", "INET256", "Wire", logging],
            swiftSettings: fast),
        .executableTarget(
            name: "inet256vpn",
            dependencies: [
                "Settings", "DataPlane", "Discovery", "Joining", "KeyChange", "DNS", "API", "AdminProtocol",
                "Dashboard",
                "INET256Client",
                "NodeProtocol",
                "Firewall",
                "Portal",
                "Transport", "System", "Netlink", "Mesh", "INET256",
                "PortMapping", "Wire",
                "CLinux",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                logging,
            ],
            swiftSettings: fast, linkerSettings: shut),

        // What the tests have in common.
        .target(
            name: "TestSupport", dependencies: ["Transport", "Netlink", "INET256", "Wire", "CLinux"],
            path: "Tests/TestSupport",
            swiftSettings: strict),

        .testTarget(name: "WireTests", dependencies: ["TestSupport", "Wire"], swiftSettings: strict),
        .testTarget(name: "INET256Tests", dependencies: ["TestSupport", "INET256", "Wire"], swiftSettings: strict),
        .testTarget(
            name: "NodeProtocolTests", dependencies: ["TestSupport", "NodeProtocol", "INET256", "Wire"],
            swiftSettings: strict),
        .testTarget(
            name: "INET256ClientTests",
            dependencies: ["TestSupport", "INET256Client", "NodeProtocol", "INET256", "Wire", nioCore],
            swiftSettings: strict),
        .testTarget(
            name: "MeshTests", dependencies: ["Mesh", "MeshSim", "INET256", "Wire", "CLinux"], swiftSettings: strict),
        .testTarget(
            name: "DiscoveryTests", dependencies: ["Discovery", "INET256", "Wire"], swiftSettings: strict),
        .testTarget(name: "JoiningTests", dependencies: ["Joining", "INET256", "Wire"], swiftSettings: strict),
        .testTarget(name: "KeyChangeTests", dependencies: ["KeyChange", "INET256", "Wire"], swiftSettings: strict),
        .testTarget(name: "DNSTests", dependencies: ["DNS", "INET256", "Wire"], swiftSettings: strict),
        .testTarget(
            name: "NetlinkTests", dependencies: ["TestSupport", "Netlink", "Firewall", "Wire"],
            swiftSettings: strict),
        .testTarget(
            name: "FirewallTests", dependencies: ["TestSupport", "Firewall", "Netlink", "Wire"], exclude: ["Recorded"],
            swiftSettings: strict),
        .testTarget(name: "SystemTests", dependencies: ["System", "Wire"], swiftSettings: strict),
        .testTarget(
            name: "TransportTests", dependencies: ["TestSupport", "Transport", "System", "Wire", "CLinux"],
            swiftSettings: strict),
        .testTarget(
            name: "PortMappingTests", dependencies: ["TestSupport", "PortMapping", "System", "Wire"],
            swiftSettings: strict),
        .testTarget(
            name: "PortalTests", dependencies: ["TestSupport", "Portal", "Netlink", "Wire", "CLinux"],
            swiftSettings: strict),
        .testTarget(name: "AdminProtocolTests", dependencies: ["AdminProtocol"], swiftSettings: strict),
        .testTarget(name: "DashboardTests", dependencies: ["Dashboard", "AdminProtocol"], swiftSettings: strict),
        .testTarget(
            name: "APITests",
            dependencies: ["TestSupport", "API", "NodeProtocol", "INET256", "System", "Wire", nioCore, logging],
            swiftSettings: strict),
        .testTarget(
            name: "SettingsTests",
            dependencies: [
                "Settings", "AdminProtocol", "API", "DNS", "Firewall", "INET256", "Mesh", "Netlink", "Portal",
                "TestSupport",
                "Wire", logging,
            ],
            exclude: ["Recorded"], swiftSettings: strict),
        .testTarget(
            name: "DataPlaneTests",
            dependencies: [
                "DataPlane", "API", "NodeProtocol", "Portal", "Transport", "System", "TestSupport", "Mesh", "MeshSim",
                "INET256", "Wire",
                logging,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ProgramTests",
            dependencies: [
                "inet256vpn", "Settings", "DataPlane", "Discovery", "Joining", "KeyChange", "DNS", "AdminProtocol",
                "API",
                "Dashboard",
                "Firewall",
                "INET256",
                "Mesh", "Netlink", "NodeProtocol", "Portal", "PortMapping", "System", "TestSupport", "Transport",
                "Wire",
                logging, nioCore,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        // The targets of Tests/Fuzz, a package of its own, and its inputs.
        .testTarget(
            name: "FuzzTests",
            dependencies: [
                "API", "INET256Client", "NodeProtocol", "Mesh", "Discovery", "Joining", "KeyChange", "DNS", "Portal",
                "PortMapping",
                "INET256",
                "Wire", nioCore,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "KernelTests", dependencies: ["inet256vpn", "INET256Client", "INET256", "Portal"],
            exclude: [
                "Reach/nameserver.py", "Reach/nat_probe.py", "api_conformance.py", "flows.py", "manager.py",
                "router.py", "terminal.py",
            ],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
