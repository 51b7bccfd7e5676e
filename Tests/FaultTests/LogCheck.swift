import MillraceIO
import MillraceLog
import MillraceTestKit

/// What must hold after a life in which a call failed, whatever it was: at once, after reopening, and after a power
/// loss.
struct LogCheck {
    let life: LogLife
    let plan: FaultIO.Plan?
    let entropy: SeededEntropy

    /// - Parameter failed: how the scenario ended, nil when it ran to its end.
    func run(_ failed: LogError?, closes: Bool) throws {
        for what in life.wrong { throw FaultFailure(what) }
        if let failed { try isTyped(failed) }
        life.io.setPlans([])
        life.note()
        // Power may fail at this very moment, or after the store went on, or after another process took over.
        let atOnce = (
            disk: life.disk.crash(entropy: entropy), model: life.model, highest: life.highestOrdinal
        )
        try goOn(failed)
        let afterwards = (disk: life.disk.crash(entropy: entropy), model: life.model)
        try end(closes: closes)
        if life.disk.openHandleCount != 0 { throw FaultFailure("left open: \(life.disk.openHandles)") }

        try expect("power lost at once", atOnce.model, promised: atOnce.model.durable) {
            try reopen(atOnce.disk, boot: 2, "power lost at once", highest: atOnce.highest, $0)
        }
        try expect("power lost afterwards", afterwards.model, promised: afterwards.model.durable) {
            try reopen(afterwards.disk, boot: 2, "power lost afterwards", highest: life.highestOrdinal, $0)
        }
        // A failed write or sync makes void what was only written.
        let promised = isFrozen || touchesBytes ? life.model.durable : max(life.model.written, life.model.durable)
        try expect("reopened", life.model, promised: promised) {
            try reopen(life.disk, boot: 1, "reopened", highest: life.highestOrdinal, $0)
        }
    }

    private var touchesBytes: Bool {
        guard life.io.injectedCount > 0, let plan else { return false }
        return [.write, .sync, .syncDirectory].contains(plan.operation)
    }

    private var isFrozen: Bool { life.frozen != nil }

    private func isTyped(_ error: LogError) throws {
        guard let plan else { throw FaultFailure("an error without a fault: \(error)") }
        switch error {
        case .io(let cause), .frozen(let cause):
            // The numbers of the call that failed, not of what followed.
            if cause.errorNumber == plan.errorNumber, cause.operation == plan.operation { return }
        case .storageFull:
            if plan.errorNumber == 28 { return }
        default: break
        }
        throw FaultFailure("the error does not say what failed: \(error)")
    }

    /// The disk works again: the store reads what it promised, and takes records or says why not.
    private func goOn(_ failed: LogError?) throws {
        guard let log = life.log, let store = life.store else { return }
        let (found, gaps, error) = log.readUntilError(level: .durable)
        if let what = life.model.violation(found: found, gaps: gaps, promised: life.model.durable) {
            throw FaultFailure("reading on: \(what)")
        }
        if let error { try isFrozen(error, "reading on") }
        do throws(LogError) {
            try life.append()
            try life.wait(.durable)
            _ = try log.idleStep()
        } catch {
            if case .frozen = error { life.frozen = error }
            try isFrozen(error, "appending on")
        }
        if life.frozen == nil {
            if let error { throw FaultFailure("readers get \(error), appends are taken") }
            if store.heldForWritingByteCount != 0 {
                throw FaultFailure("\(store.heldForWritingByteCount) bytes are held for writing by an idle log")
            }
        } else if case .storageFull = failed {
            throw FaultFailure("a full disk froze the log: \(String(describing: life.frozen))")
        }
        if store.heldForReadingByteCount != 0 {
            throw FaultFailure("\(store.heldForReadingByteCount) bytes are held for reading by nobody")
        }
        store.dropCache()
        if store.residentByteCount != store.heldForWritingByteCount {
            throw FaultFailure("\(store.residentByteCount) bytes are resident, \(store.heldForWritingByteCount) held")
        }
    }

    private func isFrozen(_ error: LogError, _ what: String) throws {
        guard case .frozen(let cause) = error, let plan, cause.errorNumber == plan.errorNumber else {
            throw FaultFailure("\(what): \(error)")
        }
    }

    private func end(closes: Bool) throws {
        guard life.store != nil, closes else { return life.letGo() }
        do throws(LogError) { try life.close() } catch { try isFrozen(error, "closing") }
    }

    /// Opens twice, reads both times, appends in between, and once more after a power loss: nothing found goes again.
    private func reopen(
        _ disk: ShadowIO, boot: UInt64, _ what: String, highest: UInt64, _ check: (ShardLog) throws -> Int
    ) throws {
        var disk = disk
        var count: Int?
        var added = 0
        for round in 0..<3 {
            let clock = ManualClock()
            clock.restart(bootIdentity: (boot + (round == 2 ? 1 : 0), 1))
            let store = try LogStore(
                at: "/store", create: true, io: disk, clock: clock, entropy: SeededEntropy(seed: UInt64(round)),
                configuration: LogLife.configuration)
            defer { store.abandon() }
            if !life.isCreated, try !store.logIDs().contains(1) { return }
            let log = try life.isCreated ? store.log(1) : store.createLog(1)
            let found = try check(log)
            if let count, found != count + added {
                throw FaultFailure("\(what), round \(round): \(found) records, \(count) and \(added) more before")
            }
            count = count ?? found
            if round == 2 { return }
            let ordinal = try log.append(PlainRecord("after", "\(round)"))
            added += 1
            if ordinal <= highest { throw FaultFailure("\(what): number \(ordinal) was handed out before") }
            try log.wait(.durable, below: ordinal + 1)
            if round == 1 { disk = disk.crash(.nothing, entropy: entropy) }
        }
    }

    private func expect(
        _ what: String, _ model: LogModel, promised: UInt64, _ body: ((ShardLog) throws -> Int) throws -> Void
    ) throws {
        try body { log in
            let (records, gaps, error) = log.readUntilError(level: .durable)
            if let error { throw FaultFailure("\(what): \(error)") }
            let found = records.filter { $0.record.key != Array("after".utf8) }
            if let wrong = model.violation(found: found, gaps: gaps, promised: promised) {
                throw FaultFailure("\(what): \(wrong); \(log.recovery)")
            }
            return records.count
        }
    }
}
