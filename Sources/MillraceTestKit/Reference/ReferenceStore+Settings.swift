package import MillraceModel

// What may be changed of a stream while it lives.

extension ReferenceStore {
    private mutating func change(
        _ reference: StreamReference, _ body: (inout ReferenceStream) throws(KinesisError) -> Void
    ) throws(KinesisError) {
        var stream = try stream(reference)
        try body(&stream)
        streams[stream.name] = stream
    }

    package mutating func answer(_ request: IncreaseStreamRetentionPeriodRequest) throws(KinesisError) {
        try request.validate()
        try setRetention(request.stream, request.retentionPeriodHours) { $0 >= $1 }
    }

    package mutating func answer(_ request: DecreaseStreamRetentionPeriodRequest) throws(KinesisError) {
        try request.validate()
        try setRetention(request.stream, request.retentionPeriodHours) { $0 <= $1 }
    }

    private mutating func setRetention(
        _ reference: StreamReference, _ hours: Int?, _ isAllowed: (RetentionPeriod, RetentionPeriod) -> Bool
    ) throws(KinesisError) {
        let period = try RetentionPeriod(hours: hours ?? 0)
        try change(reference) { [aging] stream throws(KinesisError) in
            if !isAllowed(period, stream.retention) { throw .invalidArgument("direction") }
            if period == stream.retention { return }
            stream.raiseHorizon(aging)
            stream.retention = period
            stream.raiseHorizon(aging)
            stream.keptHorizon = stream.horizon
        }
    }

    package mutating func answer(_ request: UpdateStreamModeRequest) throws(KinesisError) {
        try request.validate()
        try change(StreamReference(arn: request.streamARN)) {
            $0.mode = request.streamModeDetails?.streamMode.flatMap(StreamMode.init) ?? .provisioned
        }
    }

    package mutating func answer(_ request: UpdateMaxRecordSizeRequest) throws(KinesisError) {
        try request.validate()
        try change(StreamReference(arn: request.streamARN)) {
            $0.recordByteLimit = (request.maxRecordSizeInKiB ?? 0) << 10
        }
    }

    package mutating func answer(_ request: StartStreamEncryptionRequest) throws(KinesisError) {
        try request.validate()
        if request.encryptionType != "KMS" { throw .invalidArgument("type") }
        try change(request.stream) { $0.keyID = request.keyID }
    }

    package mutating func answer(_ request: StopStreamEncryptionRequest) throws(KinesisError) {
        try request.validate()
        if request.encryptionType != "KMS" { throw .invalidArgument("type") }
        try change(request.stream) { $0.keyID = nil }
    }

    package mutating func answer(_ request: EnableEnhancedMonitoringRequest) throws(KinesisError) {
        try request.validate()
        try change(request.stream) { $0.metrics.formUnion(Self.metrics(request.shardLevelMetrics)) }
    }

    package mutating func answer(_ request: DisableEnhancedMonitoringRequest) throws(KinesisError) {
        try request.validate()
        try change(request.stream) { $0.metrics.subtract(Self.metrics(request.shardLevelMetrics)) }
    }

    private static func metrics(_ names: [String]?) -> [ShardLevelMetric] {
        let metrics = (names ?? []).compactMap(ShardLevelMetric.init)
        return metrics.contains(.all) ? ShardLevelMetric.allCases.filter { $0 != .all } : metrics
    }

    // MARK: Tags and policies

    static func adding(_ new: [String: String], to tags: [String: String]) throws(KinesisError) -> [String: String] {
        if new.keys.contains(where: { $0.lowercased().hasPrefix("aws:") }) { throw .invalidArgument("reserved") }
        let sum = tags.merging(new) { $1 }
        if sum.count > 50 { throw .limitExceeded("tags") }
        return sum
    }

    package mutating func answer(_ request: AddTagsToStreamRequest) throws(KinesisError) {
        try request.validate()
        try change(request.stream) { stream throws(KinesisError) in
            stream.tags = try Self.adding(request.tags ?? [:], to: stream.tags)
        }
    }

    package mutating func answer(_ request: RemoveTagsFromStreamRequest) throws(KinesisError) {
        try request.validate()
        try change(request.stream) { stream in for key in request.tagKeys ?? [] { stream.tags[key] = nil } }
    }

    package func answer(_ request: ListTagsForStreamRequest) throws(KinesisError) -> ListTagsForStreamResponse {
        try request.validate()
        let tags = try stream(request.stream).tags.sorted { $0.key < $1.key }
            .filter { $0.key > request.exclusiveStartTagKey ?? "" }
        let limit = request.limit ?? 50
        return ListTagsForStreamResponse(
            tags: tags.prefix(limit).map { Tag(key: $0.key, value: $0.value) }, hasMoreTags: tags.count > limit)
    }

    package mutating func answer(_ request: PutResourcePolicyRequest) throws(KinesisError) {
        try request.validate()
        try change(StreamReference(arn: request.resourceARN)) { $0.policy = request.policy ?? "" }
    }

    package mutating func answer(_ request: DeleteResourcePolicyRequest) throws(KinesisError) {
        try request.validate()
        try change(StreamReference(arn: request.resourceARN)) { $0.policy = "" }
    }

    package func answer(_ request: GetResourcePolicyRequest) throws(KinesisError) -> String {
        try request.validate()
        let policy = try stream(StreamReference(arn: request.resourceARN)).policy
        return policy.isEmpty ? "{}" : policy
    }

    // MARK: Consumers

    package mutating func answer(_ request: RegisterStreamConsumerRequest) throws(KinesisError) -> ConsumerDescription {
        try request.validate()
        let name = request.consumerName ?? ""
        let tags = try Self.adding(request.tags ?? [:], to: [:])
        let consumer = ReferenceConsumer(creationSecond: now / 1000, tags: tags)
        try change(StreamReference(arn: request.streamARN)) { stream throws(KinesisError) in
            if stream.consumers[name] != nil { throw .resourceInUse("name") }
            if stream.consumers.count >= 20 { throw .limitExceeded("consumers") }
            stream.consumers[name] = consumer
        }
        return Self.describe(name, consumer, try StreamARN(request.streamARN ?? ""))
    }

    private static func describe(_ name: String, _ consumer: ReferenceConsumer, _ arn: StreamARN) -> ConsumerDescription {
        guard let name = try? ConsumerName(name) else { preconditionFailure("\(name) names a consumer") }
        return ConsumerDescription(
            consumerARN: ConsumerARN(streamARN: arn, consumerName: name, creationSecond: consumer.creationSecond),
            consumerStatus: .active, consumerCreationMilliseconds: Int64(consumer.creationSecond) * 1000)
    }

    package mutating func answer(_ request: DeregisterStreamConsumerRequest) throws(KinesisError) {
        try request.validate()
        try change(StreamReference(arn: request.streamARN)) { stream throws(KinesisError) in
            if stream.consumers.removeValue(forKey: request.consumerName ?? "") == nil { throw .resourceNotFound("consumer") }
        }
    }

    package func answer(_ request: DescribeStreamConsumerRequest) throws(KinesisError) -> ConsumerDescription {
        try request.validate()
        let stream = try stream(StreamReference(arn: request.streamARN))
        let name = request.consumerName ?? ""
        guard let consumer = stream.consumers[name] else { throw .resourceNotFound("consumer") }
        return Self.describe(name, consumer, Self.arn(stream.name))
    }

    package func answer(_ request: ListStreamConsumersRequest) throws(KinesisError) -> [ConsumerDescription] {
        try request.validate()
        let stream = try stream(StreamReference(arn: request.streamARN))
        return stream.consumers.sorted { $0.key < $1.key }.prefix(min(request.maxResults ?? 100, 100))
            .map { Self.describe($0.key, $0.value, Self.arn(stream.name)) }
    }
}
