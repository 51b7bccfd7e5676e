import MillraceIO
import MillraceLog
import MillraceTestKit
import Testing

/// Aim: whichever call to the operating system fails, once or for ever, the engine answers with a typed error, loses
/// nothing it acknowledged, keeps nothing open, and goes on after reopening. Method: scenarios on a disk in memory, the
/// n-th call of every kind failing for n = 1, 2, 3, ... until nothing is left to fail. `MILLRACE_FAULT_SHARE=1` tries
/// every plan.
@Suite struct LogFaultTests {
    @Test(arguments: LogScenario.all.map(\.name))
    func `whichever call fails, nothing acknowledged is lost and nothing stays open`(name: String) throws {
        guard let scenario = LogScenario.all.first(where: { $0.name == name }) else { return }
        var base = LogBase()
        try scenario.prepare(&base)
        let untouched = LogLife(base, disk: base.disk.kill(), plan: nil)
        try scenario.run(untouched)
        try LogCheck(life: untouched, plan: nil, entropy: SeededEntropy(seed: 1)).run(nil, closes: true)
        var injected = 0
        var sweep = FaultPlans.Sweep(of: name) { untouched.io.callCount($0) }
        var isGoingOn = true
        while let plan = sweep.next(isGoingOn) {
            let life = LogLife(base, disk: base.disk.kill(), plan: plan)
            do {
                var failed: LogError?
                do throws(LogError) { try scenario.run(life) } catch { failed = error }
                isGoingOn = life.io.injectedCount > 0
                injected += life.io.injectedCount
                let check = LogCheck(
                    life: life, plan: plan, entropy: SeededEntropy(seed: FaultPlans.seed &+ UInt64(plan.call)))
                try check.run(failed, closes: plan.call % 2 == 0)
            } catch {
                throw FaultFailure("scenario '\(name)', \(plan.text): \(error)")
            }
        }
        print("fault matrix: \(sweep.count) plans, \(injected) faults: \(name)")
    }
}
