import MillraceIO
import MillraceLog
import MillraceTestKit
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Aim: what the matrix of faults found once stays found, by name. Method: the shortest sequence that showed it.
@Suite struct FoundFaultTests {
    private func life(_ disk: ShadowIO = ShadowIO()) throws -> LogLife {
        let life = LogLife(LogBase(), disk: disk, plan: nil)
        try life.open()
        return life
    }

    private func filled() throws -> LogLife {
        let life = try life()
        try life.createLog()
        try life.append(12_000)
        try life.wait(.durable)
        return life
    }

    /// The next call of the kind, counted from now, fails.
    private func fail(_ life: LogLife, _ operation: IOError.Operation, _ errorNumber: Int32, after calls: Int = 0) {
        life.io.setPlans([
            .init(operation, call: life.io.callCount(operation) + 1 + calls, errorNumber: errorNumber)
        ])
    }

    @Test(arguments: [IOError.Operation.createFile, .allocate, .rename])
    func `no room for a segment's file or name is a full disk, and appending resumes`(operation: IOError.Operation)
        throws
    {
        let life = try filled()
        try life.append(12_000)
        fail(life, operation, ENOSPC)
        do throws(LogError) {
            try life.wait(.durable)
            Issue.record("nothing failed")
        } catch {
            guard case .storageFull(let needed, _) = error else { throw error }
            #expect(needed > 12_000)
        }
        try life.append(100)
        try life.wait(.durable)
        let found = try #require(life.log).readAll(level: .durable)
        #expect(life.model.violation(found: found.records, gaps: found.gaps, promised: .max) == nil)
        try life.close()
        #expect(life.disk.openHandles == [])
    }

    @Test func `reopening does not take the bytes of a failed sync for durable`() throws {
        let life = try filled()
        try life.append(100)
        fail(life, .sync, EIO)
        #expect(throws: LogError.self) { try life.wait(.durable) }
        life.letGo()
        // The bytes are in memory still, and a sync that only repeats the failed one would say that they are on disk.
        life.io.setPlans([])
        try life.open()
        try life.openLog()
        let shown = try #require(life.log).readAll(level: .durable)
        try life.append(100)
        try life.wait(.durable)
        let crashed = life.disk.crash(.nothing, entropy: SeededEntropy(seed: 1))
        life.letGo()
        let (records, gaps) = try found(on: crashed)
        #expect(gaps == [])
        #expect(records.count == shown.records.count + 1)
    }

    private func found(
        on disk: ShadowIO
    ) throws -> (records: [(ordinal: UInt64, record: PlainRecord)], gaps: [Gap]) {
        let clock = ManualClock()
        clock.restart(bootIdentity: (9, 9))
        let store = try LogStore(
            at: "/store", create: false, io: disk, clock: clock, entropy: SeededEntropy(seed: 5),
            configuration: LogLife.configuration)
        defer { store.abandon() }
        return try store.log(1).readAll(level: .durable)
    }

    @Test func `arrival times do not go back when the newest segment has no record yet`() throws {
        let life = try life()
        try life.createLog()
        let log = try #require(life.log)
        let late = try log.append(PlainRecord(key: [1], data: [UInt8](repeating: 3, count: 9_000)), arrival: 2_000_000)
        try log.wait(.durable, below: late + 1)
        // The process dies between the name of the new segment and its first block.
        let isRenamed = Guarded(false)
        let killed = Guarded<ShadowIO?>(nil)
        let disk = life.disk
        disk.fault = { operation, _, _ in
            if operation == .rename { isRenamed.withLock { $0 = true } }
            if operation == .write, isRenamed.withLock({ $0 }) {
                let state = disk.kill()
                killed.withLock { $0 = $0 ?? state }
            }
            return nil
        }
        let next = try log.append(PlainRecord(key: [1], data: [UInt8](repeating: 4, count: 9_000)), arrival: 2_000_001)
        try log.wait(.durable, below: next + 1)
        disk.fault = nil
        life.letGo()
        let again = LogLife(LogBase(), disk: try #require(killed.withLock { $0 }), plan: nil)
        try again.open()
        try again.openLog()
        let reopened = try #require(again.log)
        let ordinal = try reopened.append(PlainRecord("k", "the clock was set back by years"), arrival: 5)
        var cursor = reopened.cursor(at: ordinal, level: .published)
        let arrival = try cursor.withBatch { batch throws(LogError) in batch.next()?.arrivalMilliseconds }
        let found = try #require(arrival ?? nil)
        #expect(found >= 2_000_000)
    }
}
