import MillraceModel
import MillraceTestKit
import Testing

/// Aim: the store answers every operation, and refuses it, as the simplest model of the service does (docs/KINESIS).
/// Method: random lists of 50 operations, boundaries favoured, done to a store on a disk in memory and to `ReferenceStore`; every
/// answer and every error is compared. A failing list is made small and printed with its seed, which replays it:
/// `MILLRACE_SEED=n`. `MILLRACE_SEQUENCES=n` sets how many lists, `MILLRACE_SEQUENCE_SECONDS=n` for how long at most,
/// `MILLRACE_SEED_FIRST=n` where the seeds begin.
@Suite struct ModelTests {
    @Test func `the store answers and refuses as its model does, whatever is asked in whatever order`() {
        let search = PropertyRun.search(count: "MILLRACE_SEQUENCES", least: 400, seconds: "MILLRACE_SEQUENCE_SECONDS")
        let report = search.runModel()
        print("model: \(PropertyRun.text(report, "sequences"))")
        if let failure = report.failure { Issue.record("\(failure)") }
        #expect(report.seedCount > 0)
    }

    @Test func `the same seed does the same to the last answer`() throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            let traces = [try ModelSequence(seed: seed).run(), try ModelSequence(seed: seed).run()]
            #expect(traces[0] == traces[1])
        }
    }

    @Test func `a wrong that takes three operations to be seen is found, and made small to three`() throws {
        // The model is made to think that a stream which was resharded once takes no second split.
        let mutation: ModelSequence.Mutation = { action, model in
            guard case .splitShard = action else { return }
            for (name, stream) in model.streams where stream.shards.contains(where: { $0.closingSecond != nil }) {
                model.streams[name]?.mode = .onDemand
            }
        }
        var found: SimulationFailure?
        for seed in 1...200 as ClosedRange<UInt64> where found == nil {
            let sequence = ModelSequence(seed: seed)
            do throws(SimulationFailure) { try sequence.run(mutation) } catch { found = sequence.shrunk(error, mutation) }
        }
        let failure = try #require(found)
        #expect(failure.lines.count == 3, "\(failure)")
        #expect(failure.lines.first?.hasPrefix(".createStream(0") == true)
        #expect(failure.lines.last?.hasPrefix(".splitShard(0") == true)
        // Without the wrong there is none.
        try ModelSequence(seed: failure.seed).run()
    }
}
