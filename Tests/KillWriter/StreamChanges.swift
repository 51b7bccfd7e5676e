import Millrace
import MillraceIO
import MillraceModel

/// Changes of streams that a writer makes beside its puts. Each says what it is about to do, and what was done once that
/// was acknowledged:
///
///     S <name>                       the stream will be split, merged or scaled
///     T <name> <shards>              done: it has at least so many shards, closed ones too
///     I <name> <hours>               its retention will be raised to that
///     J <name> <hours>               done: it is that or more
///     U <name> <tag> <value>         the tag will get the value; each task has one tag for each stream
///     V <name> <tag> <value>         done
///     K <name> <consumer>            the consumer will be registered
///     L <name> <consumer>            done
///     M <name> <consumer>            it will be deregistered
///     O <name> <consumer>            done
///     D <name>                       the stream will be deleted
///     G <name>                       done
///
/// A task's own changes follow one another; of two tasks' changes of one stream either may be first, and a stream may be
/// deleted while another task changes it.
struct StreamChanges {
    let store: StreamStore
    let task: UInt32
    let cycle: UInt32
    /// Raised by each change of the task, over all lives.
    private var value: UInt64
    /// Consumers of this life.
    private var consumers: [(stream: String, name: String)] = []

    /// Shards of a stream, closed ones too, beyond which it is not resharded: each is a directory.
    private static let greatestShardCount = 10

    init(_ store: StreamStore, task: UInt32, cycle: UInt32) {
        (self.store, self.task, self.cycle) = (store, task, cycle)
        value = UInt64(cycle) * 1_000_000
    }

    /// Makes one change, drawn; none when the draw does not fit.
    mutating func step(_ name: String, streamCount: Int, _ dice: SeededEntropy) async throws(KinesisError) {
        value += 1
        do throws(KinesisError) {
            switch dice.next(below: 9) {
            case 0, 1, 2: try await reshard(name, dice)
            case 3: try await retain(name)
            case 4, 5: try await tag(name)
            case 6: try await register(name)
            case 7: try await deregister()
            default: if streamCount > 4 { try await delete(name) }
            }
        } catch {
            switch error {
            // Another task deleted the stream, or closed the shard, or raised the period, or there are enough of them.
            case .resourceNotFound, .resourceInUse, .invalidArgument, .limitExceeded: return
            default: throw error
            }
        }
    }

    private func reshard(_ name: String, _ dice: SeededEntropy) async throws(KinesisError) {
        let stream = try store.stream(name)
        let (reference, open) = (StreamReference(name: name), stream.openShards)
        if stream.shards.count >= Self.greatestShardCount { return }
        KillWriter.say("S \(name)")
        let at = dice.next(below: open.count)
        switch dice.next(below: 3) {
        case 0 where at + 1 < open.count:
            try await store.mergeShards(
                MergeShardsRequest(
                    stream: reference, shardToMerge: "\(open[at].id)", adjacentShardToMerge: "\(open[at + 1].id)"))
        case 1:
            let target = max(1, (open.count + 1) / 2 + dice.next(below: open.count + 1))
            _ = try await store.updateShardCount(UpdateShardCountRequest(stream: reference, targetShardCount: target))
        default:
            let range = open[at].hashKeyRange
            let key = range.starting.value + (range.ending.value - range.starting.value) / UInt128(2 + dice.next(below: 3))
            try await store.splitShard(
                SplitShardRequest(stream: reference, shardToSplit: "\(open[at].id)", newStartingHashKey: "\(key)"))
        }
        KillWriter.say("T \(name) \(stream.shards.count)")
    }

    private func retain(_ name: String) async throws(KinesisError) {
        let stream = StreamReference(name: name)
        let hours = try await store.describeStreamSummary(DescribeStreamSummaryRequest(stream: stream))
            .streamDescriptionSummary.retentionPeriod.hours
        if hours >= Limits.retentionHours.upperBound { return }
        KillWriter.say("I \(name) \(hours + 1)")
        try await store.increaseStreamRetentionPeriod(
            IncreaseStreamRetentionPeriodRequest(stream: stream, retentionPeriodHours: hours + 1))
        KillWriter.say("J \(name) \(hours + 1)")
    }

    private func tag(_ name: String) async throws(KinesisError) {
        KillWriter.say("U \(name) t\(task) \(value)")
        try await store.addTagsToStream(
            AddTagsToStreamRequest(stream: StreamReference(name: name), tags: ["t\(task)": "\(value)"]))
        KillWriter.say("V \(name) t\(task) \(value)")
    }

    private mutating func register(_ name: String) async throws(KinesisError) {
        let arn = try await store.describeStreamSummary(DescribeStreamSummaryRequest(stream: StreamReference(name: name)))
            .streamDescriptionSummary.streamARN.description
        let consumer = "c\(task)-\(value)"
        KillWriter.say("K \(name) \(consumer)")
        _ = try await store.registerStreamConsumer(RegisterStreamConsumerRequest(streamARN: arn, consumerName: consumer))
        KillWriter.say("L \(name) \(consumer)")
        consumers.append((name, consumer))
    }

    private mutating func deregister() async throws(KinesisError) {
        guard let (name, consumer) = consumers.popLast() else { return }
        let arn = try await store.describeStreamSummary(DescribeStreamSummaryRequest(stream: StreamReference(name: name)))
            .streamDescriptionSummary.streamARN.description
        KillWriter.say("M \(name) \(consumer)")
        try await store.deregisterStreamConsumer(DeregisterStreamConsumerRequest(streamARN: arn, consumerName: consumer))
        KillWriter.say("O \(name) \(consumer)")
    }

    private func delete(_ name: String) async throws(KinesisError) {
        KillWriter.say("D \(name)")
        try await store.deleteStream(DeleteStreamRequest(stream: StreamReference(name: name), enforceConsumerDeletion: true))
        KillWriter.say("G \(name)")
    }
}
