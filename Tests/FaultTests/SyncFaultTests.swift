import MillraceIO
import MillraceLog
import MillraceTestKit
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Aim: what a failed sync should have covered is acknowledged by nobody, the sync is not tried again, the log takes
/// nothing more until it is reopened, and the store's other logs go on. Method: every sync of a file or directory that
/// appending brings about fails in turn, and a hook counts the syncs of that very file or directory from then on.
@Suite struct SyncFaultTests {
    /// Fails one sync and counts those of the same name that come later.
    private final class Watch: Sendable {
        private struct State {
            var isArmed = false
            var calls = 0
            var failed: String?
            var repeats = 0
            /// Prepared files that became segments; their open handles keep the old name.
            var segments: Set<String> = []
        }
        private let state = Guarded(State())
        let operation: IOError.Operation
        let call: Int
        let errorNumber: Int32

        init(_ operation: IOError.Operation, call: Int, errorNumber: Int32) {
            self.operation = operation
            self.call = call
            self.errorNumber = errorNumber
        }

        func arm() { state.withLock { $0.isArmed = true } }
        var failed: String? { state.withLock { $0.failed } }
        var repeats: Int { state.withLock { $0.repeats } }

        /// What failed is a file that was being prepared.
        var isPrepared: Bool {
            state.withLock { state in
                state.failed.map { $0.hasSuffix(".spare") && !state.segments.contains($0) } ?? false
            }
        }

        func fault(_ operation: IOError.Operation, _ name: String) -> Int32? {
            state.withLock { state in
                if operation == .rename { state.segments.insert(name) }
                guard operation == self.operation, state.isArmed else { return nil }
                if state.failed == name { state.repeats += 1 }
                state.calls += 1
                guard state.calls == call else { return nil }
                state.failed = name
                return errorNumber
            }
        }
    }

    @Test(arguments: [IOError.Operation.sync, .syncDirectory])
    func `a failed sync is acknowledged by nobody and never tried again, and other logs go on`(
        operation: IOError.Operation
    ) throws {
        var points = 0
        for errorNumber in [EIO, ENOSPC, EINTR] {
            var call = 1
            while try sync(Watch(operation, call: call, errorNumber: errorNumber)) { call += 1 }
            points += call - 1
            #expect(call > 4)
        }
        print("fault matrix: \(points) plans, \(points) faults: failed \(operation.rawValue)")
    }

    /// False when there was no such call to fail.
    private func sync(_ watch: Watch) throws -> Bool {
        let place = "\(watch.operation.rawValue) call \(watch.call) answers \(watch.errorNumber)"
        let life = LogLife(LogBase(), disk: ShadowIO(), plan: nil)
        life.disk.fault = { operation, name, _ in watch.fault(operation, name) }
        try life.open()
        try life.createLog()
        let log = try #require(life.log)
        let store = try #require(life.store)
        let other = try store.createLog(2)
        try life.append()
        try life.wait(.durable)
        watch.arm()
        var failure: LogError?
        do throws(LogError) {
            for size in [100, 12_000, 12_000, 200] {
                try life.append(size)
                try life.wait(.durable)
            }
            try life.append()
            try life.flush()
            try life.sync()
            try life.idle()
        } catch { failure = error }
        guard let failed = watch.failed else {
            #expect(failure == nil, "\(place)")
            return false
        }
        // A full disk where a file is prepared concerns no record yet: that file is dropped, and another made later.
        if watch.isPrepared, watch.errorNumber == ENOSPC {
            guard case .storageFull = failure else { throw FaultFailure("\(place): \(String(describing: failure))") }
        } else {
            guard case .frozen(let cause) = failure, cause.errorNumber == watch.errorNumber else {
                throw FaultFailure("\(place): \(String(describing: failure))")
            }
            try isFrozen(log, life, place)
        }
        if watch.repeats > 0 { throw FaultFailure("\(place): \(failed) was synced \(watch.repeats) times more") }
        let ordinal = try other.append(PlainRecord("other", "log"))
        try other.wait(.durable, below: ordinal + 1)
        #expect(try other.readAll(level: .durable).records.count == 1)
        life.disk.fault = nil
        let crashed = life.disk.crash(.nothing, entropy: SeededEntropy(seed: 3))
        life.letGo()
        for disk in [crashed, life.disk] {
            let clock = ManualClock()
            if disk === crashed { clock.restart(bootIdentity: (2, 2)) }
            let again = try LogStore(
                at: "/store", create: false, io: disk, clock: clock, entropy: SeededEntropy(seed: 8),
                configuration: LogLife.configuration)
            let log = try again.log(1)
            let (records, gaps) = try log.readAll(level: .durable)
            if let what = life.model.violation(found: records, gaps: gaps, promised: life.model.durable) {
                throw FaultFailure("\(place): \(what)")
            }
            let next = try log.append(PlainRecord("after", ""))
            #expect(next > life.highestOrdinal)
            try log.wait(.durable, below: next + 1)
            again.abandon()
        }
        return true
    }

    /// Every way to have the bytes acknowledged answers the first failure, and readers stop at what was durable.
    private func isFrozen(_ log: ShardLog, _ life: LogLife, _ place: String) throws {
        let durable = log.tip(.durable)
        func expect(_ what: String, _ body: () throws(LogError) -> Void) throws {
            do throws(LogError) { try body() } catch {
                if case .frozen = error { return }
                throw FaultFailure("\(place), \(what): \(error)")
            }
            throw FaultFailure("\(place): \(what) went on")
        }
        try expect("append") { () throws(LogError) in try log.append(PlainRecord("k", "refused")) }
        try expect("append a batch") { () throws(LogError) in try log.append([PlainRecord("k", "refused")]) }
        if log.tip(.published) > durable {
            try expect("wait") { () throws(LogError) in try log.wait(.durable, below: durable + 1) }
            try expect("read") { () throws(LogError) in
                if let error = log.readUntilError(level: .published).error { throw error }
            }
        }
        try expect("sync") { () throws(LogError) in _ = try log.syncStep() }
        #expect(log.flushStep() == .nothing)
        #expect(try log.idleStep() == false)
        #expect(log.tip(.durable) == durable, "\(place)")
        let (records, gaps, _) = log.readUntilError(level: .published)
        #expect(gaps == [])
        #expect(records.last.map { $0.ordinal < durable } ?? true, "\(place)")
        #expect(records.count == life.model.entries.count { $0.ordinal < durable })
    }

    @Test(arguments: [IOError.Operation.sync, .write, .createFile, .map, .rename, .syncDirectory])
    func `a task that waits for durability hears of whatever failed, and goes on to hear it`(
        operation: IOError.Operation
    ) async throws {
        let life = LogLife(LogBase(), disk: ShadowIO(), plan: nil)
        life.configuration.workerCount = 1
        try life.open()
        try life.createLog()
        let log = try #require(life.log)
        life.disk.fault = { called, _, _ in called == operation ? EIO : nil }
        let ordinal = try life.append()
        for _ in 0..<2 {
            do throws(LogError) {
                try await log.waitAsync(.durable, below: ordinal + 1)
                Issue.record("acknowledged")
            } catch {
                guard case .frozen(let cause) = error else { throw error }
                #expect(cause.errorNumber == EIO)
            }
            life.disk.fault = nil
        }
        #expect(throws: LogError.self) { try life.close() }
    }
}
