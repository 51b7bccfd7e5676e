// swift-tools-version: 6.2
import PackageDescription

// A program that keeps its events in a Millrace store inside its own process. `traits: []` leaves Millrace's tools out,
// and with them every package: `swift build` resolves nothing but the directory above.
let package = Package(
    name: "EmbedAsBackend",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "millrace", path: "../..", traits: [])],
    targets: [
        .executableTarget(
            name: "EmbedAsBackend", dependencies: [.product(name: "Millrace", package: "millrace")])
    ],
    swiftLanguageModes: [.v6]
)
