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

/// Aim: on a real file system that fills up, appends are refused by name, nothing acknowledged is lost, and appending resumes
/// by itself. Method: a tmpfs of 16 MiB, which `Tests/run` mounts and names in `MILLRACE_SMALL_DISK`.
@Suite(.enabled(if: SmallDisk.mount != nil, "MILLRACE_SMALL_DISK names no small file system"))
struct SmallDiskTests {
    @Test func `a tmpfs of 16 MiB fills up, refuses, keeps everything acknowledged, and resumes when space returns`() throws {
        let mount = try #require(SmallDisk.mount)
        let io = PosixIO()
        var configuration = LogConfiguration()
        configuration.isCompressing = false
        configuration.greatestSegmentByteCount = 2 << 20
        let store = try LogStore(
            at: "\(mount)/store", create: true, io: io, clock: SystemClock(), entropy: SystemEntropy(),
            configuration: configuration)
        let log = try store.createLog(1)
        // Somebody else's file takes half of the disk; removing it is what gives space back.
        let root = try io.openDirectory(at: mount, create: false)
        let other = try io.createFile("other", in: root)
        try io.allocate(other, byteCount: 6 << 20)
        io.close(other)

        var acknowledged = 0
        var refusal: LogError?
        var number = 0
        while refusal == nil, number < 500_000 {
            do throws(LogError) {
                let ordinal = try ConcurrencyTests.append(log, ConcurrencyTests.record(0, number))
                number += 1
                if number % 100 == 0 {
                    try log.wait(.durable, below: ordinal + 1)
                    acknowledged = number
                }
            } catch {
                refusal = error
            }
        }
        guard case .storageFull(let needed, let available) = refusal else {
            Issue.record("\(number) records, then \(String(describing: refusal))")
            return
        }
        #expect(needed > available)
        #expect(try log.readAll(level: .durable).records.count >= acknowledged)
        if case .full = try store.spaceState() {} else { Issue.record("the store does not say that the disk is full") }

        try io.unlink("other", in: root)
        var resumed: UInt64?
        for _ in 0..<100 where resumed == nil {
            do throws(LogError) {
                let ordinal = try ConcurrencyTests.append(log, ConcurrencyTests.record(0, number))
                resumed = ordinal
            } catch {
                guard case .storageFull = error else { throw error }
                log.waitForRoom(nanoseconds: 50_000_000)
            }
        }
        let last = try #require(resumed)
        try log.wait(.durable, below: last + 1)
        try store.close()
        let again = try LogStore(
            at: "\(mount)/store", create: false, io: io, clock: SystemClock(), entropy: SystemEntropy())
        let numbers = try again.log(1).readAll(level: .durable).records.map { record in
            (0..<8).reduce(0) { $0 | Int(record.record.data[8 + $1]) << (8 * $1) }
        }
        #expect(numbers == Array(0...number))
        try again.close()
    }
}

private enum SmallDisk {
    static var mount: String? {
        // Safe because the string is copied at once.
        unsafe getenv("MILLRACE_SMALL_DISK").map { unsafe String(cString: $0) }
    }
}
