import MillraceIO
import MillraceLog
import MillraceTestKit
import Testing

/// Aim: a sync covers what it acknowledges, whenever it comes. Method: a sync of another thread runs inside a call of the
/// writer, at each of its calls in turn; then the record is waited for, and the power fails with everything unsynced lost.
@Suite struct RacedSyncTests {
    /// Runs once, at the n-th call of a kind.
    private final class Trap: Sendable {
        private let left: Guarded<Int>
        init(at call: Int) { left = Guarded(call) }
        func isDue() -> Bool {
            left.withLock { left in
                left -= 1
                return left == 0
            }
        }
    }

    /// What survives of the records that were acknowledged as durable, after a sync that came at that call.
    private static func survivors(at call: Int, of kind: IOError.Operation, recordByteCount: Int) throws -> (put: Int, kept: Int) {
        let harness = Harness()
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        // Something to write for the sync that comes between.
        _ = try log.append(PlainRecord("k", "first"))
        _ = log.flushStep()
        let trap = Trap(at: call)
        harness.disk.fault = { operation, _, _ in
            if operation == kind, trap.isDue() { _ = try? log.syncStep() }
            return nil
        }
        let dice = SeededEntropy(seed: 7)
        for number in 0..<4 {
            // Bytes that do not compress: the large ones fill a segment each.
            let data = (0..<recordByteCount).map { _ in UInt8(truncatingIfNeeded: dice.next()) }
            _ = try log.append(PlainRecord(key: [UInt8(number)], data: data))
            _ = log.flushStep()
        }
        try log.wait(.durable, below: log.tip(.published))
        harness.disk.fault = nil
        var options = CrashOptions()
        options.keepProbability = 0
        let disk = harness.disk.crash(options, entropy: SeededEntropy(seed: 1))
        let again = try Harness(disk: disk).open(create: false)
        defer { again.abandon() }
        return (5, try again.log(1).readAll(level: .durable).records.count)
    }

    @Test(arguments: [IOError.Operation.write, .rename], [100, 30_000])
    func `a sync between the beginning and the end of a write loses nothing that is acknowledged later`(
        kind: IOError.Operation, recordByteCount: Int
    ) throws {
        for call in 1...12 {
            let (put, kept) = try Self.survivors(at: call, of: kind, recordByteCount: recordByteCount)
            #expect(kept == put, "a sync at call \(call) of \(kind)")
        }
    }
}
