import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Aim: on a real file system that fills up, appends are refused by name, nothing acknowledged is lost, no signal
/// comes, and appending resumes by itself. Method: file systems of 16 MiB, which `Tests/run` mounts and names in
/// `MILLRACE_SMALL_DISK`, one or several with `:` between; `MILLRACE_FILLS` times over, with sizes drawn from a seed
/// (`MILLRACE_SEED`).
@Suite(.enabled(if: !SmallDisk.mounts.isEmpty, "MILLRACE_SMALL_DISK names no small file system"))
struct SmallDiskTests {
    @Test(arguments: SmallDisk.mounts)
    func `a disk of 16 MiB fills up, refuses, keeps everything acknowledged, and resumes when space returns`(
        mount: String
    ) throws {
        let fills = Fixtures.number("MILLRACE_FILLS") ?? 3
        let seed = UInt64(Fixtures.number("MILLRACE_SEED") ?? 1)
        var records = 0
        for fill in 0..<fills {
            do { records += try SmallDiskFill(mount, seed: seed &+ UInt64(fill)).run() } catch {
                Issue.record("\(mount), seed \(seed + UInt64(fill)): \(error)")
                return
            }
        }
        print("small disk \(mount): \(fills) fills with resumption, \(records) records, 0 lost")
    }
}

/// One store that fills a small disk, gets space back, and is verified.
private final class SmallDiskFill {
    private let mount: String
    private let path: String
    private let io = PosixIO()
    private let dice: SeededEntropy
    private var configuration = LogConfiguration()
    private var number = 0
    private var acknowledged = 0

    init(_ mount: String, seed: UInt64) {
        self.mount = mount
        path = "\(mount)/store"
        dice = SeededEntropy(seed: seed)
        configuration.isCompressing = false
        configuration.greatestSegmentByteCount = (1 << 20) << dice.next(below: 2)
        configuration.firstSegmentByteCount = configuration.greatestSegmentByteCount >> dice.next(below: 3)
        configuration.reserveByteCount = 256 << 10
    }

    /// How many records were put and found again.
    func run() throws -> Int {
        defer { SmallDisk.empty(path, io) }
        let root = try io.openDirectory(at: mount, create: false)
        defer {
            try? io.unlink("other", in: root)
            io.close(root)
        }
        // Somebody else's file takes a part of the disk; removing it is what gives space back.
        let other = try io.createFile("other", in: root)
        try io.allocate(other, byteCount: (5 << 20) + dice.next(below: 4 << 20) / 4096 * 4096)
        io.close(other)
        let store = try open(create: true)
        let log = try store.createLog(1)
        try fillUp(store, log)
        try check(log, atLeast: acknowledged)
        try io.unlink("other", in: root)
        try resume(log)
        if dice.next(below: 2) == 0 { try store.close() } else { store.abandon() }
        let again = try open(create: false)
        try check(again.log(1), atLeast: number)
        try again.close()
        return number
    }

    private func open(create: Bool) throws(LogError) -> LogStore {
        try LogStore(
            at: path, create: create, io: io, clock: SystemClock(), entropy: SystemEntropy(),
            configuration: configuration)
    }

    /// A refusal need not last: a file that was being made ahead may have held the very room that was missing, and then appends
    /// resume within a tenth of a second. So this appends until the store still says that it is full after three of those.
    private func fillUp(_ store: LogStore, _ log: ShardLog) throws {
        for _ in 0..<20 {
            guard case .storageFull(let needed, _) = try fill(log) else {
                throw SmallDiskFailure("the disk did not fill up")
            }
            if needed > 8 << 20 { throw SmallDiskFailure("\(needed) bytes are said to be needed") }
            log.waitForRoom(nanoseconds: 300_000_000)
            if case .full = try store.spaceState() { return }
        }
        throw SmallDiskFailure("appends are refused, and the store never says that the disk is full")
    }

    private func fill(_ log: ShardLog) throws(LogError) -> LogError? {
        let group = 1 + dice.next(below: 200)
        while number < 500_000 {
            do throws(LogError) {
                let ordinal = try ConcurrencyTests.append(log, ConcurrencyTests.record(0, number))
                number += 1
                if number % group == 0 {
                    try log.wait(.durable, below: ordinal + 1)
                    acknowledged = number
                }
            } catch {
                return error
            }
        }
        return nil
    }

    /// Puts go on by themselves once the store has seen that there is space.
    private func resume(_ log: ShardLog) throws {
        for _ in 0..<200 {
            do throws(LogError) {
                let ordinal = try ConcurrencyTests.append(log, ConcurrencyTests.record(0, number))
                number += 1
                try log.wait(.durable, below: ordinal + 1)
                acknowledged = number
                return
            } catch {
                guard case .storageFull = error else { throw error }
                log.waitForRoom(nanoseconds: 20_000_000)
            }
        }
        throw SmallDiskFailure("appending did not resume")
    }

    private func check(_ log: ShardLog, atLeast count: Int) throws {
        let numbers = try log.readAll(level: .durable).records.map { record in
            (0..<8).reduce(0) { $0 | Int(record.record.data[8 + $1]) << (8 * $1) }
        }
        if numbers.count < count {
            throw SmallDiskFailure("\(count) records were acknowledged, \(numbers.count) are left")
        }
        if numbers != Array(0..<numbers.count) {
            throw SmallDiskFailure("the numbers of \(numbers.count) records are not in order")
        }
    }
}

private struct SmallDiskFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

private enum SmallDisk {
    static let mounts: [String] = {
        // Safe because the string is copied at once.
        let text = unsafe getenv("MILLRACE_SMALL_DISK").map { unsafe String(cString: $0) } ?? ""
        return text.split(separator: ":").map(String.init)
    }()

    /// Removes a store with everything in it.
    static func empty(_ path: String, _ io: PosixIO) {
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
}
