import MillraceIO
import MillraceLog
import MillraceTestKit
import Testing

/// Aim: how a store ended says the truth about what is left. Method: a disk in memory, closed after a failure, or killed and then
/// without power.
@Suite struct EndOfStoreTests {
    @Test func `closing a store with a frozen log says so while records of it are not durable`() throws {
        let harness = Harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        let other = try store.createLog(2)
        try log.append(PlainRecord("k", "nobody waits for this one"))
        try other.append(PlainRecord("k", "of another log"))
        harness.disk.fault = { operation, _, _ in operation == .write ? 5 : nil }
        // The flusher meets the fault, with nobody there to be told.
        #expect(log.flushStep() == .nothing)
        harness.disk.fault = nil
        do throws(LogError) {
            try store.close()
            Issue.record("closed as if nothing was lost")
        } catch {
            guard case .frozen(let cause) = error else { throw error }
            #expect(cause.errorNumber == 5)
        }
        // It is closed all the same, and the other log's records are durable.
        let again = try harness.open()
        #expect(try again.log(2).readAll(level: .durable).records.count == 1)
    }

    @Test func `a store whose frozen log lost nothing closes without an error`() throws {
        let harness = Harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        let ordinal = try log.append(PlainRecord("k", "kept"))
        try log.wait(.durable, below: ordinal + 1)
        harness.disk.fault = { operation, _, _ in operation == .sync ? 5 : nil }
        #expect(throws: LogError.self) { try log.idleStep() }
        harness.disk.fault = nil
        try store.close()
    }

    @Test(arguments: 1...40)
    func `what an opening found after a kill stays when the power fails right after it`(seed: UInt64) throws {
        let harness = Harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        let ordinal = try log.append(PlainRecord("k", "written, in a segment whose name was never synced"))
        try log.wait(.written, below: ordinal + 1)
        let killed = Harness(disk: harness.disk.kill())
        let found = try killed.open().log(1).readAll(level: .durable).records
        #expect(found.map(\.ordinal) == [ordinal])
        let left = Harness(disk: killed.disk.crash(entropy: SeededEntropy(seed: seed)))
        left.clock.restart(bootIdentity: (2, 2))
        #expect(try left.open().log(1).readAll(level: .durable).records.map(\.ordinal) == [ordinal])
        _ = store
    }
}
