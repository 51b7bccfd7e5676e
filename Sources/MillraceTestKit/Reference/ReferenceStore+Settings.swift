package import MillraceModel

// What may be changed of a stream while it lives.

extension ReferenceStore {
    /// Changes nothing when `body` throws.
    ///
    /// - Parameter showsUpdating: whether the stream is UPDATING for a while when something changes.
    private mutating func changeSettings(
        _ reference: StreamReference, showsUpdating: Bool = true,
        _ body: (inout ReferenceStream) throws(KinesisError) -> Void
    ) throws(KinesisError) {
        var stream = try find(reference)
        try requireActive(stream.name)
        // It may have been seen just now that a change is over.
        stream.transition = nil
        let before = stream.settings
        try body(&stream)
        streams[stream.name] = stream
        if showsUpdating, stream.settings != before { show(.updating, stream.name) }
    }

    package mutating func answer(_ request: IncreaseStreamRetentionPeriodRequest) throws(KinesisError) {
        try begin(request)
        try setRetention(request.stream, request.retentionPeriodHours) { $0 >= $1 }
    }

    package mutating func answer(_ request: DecreaseStreamRetentionPeriodRequest) throws(KinesisError) {
        try begin(request)
        try setRetention(request.stream, request.retentionPeriodHours) { $0 <= $1 }
    }

    private mutating func setRetention(
        _ reference: StreamReference, _ hours: Int?, _ isAllowed: (RetentionPeriod, RetentionPeriod) -> Bool
    ) throws(KinesisError) {
        let period = try RetentionPeriod(hours: hours ?? 0)
        try changeSettings(reference) { [aging] stream throws(KinesisError) in
            if !isAllowed(period, stream.retention) { throw .invalidArgument("direction") }
            if period == stream.retention { return }
            stream.raiseHorizon(aging)
            stream.retention = period
            stream.raiseHorizon(aging)
            stream.keptHorizon = stream.horizon
        }
    }

    package mutating func answer(_ request: UpdateStreamModeRequest) throws(KinesisError) {
        try begin(request)
        let mode = request.streamModeDetails?.streamMode.flatMap(StreamMode.init) ?? .provisioned
        try changeSettings(StreamReference(arn: request.streamARN)) { [now, isEnforcing] stream throws(KinesisError) in
            if stream.mode == mode { return }
            if isEnforcing, stream.modeChanges.count(at: now) >= 2 { throw .limitExceeded("2 a day") }
            stream.modeChanges.add(now)
            stream.mode = mode
        }
    }

    package mutating func answer(_ request: UpdateMaxRecordSizeRequest) throws(KinesisError) {
        try begin(request)
        try changeSettings(StreamReference(arn: request.streamARN)) {
            $0.recordByteLimit = (request.maxRecordSizeInKiB ?? 0) << 10
        }
    }

    package mutating func answer(_ request: StartStreamEncryptionRequest) throws(KinesisError) {
        try begin(request)
        if request.encryptionType != "KMS" { throw .invalidArgument("type") }
        try changeSettings(request.stream) { $0.keyID = request.keyID }
    }

    package mutating func answer(_ request: StopStreamEncryptionRequest) throws(KinesisError) {
        try begin(request)
        if request.encryptionType != "KMS" { throw .invalidArgument("type") }
        try changeSettings(request.stream) { $0.keyID = nil }
    }

    package mutating func answer(_ request: EnableEnhancedMonitoringRequest) throws(KinesisError) {
        try begin(request)
        try changeSettings(request.stream) { $0.metrics.formUnion(Self.metrics(request.shardLevelMetrics)) }
    }

    package mutating func answer(_ request: DisableEnhancedMonitoringRequest) throws(KinesisError) {
        try begin(request)
        try changeSettings(request.stream) { $0.metrics.subtract(Self.metrics(request.shardLevelMetrics)) }
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
        try begin(request)
        try changeSettings(request.stream, showsUpdating: false) { stream throws(KinesisError) in
            stream.tags = try Self.adding(request.tags ?? [:], to: stream.tags)
        }
    }

    package mutating func answer(_ request: RemoveTagsFromStreamRequest) throws(KinesisError) {
        try begin(request)
        try changeSettings(request.stream, showsUpdating: false) { stream in for key in request.tagKeys ?? [] { stream.tags[key] = nil } }
    }

    package mutating func answer(_ request: ListTagsForStreamRequest) throws(KinesisError) -> ListTagsForStreamResponse {
        try begin(request)
        let tags = try find(request.stream).tags.sorted { $0.key < $1.key }
            .filter { $0.key > request.exclusiveStartTagKey ?? "" }
        let limit = request.limit ?? 50
        return ListTagsForStreamResponse(
            tags: tags.prefix(limit).map { Tag(key: $0.key, value: $0.value) }, hasMoreTags: tags.count > limit)
    }

    package mutating func answer(_ request: PutResourcePolicyRequest) throws(KinesisError) {
        try begin(request)
        try changeSettings(StreamReference(arn: request.resourceARN), showsUpdating: false) { $0.policy = request.policy ?? "" }
    }

    package mutating func answer(_ request: DeleteResourcePolicyRequest) throws(KinesisError) {
        try begin(request)
        try changeSettings(StreamReference(arn: request.resourceARN), showsUpdating: false) { $0.policy = "" }
    }

    package mutating func answer(_ request: GetResourcePolicyRequest) throws(KinesisError) -> String {
        try begin(request)
        let policy = try find(StreamReference(arn: request.resourceARN)).policy
        return policy.isEmpty ? "{}" : policy
    }
}
