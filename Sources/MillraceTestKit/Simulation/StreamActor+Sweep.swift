import Millrace
import MillraceModel

/// How a life has what is too old taken away.
extension StreamActor {
    /// Has the store sweep, as it does once an hour. Readers see no difference, so everything else goes on being compared; closed shards
    /// may go when none of their records is to be seen, and by which time that was decided is kept.
    mutating func sweep() throws {
        tally.callCount += 1
        let report: SweepReport
        do throws(KinesisError) { report = try store.sweepBlocking() } catch {
            guard allowsTrouble, case .storage = error else { throw StreamMismatch("a sweep failed: \(error)") }
            throw StreamTrouble(error: error)
        }
        let kept = store.keptMilliseconds
        guard kept <= model.aging, kept >= model.keptTime else {
            throw StreamMismatch("the store keeps the time \(kept), after \(model.keptTime), and it is \(model.aging)")
        }
        note(UInt64(report.removedSegmentCount))
        model.keep(kept)
        let there = shardsThere()
        model.adoptGone(there)
        for (name, stream) in model.streams {
            let wanted = stream.shards.filter { !$0.isGone }.map(\.id)
            guard there[name] == wanted else {
                throw StreamMismatch("after a sweep \(name) has \(there[name] ?? []), not \(wanted)")
            }
        }
    }

    /// The shards that the store has, by the names of its streams.
    func shardsThere() -> [String: [ShardID]] {
        var there: [String: [ShardID]] = [:]
        for name in store.listStreams() { there[name.text] = (try? store.stream(name.text))?.shards.map(\.id) ?? [] }
        return there
    }
}
