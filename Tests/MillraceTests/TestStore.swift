import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import MillraceTestKit
import MillraceTestSupport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A store on a disk in memory with time by hand; the engine's threads run.
struct TestStore {
    var disk = ShadowIO()
    var clock = ManualClock()
    var entropy = SeededEntropy(seed: 1)
    var configuration = TestStore.configuration

    static var configuration: LogConfiguration {
        var configuration = Harness.smallConfiguration
        configuration.workerCount = 2
        configuration.greatestRecordByteCount = LogConfiguration().greatestRecordByteCount
        configuration.memoryByteCount = 64 << 20
        configuration.writeShareByteCount = 40 << 20
        configuration.unwrittenByteLimit = 36 << 20
        return configuration
    }

    func open() throws(KinesisError) -> StreamStore {
        try StreamStore(at: "/store", io: disk, clock: clock, entropy: entropy, configuration: configuration)
    }
}

extension Shard {
    /// Everything visible from `start` on.
    func readAll(from start: StartingPosition = .trimHorizon, level: AckLevel? = nil) throws(KinesisError) -> [Record] {
        var cursor = try cursorBlocking(at: start, level: level)
        var records: [Record] = []
        while true {
            let more: Bool? = try cursor.withBatch { batch throws(KinesisError) in
                while let record = batch.next() { records.append(try record.copy()) }
                return true
            }
            if more == nil { return records }
        }
    }
}

extension Record {
    var text: String { String(decoding: data, as: UTF8.self) }
}

extension StoredStream {
    /// Everything visible, shard by shard.
    func readAll() throws(KinesisError) -> [Record] {
        var records: [Record] = []
        for shard in shards { records += try shard.readAll() }
        return records
    }
}

/// A new directory under the system's temporary one, whose name no other test has.
func temporaryPath() -> String {
    // Safe because the string is copied at once.
    let root = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    return "\(root)/millrace-streams-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
}

/// Removes a store's directory and everything in it.
func removeTree(_ path: String) {
    let io = PosixIO()
    func empty(_ directory: DirectoryHandle) {
        for name in (try? io.list(directory)) ?? [] {
            if let inner = try? io.openDirectory(name, in: directory, create: false) {
                empty(inner)
                io.close(inner)
                try? io.removeDirectory(name, in: directory)
            } else {
                try? io.unlink(name, in: directory)
            }
        }
    }
    guard let root = try? io.openDirectory(at: path, create: false) else { return }
    empty(root)
    io.close(root)
    // Safe because the string is a C string for the call.
    _ = unsafe rmdir(path)
}
