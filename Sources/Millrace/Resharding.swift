import MillraceLog
import MillraceModel

/// Carries a reshard out. The record in the catalogue is the moment in which it happens: before it the parents are the
/// stream's shards, after it the children, and a crash at any step leaves the one or the other.
///
/// 1. Make the children's logs. Directories that no record will name are removed when the store opens.
/// 2. End the parents' appends; whoever puts waits from here on.
/// 3. Make the parents' last records durable.
/// 4. Append the record, durable. Then the routes change, and those who wait go on to the children.
///
/// What fails before 4 is undone: the parents take records again.
struct Resharding {
    let core: StoreCore
    let catalogue: Catalogue

    /// - Parameters:
    ///   - plan: decides what is done for what is known now; an empty plan changes nothing.
    ///   - settings: what else changes, in the same moment.
    func run(
        _ stream: StoredStream, settings: (inout StreamSettings) -> Void = { _ in },
        plan: (StreamDescription) throws(KinesisError) -> ReshardPlan
    ) throws(KinesisError) {
        var ended: [ShardLog] = []
        func resume() {
            for log in ended { log.resumeAppends() }
            ended = []
            stream.reshardEnded()
        }
        try catalogue.change(undo: resume) { known throws(KinesisError) in
            guard let description = known.streams[stream.streamID] else {
                throw core.words.streamNotFound(stream.name.text)
            }
            let plan = try plan(description)
            if plan.isEmpty { return [] }
            let logIDs = catalogue.newLogIDs(plan.childCount)
            do throws(LogError) {
                try core.log.createLogs(Array(logIDs))
                let parents = try logs(of: plan, description)
                // Most of it before anybody has to wait.
                for (_, log) in parents { try log.wait(.durable, below: log.tip(.published)) }
                var ends: [ShardID: UInt64] = [:]
                for (parent, log) in parents {
                    ends[parent] = log.endAppends()
                    ended.append(log)
                }
                for (parent, log) in parents { try log.wait(.durable, below: ends[parent] ?? 0) }
                var records: [CatalogueRecord] = [
                    .resharded(
                        streamID: stream.streamID,
                        plan.reshard(
                            logIDs: logIDs, ends: ends,
                            lastArrivals: Dictionary(uniqueKeysWithValues: parents.map { ($0, $1.lastArrival) })))
                ]
                var changed = description.settings
                settings(&changed)
                if changed != description.settings {
                    records.append(.settingsChanged(streamID: stream.streamID, changed))
                }
                return records
            } catch {
                resume()
                throw core.error(error)
            }
        }
    }

    private func logs(
        of plan: ReshardPlan, _ description: StreamDescription
    ) throws(LogError) -> [(ShardID, ShardLog)] {
        var logs: [(ShardID, ShardLog)] = []
        for parent in plan.parents {
            guard let shard = description.shard(parent) else { preconditionFailure("\(parent) is a shard of the stream") }
            logs.append((parent, try core.log.log(shard.logID)))
        }
        return logs
    }
}
