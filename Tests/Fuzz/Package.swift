// swift-tools-version: 6.1
import PackageDescription

/// The fuzz targets: a package of its own, because every module in it is built with libFuzzer's instrumentation.
/// Its sources are those of the product (links into Sources). Built and run by scripts/fuzz.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    // Instrumented, optimised with all checks in place, and open to `@testable import`.
    .unsafeFlags(["-sanitize=fuzzer", "-parse-as-library", "-enable-testing"]),
]

func nio(_ product: String) -> Target.Dependency { .product(name: product, package: "swift-nio") }

let package = Package(
    name: "fuzz",
    dependencies: [
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .target(name: "CCiphers", linkerSettings: [.linkedLibrary("dl")]),
        .target(name: "CLinux", linkerSettings: [.linkedLibrary("dl")]),
        .target(name: "CPortMapping", linkerSettings: [.linkedLibrary("dl")]),
        .target(name: "Wire", swiftSettings: strict),
        .target(name: "INET256", dependencies: ["Wire", "CSodium", "COpenSSL", "CCiphers"], swiftSettings: strict),
        .target(name: "DNS", dependencies: ["INET256", "Wire"], swiftSettings: strict),
        .target(name: "NodeProtocol", dependencies: ["INET256", "Wire"], swiftSettings: strict),
        .target(
            name: "Mesh",
            dependencies: ["INET256", "Wire", .product(name: "DequeModule", package: "swift-collections")],
            swiftSettings: strict),
        .target(
            name: "Discovery",
            dependencies: ["INET256", "Wire", .product(name: "HeapModule", package: "swift-collections")],
            swiftSettings: strict),
        .target(name: "Joining", dependencies: ["INET256", "Wire"], swiftSettings: strict),
        .target(name: "KeyChange", dependencies: ["INET256", "Wire"], swiftSettings: strict),
        .systemLibrary(name: "CMnl", pkgConfig: "libmnl", providers: [.apt(["libmnl-dev"])]),
        .target(name: "Netlink", dependencies: ["Wire", "CMnl", "CLinux"], swiftSettings: strict),
        .target(name: "System", dependencies: ["Wire", "CLinux"], swiftSettings: strict),
        .target(name: "PortMapping", dependencies: ["System", "Wire", "CPortMapping"], swiftSettings: strict),
        .target(name: "Portal", dependencies: ["Netlink", "Wire", "CLinux"], swiftSettings: strict),
        .target(
            name: "API",
            dependencies: [
                "NodeProtocol", "INET256", "Wire", nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(
            name: "INET256Client", dependencies: ["NodeProtocol", "INET256", "Wire", nio("NIOCore"), nio("NIOPosix")],
            swiftSettings: strict),
        .target(name: "FuzzDriver"),
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "FuzzDriver", "API", "INET256Client", "NodeProtocol", "Mesh", "Discovery", "Joining", "KeyChange",
                "DNS", "Portal",
                "PortMapping",
                "INET256",
                "Wire",
                nio("NIOCore"),
            ],
            swiftSettings: strict,
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])]),
    ],
    swiftLanguageModes: [.v6]
)
