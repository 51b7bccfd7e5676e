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

/// The engines to build in, separated by commas; all of them where the variable is not set. One that is left out
/// is reported as not measured.
let wanted = Context.environment["MILLRACE_PEERS"]?.split(separator: ",").map(String.init)

let libraries = [
    (engine: "sqlite", module: "CSQLite", package: "libsqlite3-dev"),
    (engine: "lmdb", module: "CLMDB", package: "liblmdb-dev"),
    (engine: "rocksdb", module: "CRocksDB", package: "librocksdb-dev"),
    (engine: "leveldb", module: "CLevelDB", package: "libleveldb-dev"),
    (engine: "redis", module: "CHiredis", package: "libhiredis-dev"),
    (engine: "nats", module: "CNATS", package: "libnats-dev"),
].filter { wanted?.contains($0.engine) ?? true }

let package = Package(
    name: "millrace-peers",
    platforms: [.macOS(.v15)],
    targets: libraries.map { .systemLibrary(name: $0.module, providers: [.apt([$0.package])]) } + [
        .executableTarget(
            name: "millrace-peers", dependencies: libraries.map { .target(name: $0.module) }, swiftSettings: settings)
    ],
    swiftLanguageModes: [.v6]
)
