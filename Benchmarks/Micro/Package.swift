// swift-tools-version: 6.2
import PackageDescription

// Microbenchmarks of the engine's hot functions, in a package of its own: nothing that Millrace's users build depends on
// it. One command measures, one compares with the thresholds that are kept, one writes those anew:
//
//     cd Benchmarks/Micro
//     swift package --scratch-path ../../.build-micro benchmark
//     swift package --scratch-path ../../.build-micro benchmark thresholds check
//     swift package --scratch-path ../../.build-micro --allow-writing-to-package-directory benchmark thresholds update
//
// `--filter REGEX` takes some of them. Figures marked with a star are those of one call where an iteration is a thousand.
//
// `Thresholds` holds the 90th percentile of each benchmark's times and instructions, for an iteration, and `Tolerance` how
// far above it a run may be. Instructions are measured only where the processor counts them for programs. Allocations are
// not: their counts need traits of the package that are left out here.

// The hot functions have package access. Code sees them that is compiled under the package's name, which SwiftPM makes of
// the name of its directory.
let checkout = Context.packageDirectory.split(separator: "/").dropLast(2).last ?? ""
let packageName = checkout.lowercased().enumerated().reduce(into: "") { name, next in
    let (place, character) = next
    let isKept = character.isASCII && (character.isLetter || character.isNumber && place > 0)
    name.append(isKept ? character : "_")
}

let settings: [SwiftSetting] = [
    .unsafeFlags(["-package-name", packageName]),
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
    name: "millrace-micro",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "millrace", path: "../.."),
        .package(url: "https://github.com/ordo-one/benchmark", exact: "1.38.1", traits: []),
    ],
    targets: [
        // The plugin looks for benchmarks in directories of this name.
        .executableTarget(
            name: "millrace-micro",
            dependencies: [
                .product(name: "Millrace", package: "millrace"),
                .product(name: "Benchmark", package: "benchmark"),
            ],
            path: "Benchmarks/millrace-micro",
            // SwiftPM gives no package name of its own then.
            packageAccess: false,
            swiftSettings: settings,
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")])
    ],
    swiftLanguageModes: [.v6]
)
