import Millrace
import MillraceTestKit
import Testing

/// Aim: retention, resharding, limits, subscriptions, scaling and every state of the catalogue are right at any time, through faults
/// and crashes.
/// Method: seeded lives of a store on a disk in memory, 2,000 actions each, on one thread with a clock by hand that goes from a
/// millisecond to ten years, forwards and backwards; calls of the disk fail, the process is killed, the power is lost at any
/// call. Some lives have limits enforced, streams that stay CREATING, UPDATING and DELETING for a while, consumers that subscribe
/// and go on where they were, streams that are scaled. After each end of the process everything is held against the model; a
/// shard into which nothing was put since, one time in ten and at the end. A failing life is made small and printed with its
/// seed, which replays it bit by bit: `MILLRACE_SEED=n`. `MILLRACE_LIVES=n` sets how many lives, `MILLRACE_LIFE_SECONDS=n` for how
/// long at most, `MILLRACE_SEED_FIRST=n` where the seeds begin.
@Suite struct SimulationTests {
    @Test func `no promise is broken in any life, whatever the disk, the power and the clock do`() {
        let search = PropertyRun.search(count: "MILLRACE_LIVES", least: 10, seconds: "MILLRACE_LIFE_SECONDS")
        let report = search.runSimulation()
        print("simulation: \(PropertyRun.text(report, "lives"))")
        if let failure = report.failure { Issue.record("\(failure)") }
        #expect(report.seedCount > 0)
    }

    @Test func `the same seed lives the same life to the last call of the disk`() {
        for seed in 1...6 as ClosedRange<UInt64> {
            let plan = SimulationPlan(seed: seed, stepCount: 400)
            let trace = plan.traceOfRun()
            #expect(trace != nil)
            #expect(trace == plan.traceOfRun())
        }
    }

    @Test func `limits that the store does not keep are found, and so are states that it does not show`() {
        for isLimit in [true, false] {
            var wanted = ServiceOptions()
            if isLimit { wanted.capacity = .enforce } else { wanted.transitionMilliseconds = 1000 }
            let found = (1...20).contains { seed in
                var plan = SimulationPlan(seed: UInt64(seed), stepCount: 200)
                (plan.options, plan.modelOptions) = (ServiceOptions(), wanted)
                return plan.traceOfRun() == nil
            }
            #expect(found)
        }
    }
}
