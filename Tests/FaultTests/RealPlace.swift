import Foundation
import Millrace
import MillraceIO
import MillraceModel
import MillraceTestKit

/// A store on the real disk in a directory of this test alone, and the process that helps with what a test cannot do
/// itself.
struct RealPlace {
    let directory = TemporaryDirectory()
    var store: String { directory.path + "/store" }
    /// A user that owns nothing here.
    static let nobody: UInt32 = 65_534

    static var configuration: StoreConfiguration {
        var configuration = StoreConfiguration()
        configuration.memoryByteCount = 64 << 20
        configuration.firstSegmentByteCount = 1 << 16
        configuration.greatestSegmentByteCount = 1 << 17
        configuration.workerCount = 1
        return configuration
    }

    func open(_ path: String? = nil) async throws(KinesisError) -> StreamStore {
        try await StreamStore.open(at: path ?? store, configuration: RealPlace.configuration)
    }

    /// A closed store with stream `s` of one shard, and what was put into it.
    func fill(_ count: Int = 40) async throws -> [SequenceNumber] {
        let store = try await open()
        let stream = try await store.createStream("s", shards: 1)
        let numbers = try await RealPlace.put(count, into: stream, "filled")
        try await store.close()
        return numbers
    }

    @discardableResult
    static func put(_ count: Int, into stream: StoredStream, _ what: String) async throws -> [SequenceNumber] {
        var numbers: [SequenceNumber] = []
        for index in 0..<count {
            let text = "\(what) \(index) " + String(repeating: "x", count: index * 397 % 5_000)
            numbers.append(try await stream.put(text, partitionKey: "k"))
        }
        return numbers
    }

    static func read(_ stream: StoredStream) throws(KinesisError) -> [Record] { try stream.readAll(level: .published) }

    func attributes(_ path: String) throws -> [FileAttributeKey: Any] {
        try FileManager.default.attributesOfItem(atPath: path)
    }

    /// Every path of the directory, itself included.
    func paths() -> [String] {
        let below = FileManager.default.enumerator(atPath: directory.path)?.compactMap { $0 as? String } ?? []
        return [directory.path] + below.map { directory.path + "/" + $0 }
    }

    /// Gives everything to the user that owns nothing else, when there is one who may.
    func giveAway() throws {
        guard geteuid() == 0 else { return }
        for path in paths() {
            // Safe because the string outlives the call.
            guard unsafe chown(path, RealPlace.nobody, RealPlace.nobody) == 0 else {
                throw FaultFailure("chown: \(errno)")
            }
        }
    }

    func setMode(_ mode: Int, _ path: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    // MARK: The helper

    static func start(_ arguments: [String]) throws -> (process: Process, output: Pipe) {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent("millrace-fault-helper")
        process.arguments = arguments
        process.standardOutput = output
        try process.run()
        return (process, output)
    }

    /// What the helper says when it has ended by itself.
    static func help(_ arguments: [String]) throws -> String {
        let (process, output) = try start(arguments)
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            throw FaultFailure("the helper ended with \(process.terminationStatus): \(said)")
        }
        return said
    }
}
