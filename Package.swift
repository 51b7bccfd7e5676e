// swift-tools-version: 6.2
import PackageDescription

// The floors of the house, lowest first: a target names only targets of lower floors.
// docs/ARCHITECTURE.md shows the same picture. An embedder who takes product `Millrace` with no trait
// resolves no package at all: the tools' dependencies stand behind the trait `Tools`.

let settings: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatWarning("StrictMemorySafety", as: .error),
    .enableExperimentalFeature("Lifetimes"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
]

let tools: [Target.Dependency] = [
    .product(name: "ArgumentParser", package: "swift-argument-parser", condition: .when(traits: ["Tools"]))
]

let package = Package(
    name: "millrace",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Millrace", targets: ["Millrace"]),
        .library(name: "MillraceTestKit", targets: ["MillraceTestKit"]),
        .executable(name: "millrace", targets: ["MillraceCLI"]),
        .executable(name: "millrace-bench", targets: ["millrace-bench"]),
        .executable(name: "millrace-stress", targets: ["millrace-stress"]),
    ],
    traits: [
        .trait(name: "Tools", description: "The command line tools `millrace`, `millrace-bench` and `millrace-stress`."),
        .trait(
            name: "SeededBugs",
            description: "Known bugs that can be switched on, to show that the crash explorer finds them. Never for use."),
        .default(enabledTraits: []),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", exact: "0.2.0"),
    ],
    targets: [
        // Floor 0
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"]), .brew(["lz4"])]),
        .target(name: "CMillrace"),
        // Floor 1
        .target(name: "MillraceIO", dependencies: ["CLZ4", "CMillrace"], swiftSettings: settings),
        .target(name: "MillraceModel", swiftSettings: settings),
        // Floor 2
        .target(name: "MillraceLog", dependencies: ["MillraceIO", "CMillrace"], swiftSettings: settings),
        // Floor 3
        .target(name: "Millrace", dependencies: ["MillraceLog", "MillraceIO", "MillraceModel"], swiftSettings: settings),
        // Floor 4
        .target(
            name: "MillraceTestKit", dependencies: ["Millrace", "MillraceLog", "MillraceIO", "MillraceModel"],
            swiftSettings: settings),
        // Floor 5
        .executableTarget(
            name: "MillraceCLI", dependencies: ["Millrace", "MillraceLog", "MillraceIO"] + tools,
            swiftSettings: settings),
        .executableTarget(
            name: "millrace-bench",
            dependencies: ["Millrace", "MillraceLog", "MillraceIO", "MillraceModel"] + tools + [
                .product(name: "Histogram", package: "hdrhistogram-swift", condition: .when(traits: ["Tools"]))
            ],
            path: "Benchmarks/millrace-bench", swiftSettings: settings),
        .executableTarget(
            name: "millrace-stress",
            dependencies: ["MillraceTestKit", "Millrace", "MillraceLog", "MillraceIO", "MillraceModel"] + tools,
            path: "Sources/MillraceStress", swiftSettings: settings),
        .executableTarget(
            name: "millrace-instructions", dependencies: ["MillraceTestKit", "MillraceLog", "MillraceIO"],
            path: "Benchmarks/Instructions", swiftSettings: settings),
        // Tests
        .target(
            name: "MillraceTestSupport", dependencies: ["MillraceTestKit", "MillraceLog", "MillraceIO"],
            path: "Tests/MillraceTestSupport", swiftSettings: settings),
        // Built for the fuzzer by Tests/lanes/fuzz.sh; here for the tests that replay what it found.
        .target(
            name: "MillraceFuzz",
            dependencies: ["MillraceTestKit", "Millrace", "MillraceLog", "MillraceIO", "MillraceModel"],
            path: "Tests/Fuzz", swiftSettings: settings),
        .testTarget(name: "FuzzTests", dependencies: ["MillraceFuzz", "MillraceTestSupport"], swiftSettings: settings),
        .testTarget(
            name: "MillraceIOTests", dependencies: ["MillraceIO", "CMillrace", "MillraceTestKit", "MillraceTestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "MillraceModelTests", dependencies: ["MillraceModel", "MillraceIO", "MillraceTestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "MillraceLogTests", dependencies: ["MillraceLog", "MillraceIO", "MillraceTestKit", "MillraceTestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "FormatTests", dependencies: ["MillraceLog", "MillraceIO", "MillraceTestKit", "MillraceTestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "CrashTests",
            dependencies: ["Millrace", "MillraceModel", "MillraceLog", "MillraceIO", "MillraceTestKit", "MillraceTestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "FaultTests",
            dependencies: [
                "millrace-fault-helper", "Millrace", "MillraceModel", "MillraceLog", "MillraceIO", "MillraceTestKit",
                "MillraceTestSupport",
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "millrace-fault-helper", dependencies: ["Millrace", "MillraceModel", "MillraceLog", "MillraceIO"],
            path: "Tests/FaultHelper", swiftSettings: settings),
        .executableTarget(
            name: "millrace-kill-writer",
            dependencies: ["Millrace", "MillraceModel", "MillraceLog", "MillraceIO", "MillraceTestKit", "MillraceTestSupport"],
            path: "Tests/KillWriter", swiftSettings: settings),
        .testTarget(
            name: "KillTests",
            dependencies: [
                "millrace-kill-writer", "Millrace", "MillraceModel", "MillraceLog", "MillraceIO", "MillraceTestKit",
                "MillraceTestSupport",
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "millrace-block-disk", dependencies: ["MillraceLog", "MillraceIO", "MillraceTestKit"],
            path: "Tests/BlockDisk", swiftSettings: settings),
        .testTarget(
            name: "PropertyTests",
            dependencies: ["Millrace", "MillraceModel", "MillraceLog", "MillraceIO", "MillraceTestKit"],
            swiftSettings: settings),
        .testTarget(
            name: "MillraceTests", dependencies: ["Millrace", "MillraceModel", "MillraceIO", "MillraceTestKit", "MillraceTestSupport"],
            swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
