import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import MillraceTestKit
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Aim: whichever call fails, users of streams get an error of a kind that says what to do, and keep every record that
/// was acknowledged. Method: as LogFaultTests, one floor up, with the store's threads running.
@Suite struct StreamFaultTests {
    @Test(arguments: StreamScenario.all.map(\.name))
    func `whichever call fails, streams keep what they acknowledged and say what failed`(name: String) async throws {
        guard let scenario = StreamScenario.all.first(where: { $0.name == name }) else { return }
        var base = ShadowIO()
        var puts: [StreamLife.Put] = []
        if scenario.isPrepared {
            let life = StreamLife(disk: base, puts: [], isCreated: false, plan: nil)
            try life.open()
            try await life.createStream()
            try await life.putRecords(12, .durable)
            try await life.putRecords(6, .durable, 5_000)
            try await life.close()
            (puts, base) = (life.puts, base.kill())
        }
        func life(_ plan: FaultIO.Plan?) -> StreamLife {
            StreamLife(disk: base.kill(), puts: puts, isCreated: scenario.isPrepared, plan: plan)
        }
        let untouched = life(nil)
        try await scenario.run(untouched)
        try await check(untouched, nil, nil, closes: true)
        var injected = 0
        var sweep = FaultPlans.Sweep(of: name) { untouched.io.callCount($0) }
        var isGoingOn = true
        while let plan = sweep.next(isGoingOn) {
            let life = life(plan)
            do {
                var failed: KinesisError?
                do throws(KinesisError) { try await scenario.run(life) } catch { failed = error }
                isGoingOn = life.io.injectedCount > 0
                injected += life.io.injectedCount
                try await check(life, plan, failed, closes: plan.call % 2 == 0)
            } catch {
                throw FaultFailure("scenario '\(name)', \(plan.text): \(error)")
            }
        }
        print("fault matrix: \(sweep.count) plans, \(injected) faults: \(name)")
    }

    private func check(_ life: StreamLife, _ plan: FaultIO.Plan?, _ failed: KinesisError?, closes: Bool) async throws {
        for what in life.wrong { throw FaultFailure(what) }
        if let failed { try isTyped(failed, plan) }
        life.io.setPlans([])
        let crashed = life.disk.crash(entropy: SeededEntropy(seed: UInt64(plan?.call ?? 1)))
        let promised = life.puts.filter { $0.ack == .durable }
        var isVoid =
            life.io.injectedCount > 0 && plan.map { [.write, .sync, .syncDirectory].contains($0.operation) } ?? false
        if life.store != nil, life.stream != nil {
            // The disk works again: shards take records, or say what failed.
            for _ in 0..<4 {
                do throws(KinesisError) { try life.putBlocking(.durable) } catch {
                    isVoid = true
                    try isTyped(error, plan)
                }
            }
        }
        if closes, life.store != nil {
            do throws(KinesisError) { try await life.close() } catch { try isTyped(error, plan) }
        } else {
            life.letGo()
        }
        // Tasks that were cancelled let go of the last file once they get a thread, which a busy machine may be slow to give.
        for _ in 0..<6_000 where life.disk.openHandleCount > 0 { try await Task.sleep(nanoseconds: 5_000_000) }
        if life.disk.openHandleCount > 0 { throw FaultFailure("left open: \(life.disk.openHandles)") }
        let kept = life.puts.filter { $0.ack == .durable || (!isVoid && $0.ack == .written) }
        try await reopen(crashed, promised, life, "after a power loss", boot: 2)
        try await reopen(life.disk, kept, life, "reopened", boot: 1)
    }

    /// The numbers and names of the error that was injected are in the one that the user gets.
    private func isTyped(_ error: KinesisError, _ plan: FaultIO.Plan?) throws {
        guard let plan, case .storage(let storage) = error else {
            throw FaultFailure("an error without a fault: \(error)")
        }
        switch storage {
        case .io(let text), .frozen(let text):
            if text.contains("error number \(plan.errorNumber)"), text.contains(plan.operation.rawValue) { return }
        case .storageFull where plan.errorNumber == ENOSPC: return
        case .permission where plan.errorNumber == EACCES: return
        default: break
        }
        throw FaultFailure("the error does not say what failed: \(error)")
    }

    private func reopen(
        _ disk: ShadowIO, _ promised: [StreamLife.Put], _ life: StreamLife, _ what: String, boot: UInt64
    ) async throws {
        let again = StreamLife(disk: disk, puts: [], isCreated: false, plan: nil)
        again.attempts = life.attempts
        defer { again.letGo() }
        again.clock.restart(bootIdentity: (boot, 1))
        do throws(KinesisError) { try again.open() } catch { throw FaultFailure("\(what): \(error)") }
        let names = try again.opened().listStreams().map(\.text)
        if names.isEmpty, !life.isCreated {
            try await again.createStream()
        } else {
            guard names == ["s"] else { throw FaultFailure("\(what): the streams are \(names)") }
            again.stream = try again.opened().stream("s")
        }
        let found: [Record]
        do throws(KinesisError) { found = try again.read() } catch { throw FaultFailure("\(what): \(error)") }
        var byIndex: [Int: SequenceNumber] = [:]
        for record in found {
            guard byIndex.updateValue(record.sequenceNumber, forKey: record.index) == nil, record.index < life.attempts
            else { throw FaultFailure("\(what): record \(record.index) twice, or never put") }
        }
        for put in promised where byIndex[put.index] != put.number {
            let found = byIndex[put.index].map { "\($0)" } ?? "nothing"
            throw FaultFailure("\(what): record \(put.index) was acknowledged as \(put.number), found: \(found)")
        }
        for put in life.puts where byIndex[put.index] ?? put.number != put.number {
            throw FaultFailure("\(what): \(put) has another number")
        }
        // New numbers are above every one that was ever handed out in that shard.
        for _ in 0..<7 {
            try await again.put(.durable)
            guard let new = again.puts.last else { continue }
            if let old = life.puts.first(where: { $0.number.shardID == new.number.shardID && $0.number >= new.number })
            {
                throw FaultFailure("\(what): number \(new.number) is not above \(old.number)")
            }
        }
    }
}
