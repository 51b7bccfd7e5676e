// swift-tools-version: 6.2
import PackageDescription

// Other engines doing the same work on the same records, so that figures stand side by side.
// A package of its own: nothing that Millrace's users build depends on any of this.

let settings: [SwiftSetting] = [
    // The files that are links into millrace-bench stand under this condition.
    .define("Tools"),
    .strictMemorySafety(),
    .treatWarning("StrictMemorySafety", as: .error),
    .enableExperimentalFeature("Lifetimes"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
]

let package = Package(
    name: "millrace-peers",
    platforms: [.macOS(.v15)],
    targets: [
        .systemLibrary(
            name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite3"])]),
        .executableTarget(name: "millrace-peers", dependencies: ["CSQLite"], swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
