import Millrace
import MillraceModel

/// Everything that the catalogue says of a stream, as clients see it. A value.
struct StreamView: Equatable {
    let summary: StreamDescriptionSummary
    let shards: [ShardSummary]
    let tags: [Tag]
    let policy: String
    let consumers: [ConsumerDescription]
    let consumerTags: [[Tag]]

    /// What is not as it should be, in words.
    static func difference(_ found: [String: StreamView], _ wanted: [String: StreamView]) -> String {
        if Set(found.keys) != Set(wanted.keys) { return "the streams are \(found.keys.sorted()), not \(wanted.keys.sorted())" }
        var words: [String] = []
        func add<Value: Equatable>(_ name: String, _ left: Value, _ right: Value) {
            if left != right { words.append("of \(name) there is \(left), not \(right)") }
        }
        for (name, left) in found.sorted(by: { $0.key < $1.key }) {
            guard let right = wanted[name] else { continue }
            add(name, left.summary, right.summary)
            add(name, left.shards, right.shards)
            add(name, left.tags, right.tags)
            add(name, left.policy, right.policy)
            add(name, left.consumers, right.consumers)
            add(name, left.consumerTags, right.consumerTags)
        }
        return words.joined(separator: "; ")
    }
}

extension StreamActor {
    /// Everything that a store knows, by the names of its streams, just after it was opened. These are calls of the store:
    /// `ReferenceStore.countView`.
    func view(_ store: StreamStore) throws -> [String: StreamView] {
        var views: [String: StreamView] = [:]
        for name in store.listStreams() {
            let arn = "\(ReferenceStore.arn(name.text))"
            var summary = try store.answer(DescribeStreamSummaryRequest(stream: StreamReference(name))).streamDescriptionSummary
            summary.streamID = nil
            let shards = try store.stream(name.text).shards.map { shard in
                ShardSummary(
                    shardID: shard.id, parentShardID: shard.parents.first,
                    adjacentParentShardID: shard.parents.dropFirst().first, hashKeyRange: shard.hashKeyRange,
                    startingSequenceNumber: shard.startingSequenceNumber, endingSequenceNumber: shard.endingSequenceNumber)
            }
            let consumers = try store.answer(ListStreamConsumersRequest(streamARN: arn)).consumers
            views[name.text] = StreamView(
                summary: summary, shards: shards,
                tags: try store.answer(ListTagsForResourceRequest(resourceARN: arn)).tags,
                policy: try store.answer(GetResourcePolicyRequest(resourceARN: arn)).policy, consumers: consumers,
                consumerTags: try consumers.map {
                    try store.answer(ListTagsForResourceRequest(resourceARN: "\($0.consumerARN)")).tags
                })
        }
        return views
    }

    /// The same of a model.
    func view(_ model: ReferenceStore) -> [String: StreamView] {
        func list(_ tags: [String: String]) -> [Tag] {
            tags.sorted { $0.key < $1.key }.map { Tag(key: $0.key, value: $0.value) }
        }
        return model.streams.mapValues { stream in
            StreamView(
                summary: stream.describe(.active),
                shards: stream.shards.filter { !$0.isGone }.map(\.summary), tags: list(stream.tags),
                policy: stream.policy.isEmpty ? "{}" : stream.policy,
                consumers: model.consumers(of: stream),
                consumerTags: stream.consumers.sorted { $0.key < $1.key }.map { list($0.value.tags) })
        }
    }

    /// Reads each shard of the stream from its oldest record to the tip.
    mutating func readAll(_ stream: Int) throws {
        guard let known = model.streams["s\(stream)"] else { return }
        for shard in known.livingShards.map(\.id) {
            try perform(.getShardIterator(stream, shard: Int(shard.index) * 2 + 1, .trimHorizon, slot: 99))
            try perform(.getRecords(slot: 99, limit: nil))
        }
    }
}
