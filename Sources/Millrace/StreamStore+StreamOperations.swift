import MillraceIO
import MillraceLog
package import MillraceModel

// Making, deleting and looking at streams, on the calling thread.

extension StreamStore {
    package func answer(_ request: CreateStreamRequest, ack: AckLevel? = nil) throws(KinesisError) {
        try begin(request)
        try finishDeletions()
        _ = try create(request, ack ?? .durable)
    }

    /// - Throws: `resourceInUse` when the name is taken, `invalidArgument` for a count out of `Limits.shardCount`, `validation`.
    func create(_ request: CreateStreamRequest, _ ack: AckLevel) throws(KinesisError) -> StoredStream {
        let name = try StreamName(request.streamName ?? "")
        var settings = StreamSettings()
        settings.mode = request.streamModeDetails?.streamMode.flatMap(StreamMode.init) ?? .provisioned
        settings.tags = try TagSet.adding(request.tags ?? [:], to: [:])
        settings.maximumRecordByteCount = (request.maxRecordSizeInKiB ?? Limits.defaultRecordByteCount >> 10) << 10
        settings.warmThroughputMiBps = request.warmThroughputMiBps ?? 0
        if settings.mode == .onDemand, request.shardCount != nil {
            throw .validation("ShardCount must not be given for a stream in ON_DEMAND mode: its shards are scaled for it.")
        }
        if settings.mode == .provisioned, settings.warmThroughputMiBps > 0 {
            throw .validation("WarmThroughputMiBps is for streams in ON_DEMAND mode only.")
        }
        let count = request.shardCount ?? max(Limits.defaultShardCount, settings.warmThroughputMiBps)
        return try create(name, try HashKeyRange.tiling(count: count), settings, ack)
    }

    private func create(
        _ name: StreamName, _ ranges: [HashKeyRange], _ settings: StreamSettings, _ ack: AckLevel
    ) throws(KinesisError) -> StoredStream {
        let streamID = core.entropy.next()
        try catalogue.change { known throws(KinesisError) in
            guard known.stream(name) == nil else { throw core.words.streamExists(name) }
            if core.options.capacity == .enforce {
                try CallLimits.checkCreatingStreams(known.streams.values.count { status(of: $0) == .creating })
            }
            let logIDs = catalogue.newLogIDs(ranges.count)
            // In a later second than a stream of this name that was deleted, whose numbers clients may hold still: a second
            // is the least by which creations of one name can be told apart.
            let second = known.creationSecond(of: name, nowSecond: core.nowMilliseconds() / 1000)
            var description = StreamDescription(
                name: name, streamID: streamID, creationSecond: second, ackLevel: ack,
                shards: zip(ranges, logIDs).enumerated().map { index, part in
                    ShardDescription(
                        shardID: ShardID(index: UInt32(index)), logID: part.1, hashKeyRange: part.0, creationSecond: second)
                })
            description.settings = settings
            do throws(LogError) { try core.log.createLogs(Array(logIDs)) } catch { throw core.error(error) }
            return [.streamCreated(description)]
        }
        beginTransition(.creating, streamID)
        wantScaling()
        wantUpkeep()
        guard let stream = catalogue.stream(streamID) else { throw core.words.streamNotFound(name.text) }
        return stream
    }

    package func answer(_ request: DeleteStreamRequest) throws(KinesisError) {
        try begin(request)
        let id = try find(request.stream).streamID
        let isShown = core.options.transitionMilliseconds > 0
        // Looked at in the change itself: a consumer may be registered, or the stream be resharded, at the same time.
        try catalogue.change { known throws(KinesisError) in
            guard let stream = known.streams[id] else {
                throw core.words.streamNotFound(request.stream.subject)
            }
            if !stream.consumers.isEmpty, request.enforceConsumerDeletion != true {
                throw .resourceInUse(
                    "Stream \(stream.name) under account \(core.options.accountID) has \(stream.consumers.count) "
                        + "registered consumers and EnforceConsumerDeletion is not set.")
            }
            try requireActive(stream)
            if !isShown { return [.streamDeleted(streamID: id)] }
            // Answered is kept, though the stream goes later.
            var settings = stream.settings
            settings.isDeleting = true
            return [.settingsChanged(streamID: id, settings)]
        }
        if isShown { beginTransition(.deleting, id) }
    }

    /// Makes the deletions due that an earlier opening has answered, and not carried out.
    func resumeDeletions() {
        for stream in catalogue.known.streams.values where stream.settings.isDeleting {
            core.transitions.begin(.deleting, stream.streamID, until: 0)
        }
    }

    /// Carries out the deletions that are due.
    func finishDeletions() throws(KinesisError) {
        for id in core.transitions.due(at: core.nowMilliseconds()) {
            try delete(id)
            core.transitions.end(id)
        }
    }

    private func delete(_ id: UInt64) throws(KinesisError) {
        try catalogue.change { known in known.streams[id] == nil ? [] : [.streamDeleted(streamID: id)] }
    }

    package func answer(_ request: DescribeStreamRequest) throws(KinesisError) -> DescribeStreamResponse {
        try begin(request)
        let stream = try find(request.stream)
        var shards = visibleShards(stream)
        if let start = request.exclusiveStartShardID {
            let id = try ShardID(start)
            shards.removeAll { $0.shardID <= id }
        }
        let limit = min(request.limit ?? Limits.describeStreamShardCount, Limits.describeStreamShardCount)
        let settings = stream.settings
        return DescribeStreamResponse(
            streamDetails: StreamDetails(
                streamName: stream.name, streamARN: core.options.streamARN(stream.name), streamStatus: status(of: stream),
                streamMode: settings.mode, shards: shards.prefix(limit).map(\.summary), hasMoreShards: shards.count > limit,
                retentionPeriod: settings.retention, streamCreationMilliseconds: Int64(stream.creationSecond) * 1000,
                shardLevelMetrics: settings.sortedMetrics, encryptionType: settings.encryption,
                keyID: settings.encryption == .kms ? settings.keyID : nil))
    }

    package func answer(_ request: DescribeStreamSummaryRequest) throws(KinesisError) -> DescribeStreamSummaryResponse {
        try begin(request)
        let stream = try find(request.stream)
        let settings = stream.settings
        return DescribeStreamSummaryResponse(
            streamDescriptionSummary: StreamDescriptionSummary(
                streamName: stream.name, streamARN: core.options.streamARN(stream.name),
                streamID: stream.publicID, streamStatus: status(of: stream), streamMode: settings.mode,
                retentionPeriod: settings.retention, streamCreationMilliseconds: Int64(stream.creationSecond) * 1000,
                shardLevelMetrics: settings.sortedMetrics, encryptionType: settings.encryption,
                keyID: settings.encryption == .kms ? settings.keyID : nil,
                openShardCount: stream.openShards.count, consumerCount: stream.consumers.count,
                warmThroughput: settings.warmThroughput, maxRecordSizeInKiB: settings.maximumRecordByteCount >> 10))
    }

    package func answer(_ request: ListStreamsRequest) throws(KinesisError) -> ListStreamsResponse {
        try begin(request)
        try finishDeletions()
        let known = catalogue.known
        var start = request.exclusiveStartStreamName
        if let token = request.nextToken {
            start = String(decoding: try pageTokens.read(token, for: .listStreams).position, as: UTF8.self)
        }
        let names = known.names.filter { name in start.map { name.text > $0 } ?? true }
        let limit = min(request.limit ?? Limits.listStreamsCount, Limits.listStreamsCount)
        let summaries = names.prefix(limit).compactMap { name in
            known.stream(name).map { stream in
                StreamSummary(
                    streamName: name, streamARN: core.options.streamARN(name), streamStatus: status(of: stream),
                    streamMode: stream.settings.mode, streamCreationMilliseconds: Int64(stream.creationSecond) * 1000)
            }
        }
        let hasMore = names.count > limit
        return ListStreamsResponse(
            streamSummaries: summaries, hasMoreStreams: hasMore,
            nextToken: hasMore
                ? pageTokens.make(.listStreams, Array(names[limit - 1].text.utf8)) : nil)
    }
}

extension StreamSettings {
    var sortedMetrics: [ShardLevelMetric] { metrics.sorted { $0.rawValue < $1.rawValue } }
    var warmThroughput: WarmThroughput? {
        warmThroughputMiBps == 0 ? nil : WarmThroughput(targetMiBps: warmThroughputMiBps, currentMiBps: warmThroughputMiBps)
    }
}

extension StreamDescription {
    /// As clients see it: the form of the service model's shape StreamId.
    var publicID: String {
        let digits = String(streamID, radix: 16)
        return String(repeating: "0", count: 20 - digits.count) + digits + "-000"
    }
}

/// The tags of one resource.
enum TagSet {
    /// - Throws: `invalidArgument` when a key or value is reserved, `limitExceeded` when they would be more than a resource may have.
    static func adding(_ new: [String: String], to tags: [String: String]) throws(KinesisError) -> [String: String] {
        for key in new.keys where key.lowercased().hasPrefix("aws:") {
            throw .invalidArgument("Tag key \(key) is reserved: keys do not start with aws:.")
        }
        let sum = tags.merging(new) { $1 }
        if sum.count > Limits.tagCount {
            throw .limitExceeded("A resource has at most \(Limits.tagCount) tags; it would have \(sum.count).")
        }
        return sum
    }
}
