import Foundation
import MillraceIO
import MillraceLog
import MillraceTestKit
import Testing

/// Aim: a store that is closed or abandoned leaves nothing behind in memory. Method: the clock is passed in and
/// everything of a store holds it, directly or through others; when the store is let go of, so must be the clock.
@Suite struct LettingGoTests {
    enum End: CaseIterable, Sendable { case close, abandon, neither }

    @Test(arguments: End.allCases, [0, 2]) func `nothing of a store stays in memory after its end`(
        end: End, workerCount: Int
    ) throws {
        weak var clock: ManualClock?
        func live() throws {
            let own = ManualClock()
            clock = own
            var configuration = Harness.smallConfiguration
            configuration.workerCount = workerCount
            let store = try LogStore(
                at: "/store", create: true, io: ShadowIO(), clock: own, entropy: SeededEntropy(seed: 1),
                configuration: configuration)
            for id in 1...3 as ClosedRange<UInt64> {
                let log = try store.createLog(id)
                for _ in 0..<20 { try log.append(PlainRecord("key", "data")) }
                if id == 2 { try log.wait(.written, below: log.tip(.published)) }
                if id == 3 { try log.wait(.durable, below: log.tip(.published)) }
            }
            switch end {
            case .close: try store.close()
            case .abandon: store.abandon()
            case .neither: break
            }
        }
        try live()
        #expect(clock == nil)
    }

    /// The disk does not come back from a sync until the store has begun to end: what is queued behind it stays undone.
    @Test func `a log whose sync is queued is let go with its store`() throws {
        let (syncBegan, syncMayGoOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        var harness = Harness()
        harness.configuration.workerCount = 1
        harness.configuration.lingerMilliseconds = 0
        // Every write asks for a sync.
        harness.configuration.unsyncedByteLimit = 1
        weak var first: ShardLog?
        weak var second: ShardLog?
        do {
            // Closed once, so that the segments are there and only the sync thread syncs them.
            let before = try harness.open()
            for id in 1...2 as ClosedRange<UInt64> { try before.createLog(id).append(PlainRecord("k", "v")) }
            try before.close()
            let store = try harness.open()
            let logs = try [store.log(1), store.log(2)]
            (first, second) = (logs[0], logs[1])
            harness.disk.fault = { operation, name, _ in
                if operation == .sync, name.hasSuffix(".segment") {
                    syncBegan.signal()
                    syncMayGoOn.wait()
                }
                return nil
            }
            try logs[0].append(PlainRecord("k", "in a sync that takes long"))
            syncBegan.wait()
            let ordinal = try logs[1].append(PlainRecord("k", "its sync is queued"))
            while logs[1].tip(.written) <= ordinal { usleep(1000) }
            let ending = WorkerThread(name: "ending") { store.abandon() }
            // Long enough for the ending to have begun: it waits for the sync then.
            usleep(100_000)
            syncMayGoOn.signal()
            ending.join()
            harness.disk.fault = nil
        }
        // Not the references themselves: a failure would describe what they name, members that cannot be copied
        // included.
        let isGone = (first == nil, second == nil)
        #expect(isGone == (true, true))
    }
}
