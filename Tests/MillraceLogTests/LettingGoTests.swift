import Foundation
import MillraceIO
import MillraceLog
import MillraceTestKit
import Testing

/// Aim: a store that was let go keeps nothing: no descriptor, no mapping, no memory. Method: a disk in memory whose
/// sync does not return, so that the store ends with work in its queues; weak references tell what is left.
@Suite struct LettingGoTests {
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

    @Test func `a log that was closed with its store is let go`() throws {
        weak var log: ShardLog?
        do {
            var harness = Harness()
            harness.configuration.workerCount = 2
            let store = try harness.open()
            let open = try store.createLog(1)
            log = open
            let ordinal = try open.append(PlainRecord("k", "v"))
            try open.wait(.durable, below: ordinal + 1)
            try store.close()
            #expect(throws: LogError.closed) { try open.append(PlainRecord("k", "refused")) }
        }
        let isGone = log == nil
        #expect(isGone)
    }
}
