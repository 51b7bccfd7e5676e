import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Testing

/// Aim: recovery from one fault stands a second one. Method: a scenario of the matrix with a fault, then opening with a
/// fault of its own on what that left, at once or after a power loss, then opening without any. Drawn with a seed,
/// which a failure prints; `MILLRACE_SEED=n` begins with it.
@Suite struct FaultPairTests {
    @Test func `a second fault in the recovery from the first one loses nothing acknowledged`() throws {
        let wanted = 6000 / FaultPlans.share
        var bases: [(LogScenario, LogBase, LogLife)] = []
        for scenario in LogScenario.all {
            var base = LogBase()
            try scenario.prepare(&base)
            let untouched = LogLife(base, disk: base.disk.kill(), plan: nil)
            try scenario.run(untouched)
            untouched.letGo()
            bases.append((scenario, base, untouched))
        }
        var injected = 0
        var pairs = 0
        for seed in FaultPlans.seed..<FaultPlans.seed + UInt64(wanted) {
            let dice = SeededEntropy(seed: seed)
            let (scenario, base, untouched) = bases[dice.next(below: bases.count)]
            let first = draw(dice) { untouched.io.callCount($0) }
            let second = draw(dice) { [.read: 5, .write: 9, .sync: 4, .syncDirectory: 3, .populate: 9][$0] ?? 3 }
            do {
                let count = try run(scenario, base, first, second, dice)
                injected += count
                if count > 1 { pairs += 1 }
            } catch {
                throw FaultFailure("seed \(seed): '\(scenario.name)', \(first.text), then \(second.text): \(error)")
            }
        }
        print("fault matrix: \(wanted) plans, \(injected) faults: pairs, \(pairs) of them with both")
        #expect(FaultPlans.share > 1 || pairs > wanted / 10)
    }

    private func draw(_ dice: SeededEntropy, _ callCount: (IOError.Operation) -> Int) -> FaultIO.Plan {
        while true {
            var plan = FaultPlans.kinds[dice.next(below: FaultPlans.kinds.count)]
            let count = callCount(plan.operation)
            guard count > 0 else { continue }
            plan.call = 1 + dice.next(below: count)
            return plan
        }
    }

    private func run(
        _ scenario: LogScenario, _ base: LogBase, _ first: FaultIO.Plan, _ second: FaultIO.Plan, _ dice: SeededEntropy
    ) throws -> Int {
        let life = LogLife(base, disk: base.disk.kill(), plan: first)
        var model: LogModel
        do throws(LogError) { try scenario.run(life) } catch {}
        life.note()
        model = life.model
        let highest = life.highestOrdinal
        let isCreated = life.isCreated
        let losesPower = dice.next(below: 2) == 0
        var disk = losesPower ? life.disk.crash(entropy: dice) : life.disk.kill()
        life.letGo()
        if !life.wrong.isEmpty { throw FaultFailure(life.wrong.joined()) }
        let touched = life.io.injectedCount > 0 && [.write, .sync, .syncDirectory].contains(first.operation)
        var promised = losesPower || touched ? model.durable : max(model.written, model.durable)
        var isAppended = false

        // The second life only opens, reads, and appends if it may.
        let again = LogLife(LogBase(model: model, isCreated: isCreated), disk: disk, plan: second)
        if losesPower { again.clock.restart(bootIdentity: (7, 7)) }
        do throws(LogError) {
            try again.open()
            if isCreated { try again.openLog() } else { try again.createLog() }
            guard let log = again.log else { return 0 }
            let (records, gaps, error) = log.readUntilError(level: .durable)
            if error == nil {
                if let what = model.violation(found: records, gaps: gaps, promised: promised) {
                    throw LogError.notAStore(detail: what)
                }
                // What was shown as durable is a promise from now on, and nothing else is left.
                model = model.prefix(records.count)
                model.durable = .max
                promised = .max
            }
            let batch = try again.appendBatch(5)
            if batch <= highest { throw LogError.notAStore(detail: "number \(batch) was handed out before") }
            try again.wait(.durable)
            isAppended = true
        } catch {
            if case .notAStore(let what) = error { throw FaultFailure("recovery under the fault: \(what)") }
        }
        again.io.setPlans([])
        if dice.next(below: 2) == 0 {
            disk = disk.crash(entropy: dice)
            promised = model.durable
        } else if again.io.injectedCount > 0, [.write, .sync, .syncDirectory].contains(second.operation) {
            promised = model.durable
        }
        again.letGo()
        if again.disk.openHandleCount > 0 { throw FaultFailure("left open: \(again.disk.openHandles)") }

        let clock = ManualClock()
        clock.restart(bootIdentity: (8, 8))
        let store = try LogStore(
            at: "/store", create: true, io: disk, clock: clock, entropy: dice, configuration: LogLife.configuration)
        defer { store.abandon() }
        guard isCreated else { return life.io.injectedCount + again.io.injectedCount }
        let (records, gaps) = try store.log(1).readAll(level: .durable)
        // The five that the second life appended, whole or not at all.
        let own = records.filter { record in
            record.ordinal > highest || !model.entries.contains { $0.ordinal == record.ordinal }
        }
        if own.count != 5, isAppended || own.count != 0 { throw FaultFailure("\(own.count) records of a batch of 5") }
        let rest = Array(records.dropLast(own.count))
        if let what = model.violation(found: rest, gaps: gaps, promised: promised) {
            throw FaultFailure("at last: \(what)")
        }
        return life.io.injectedCount + again.io.injectedCount
    }
}
