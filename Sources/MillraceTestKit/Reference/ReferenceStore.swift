package import MillraceModel

/// The simplest model of the service that answers as it must: values in memory, no disk, no threads, no limits of traffic.
/// The oracle of the model tests, written from the rules (docs/KINESIS, the requests' texts) and from nothing of the store.
///
/// What form a request has is the requests' own business (`validate`), which has tests of its own. Numbers of records, texts of
/// iterators and of tokens cannot be foreseen: whoever uses this hands in those that the store gave.
package struct ReferenceStore: Sendable {
    package var streams: [String: ReferenceStream] = [:]
    /// Milliseconds since 1970 UTC.
    package var now: UInt64 = 0
    /// The time by which records grow old: that of the clock unless it ran ahead of the time that passed, and not before
    /// `keptTime`.
    package var aging: UInt64 = 0 {
        didSet {
            aging = max(aging, keptTime)
            latestTime = max(latestTime, aging)
        }
    }
    /// The part of `aging` that no end of the process takes away.
    package private(set) var keptTime: UInt64 = 0
    private var latestTime: UInt64 = 0
    /// When streams were created that were deleted since. Kept until another stream is created in a later second.
    private var retired: [String: UInt64] = [:]
    private var identityCount = 0
    private var serialCount = 0

    package init() {}

    /// The process ended and another began. Nothing of `other`, which may have happened instead, is counted again.
    ///
    /// - Parameters:
    ///   - kept: the time that the store kept, which depends on how it ended: it may be any that it has known.
    ///   - horizons: of each stream what the store kept beyond that, likewise.
    package mutating func reopened(
        now: UInt64, aging: UInt64, kept: UInt64, horizons: [String: UInt64], countingOnFrom other: ReferenceStore
    ) {
        keptTime = max(keptTime, min(kept, max(latestTime, aging)))
        (self.now, self.aging) = (now, aging)
        identityCount = max(identityCount, other.identityCount)
        serialCount = max(serialCount, other.serialCount)
        for name in Array(streams.keys) {
            guard var stream = streams[name] else { continue }
            stream.keptHorizon = max(stream.keptHorizon, min(horizons[name] ?? 0, stream.horizon))
            stream.horizon = stream.keptHorizon
            stream.raiseHorizon(keptTime)
            streams[name] = stream
        }
    }

    /// Numbers that were given out since were given to nobody.
    package mutating func forgetNumbers(since before: ReferenceStore) {
        for (name, stream) in streams {
            guard let old = before.streams[name], old.identity == stream.identity else { continue }
            for index in stream.shards.indices {
                let number = index < old.shards.count ? old.shards[index].greatestNumber : nil
                streams[name]?.shards[index].greatestNumber = number
            }
        }
    }

    /// The last record taken arrived at that time, which could not be foreseen.
    package mutating func arrived(_ name: String, _ shard: ShardID, at arrival: UInt64) {
        let at = Int(shard.index)
        guard let last = streams[name]?.shards[at].records.indices.last else { return }
        streams[name]?.shards[at].records[last].arrival = arrival
        streams[name]?.shards[at].lastArrival = arrival
        streams[name]?.shards[at].leastArrival = nil
    }

    /// Records put from now on have this serial or greater ones.
    package var nextSerial: Int { serialCount }

    // MARK: Streams

    private func name(_ reference: StreamReference) throws(KinesisError) -> String {
        guard let arn = reference.arn else { return reference.name ?? "" }
        let name = try StreamARN(arn).streamName
        if "\(Self.arn(name.text))" != arn { throw .resourceNotFound("another account's") }
        if let other = reference.name, other != name.text { throw .invalidArgument("two names") }
        return name.text
    }

    package static func arn(_ name: String) -> StreamARN {
        guard let name = try? StreamName(name),
            let arn = try? StreamARN(region: "us-east-1", accountID: "000000000000", streamName: name)
        else { preconditionFailure("\(name) names a stream") }
        return arn
    }

    package func stream(_ reference: StreamReference) throws(KinesisError) -> ReferenceStream {
        guard let stream = streams[try name(reference)] else { throw .resourceNotFound("stream") }
        return stream
    }

    /// Changes made before `body` throws stay.
    private mutating func change<Answer>(
        _ reference: StreamReference, _ body: (inout ReferenceStream) throws(KinesisError) -> Answer
    ) throws(KinesisError) -> Answer {
        var stream = try stream(reference)
        defer { streams[stream.name] = stream }
        return try body(&stream)
    }

    package mutating func answer(_ request: CreateStreamRequest) throws(KinesisError) {
        try request.validate()
        let name = request.streamName ?? ""
        let tags = try Self.adding(request.tags ?? [:], to: [:])
        let isOnDemand = request.streamModeDetails?.streamMode == StreamMode.onDemand.rawValue
        if isOnDemand, request.shardCount != nil { throw .validation("count") }
        let ranges = try HashKeyRange.tiling(count: request.shardCount ?? 4)
        if streams[name] != nil { throw .resourceInUse("name") }
        // Later than a stream of that name that is gone, whose numbers somebody may hold.
        let second = max(now / 1000, retired[name].map { $0 + 1 } ?? 0)
        retired = retired.filter { $0.value >= second && $0.key != name }
        let shards = ranges.enumerated().map { index, range in
            ReferenceShard(
                id: ShardID(index: UInt32(index)), range: range.starting.value...range.ending.value, creationSecond: second)
        }
        identityCount += 1
        var stream = ReferenceStream(name: name, identity: identityCount, creationSecond: second, shards: shards)
        stream.mode = isOnDemand ? .onDemand : .provisioned
        stream.tags = tags
        stream.recordByteLimit = (request.maxRecordSizeInKiB ?? 1024) << 10
        stream.raiseHorizon(keptTime)
        streams[name] = stream
    }

    package mutating func answer(_ request: DeleteStreamRequest) throws(KinesisError) {
        try request.validate()
        let stream = try stream(request.stream)
        if !stream.consumers.isEmpty, request.enforceConsumerDeletion != true { throw .resourceInUse("consumers") }
        retired[stream.name] = stream.creationSecond
        streams[stream.name] = nil
    }

    package mutating func answer(_ request: DescribeStreamRequest) throws(KinesisError) -> DescribeStreamResponse {
        try request.validate()
        return try change(request.stream) { [aging] stream throws(KinesisError) in
            stream.raiseHorizon(aging)
            let start = try request.exclusiveStartShardID.map { text throws(KinesisError) in try ShardID(text) }
            let shards = stream.livingShards.filter { shard in start.map { shard.id > $0 } ?? true }
            let limit = min(request.limit ?? 100, 100)
            return DescribeStreamResponse(
                streamDetails: StreamDetails(
                    streamName: Self.arn(stream.name).streamName, streamARN: Self.arn(stream.name), streamStatus: .active,
                    streamMode: stream.mode, shards: shards.prefix(limit).map(\.summary),
                    hasMoreShards: shards.count > limit, retentionPeriod: stream.retention,
                    streamCreationMilliseconds: Int64(stream.creationSecond) * 1000,
                    shardLevelMetrics: stream.metrics.sorted { $0.rawValue < $1.rawValue },
                    encryptionType: stream.encryption, keyID: stream.keyID))
        }
    }

    package func answer(_ request: DescribeStreamSummaryRequest) throws(KinesisError) -> StreamDescriptionSummary {
        try request.validate()
        let stream = try stream(request.stream)
        return StreamDescriptionSummary(
            streamName: Self.arn(stream.name).streamName, streamARN: Self.arn(stream.name), streamStatus: .active,
            streamMode: stream.mode, retentionPeriod: stream.retention,
            streamCreationMilliseconds: Int64(stream.creationSecond) * 1000,
            shardLevelMetrics: stream.metrics.sorted { $0.rawValue < $1.rawValue }, encryptionType: stream.encryption,
            keyID: stream.keyID, openShardCount: stream.openShards.count, consumerCount: stream.consumers.count,
            maxRecordSizeInKiB: stream.recordByteLimit >> 10)
    }

    package func answer(_ request: ListStreamsRequest) throws(KinesisError) -> [String] {
        try request.validate()
        let names = streams.keys.sorted().filter { $0 > request.exclusiveStartStreamName ?? "" }
        return Array(names.prefix(min(request.limit ?? 100, 100)))
    }

    /// Takes closed shards away that are not to be seen any more; how many.
    package mutating func sweep() -> Int {
        var count = 0
        for name in streams.keys {
            guard var stream = streams[name] else { continue }
            stream.raiseHorizon(aging)
            for index in stream.shards.indices where !stream.shards[index].isGone {
                stream.shards[index].isGone = !stream.shards[index].wasOpen(from: stream.horizon, to: .max)
                count += stream.shards[index].isGone ? 1 : 0
            }
            streams[name] = stream
        }
        if count > 0 {
            keptTime = max(keptTime, aging)
            for name in Array(streams.keys) { streams[name]?.raiseHorizon(keptTime) }
        }
        return count
    }

    // MARK: Records

    /// The shards that the records go to, in their order; `took` has them put.
    package func place(_ request: PutRecordRequest) throws(KinesisError) -> [ShardID] {
        try request.validate()
        let stream = try stream(request.stream)
        let entry = PutEntry(
            data: request.data, partitionKey: request.partitionKey, explicitHashKey: request.explicitHashKey)
        let place = try place(entry)
        if let text = request.sequenceNumberForOrdering {
            let number = try SequenceNumber(text)
            guard stream.shards.contains(where: { $0.gives(number) }) else { throw .invalidArgument("number") }
        }
        return try Self.route([(entry, place)], stream)
    }

    package func place(_ request: PutRecordsRequest) throws(KinesisError) -> [ShardID] {
        try request.validate()
        let stream = try stream(request.stream)
        var byteCount = 0
        var entries: [(PutEntry, HashKey)] = []
        for entry in request.records ?? [] {
            entries.append((entry, try place(entry)))
            if entry.byteCount > 10 << 20 { throw .validation("size") }
            byteCount += entry.byteCount
            if byteCount > 10 << 20 { throw .invalidArgument("size of all") }
        }
        return try Self.route(entries, stream)
    }

    private func place(_ entry: PutEntry) throws(KinesisError) -> HashKey {
        if let text = entry.explicitHashKey { return try HashKey(text) }
        return try PartitionKey(entry.partitionKey ?? "").hashKey
    }

    private static func route(
        _ entries: [(PutEntry, HashKey)], _ stream: ReferenceStream
    ) throws(KinesisError) -> [ShardID] {
        for (entry, _) in entries where entry.byteCount > stream.recordByteLimit { throw .validation("size") }
        let open = stream.openShards
        return entries.compactMap { entry in open.first { $0.range.contains(entry.1.value) }?.id }
    }

    /// The record is in the shard, with the number the store gave; nil when nobody knows whether it is.
    package mutating func took(_ entry: PutEntry, _ name: String, _ shard: ShardID, _ number: SequenceNumber?) {
        let at = Int(shard.index)
        guard var stream = streams.removeValue(forKey: name) else { return }
        stream.shards[at].lastArrival = max(stream.shards[at].lastArrival, now, stream.horizon)
        stream.shards[at].greatestNumber = number ?? stream.shards[at].greatestNumber
        stream.shards[at].records.append(
            ReferenceRecord(
                serial: serialCount, number: number, arrival: stream.shards[at].lastArrival,
                key: entry.partitionKey ?? "", data: entry.data ?? [], encryption: stream.encryption))
        serialCount += 1
        streams[name] = stream
    }

    package mutating func answer(_ request: GetShardIteratorRequest) throws(KinesisError) -> ReferenceIterator {
        try request.validate()
        return try change(request.stream) { [now, aging, serialCount] stream throws(KinesisError) in
            stream.raiseHorizon(aging)
            let shard = try stream.shard(request.shardID)
            let visible = shard.visible
            // A number or a time may be one of a record that is not to be seen yet.
            var among = visible
            let next = visible.endIndex < shard.records.count ? shard.records[visible.endIndex].serial : serialCount
            var first: (ReferenceRecord) -> Bool = { _ in false }
            switch try request.position {
            case .latest: break
            case .trimHorizon: first = { [horizon = stream.horizon] in $0.arrival >= horizon }
            case .atTimestamp(let time):
                if time > Int64(now) { throw .invalidArgument("a time to come") }
                let from = max(stream.horizon, UInt64(max(0, time)))
                (among, first) = (shard.records[...], { $0.arrival >= from })
            case .at(let number):
                if !shard.gives(number) { throw .invalidArgument("number") }
                (among, first) = (shard.records[...], { $0.number?.ordinal ?? .max >= number.ordinal })
            case .after(let number):
                if !shard.gives(number) { throw .invalidArgument("number") }
                (among, first) = (shard.records[...], { $0.number?.ordinal ?? .max > number.ordinal })
            }
            return ReferenceIterator(
                stream: stream.identity, shard: shard.id, serial: among.first(where: first)?.serial ?? (among.endIndex > visible.endIndex ? serialCount : next),
                issued: now)
        }
    }

    /// What GetRecords answers but for the text of the next iterator; nil in its place at the end of a closed shard.
    package mutating func answer(
        _ request: GetRecordsRequest, _ iterator: ReferenceIterator?
    ) throws(KinesisError) -> (records: [ReferenceRecord], next: ReferenceIterator?, behind: Int64, children: [ChildShard]) {
        try request.validate()
        guard let iterator else { throw .invalidArgument("iterator") }
        if Self.isOld(iterator.issued, now) { throw .expiredIterator("") }
        guard let name = streams.first(where: { $0.value.identity == iterator.stream })?.key else {
            throw .resourceNotFound("stream")
        }
        return try change(StreamReference(name: name)) { [now, aging, serialCount] stream throws(KinesisError) in
            stream.raiseHorizon(aging)
            let shard = stream.shards[Int(iterator.shard.index)]
            if shard.isGone { throw .resourceNotFound("shard") }
            let rest = shard.visible.filter { [horizon = stream.horizon] in
                $0.serial >= iterator.serial && $0.arrival >= horizon
            }
            var (records, byteCount) = ([] as [ReferenceRecord], 0)
            for record in rest.prefix(request.limit ?? 10_000) {
                byteCount += record.byteCount
                if byteCount > 10 << 20, !records.isEmpty { break }
                records.append(record)
            }
            let left = rest.dropFirst(records.count).first
            let hidden = shard.records.count > shard.visible.count ? shard.records[shard.visible.endIndex] : nil
            let next = left?.serial ?? hidden?.serial ?? serialCount
            let isEnd = shard.closingSecond != nil && left == nil
            return (
                records,
                isEnd ? nil : ReferenceIterator(stream: stream.identity, shard: shard.id, serial: next, issued: now),
                left.map { max(0, Int64(now) - Int64($0.arrival)) } ?? 0,
                isEnd ? stream.shards.filter { $0.parents.contains(shard.id) }.map(\.child) : []
            )
        }
    }

    /// Good for five minutes, and as long before its time, which a clock that was set back explains.
    static func isOld(_ issued: UInt64, _ now: UInt64) -> Bool { max(issued, now) - min(issued, now) > 300_000 }

    // MARK: Shards

    package mutating func answer(_ request: SplitShardRequest) throws(KinesisError) {
        try request.validate()
        try change(request.stream) { [now, aging] stream throws(KinesisError) in
            if stream.mode == .onDemand { throw .validation("mode") }
            stream.raiseHorizon(aging)
            let shard = try stream.shard(request.shardToSplit)
            let key = try HashKey(request.newStartingHashKey ?? "").value
            if shard.closingSecond != nil { throw .resourceInUse("closed") }
            guard key > shard.range.lowerBound, key - shard.range.lowerBound > 1, key < shard.range.upperBound else {
                throw .invalidArgument("key")
            }
            stream.add(shard.range.lowerBound...key - 1, of: [shard], second: now / 1000)
            stream.add(key...shard.range.upperBound, of: [shard], second: now / 1000)
        }
    }

    package mutating func answer(_ request: MergeShardsRequest) throws(KinesisError) {
        try request.validate()
        try change(request.stream) { [now, aging] stream throws(KinesisError) in
            if stream.mode == .onDemand { throw .validation("mode") }
            stream.raiseHorizon(aging)
            let parents = [try stream.shard(request.shardToMerge), try stream.shard(request.adjacentShardToMerge)]
            if parents.contains(where: { $0.closingSecond != nil }) { throw .resourceInUse("closed") }
            let (low, high) = parents[0].range.lowerBound < parents[1].range.lowerBound ? (0, 1) : (1, 0)
            guard parents[low].range.upperBound < .max, parents[low].range.upperBound + 1 == parents[high].range.lowerBound
            else { throw .invalidArgument("not adjacent") }
            stream.add(
                parents[low].range.lowerBound...parents[high].range.upperBound, of: parents, second: now / 1000)
        }
    }

    /// Whether the count may be asked for; the count there was. Which splits and merges lead to it is the store's to choose.
    package func answer(_ request: UpdateShardCountRequest) throws(KinesisError) -> Int {
        try request.validate()
        let target = request.targetShardCount ?? 0
        _ = try HashKeyRange.tiling(count: target)
        let stream = try stream(request.stream)
        if stream.mode == .onDemand { throw .validation("mode") }
        let count = stream.openShards.count
        if target > 2 * count || 2 * target < count { throw .invalidArgument("target") }
        return count
    }

    package mutating func answer(
        _ request: ListShardsRequest, _ page: ReferencePage? = nil
    ) throws(KinesisError) -> (shards: [ShardSummary], next: ReferencePage?) {
        try request.validate()
        var reference = request.stream
        if request.nextToken != nil {
            guard let page else { throw .invalidArgument("token") }
            if Self.isOld(page.issued, now) { throw .expiredNextToken("") }
            guard let name = streams.first(where: { $0.value.identity == page.stream })?.key else {
                throw .invalidArgument("stream")
            }
            reference = StreamReference(name: name)
        }
        return try change(reference) { [now, aging] stream throws(KinesisError) in
            stream.raiseHorizon(aging)
            let filter = page == nil ? request.shardFilter : page?.filter
            let start = try request.exclusiveStartShardID.map { text throws(KinesisError) in try ShardID(text) }
            let chosen = try Self.select(stream, filter).filter { shard in
                (page?.after ?? start).map { shard.id > $0 } ?? true
            }
            let limit = min(request.maxResults ?? 1000, 1000)
            let next =
                chosen.count > limit
                ? ReferencePage(stream: stream.identity, filter: filter, after: chosen[limit - 1].id, issued: now) : nil
            return (chosen.prefix(limit).map(\.summary), next)
        }
    }

    private static func select(_ stream: ReferenceStream, _ filter: ShardFilter?) throws(KinesisError) -> [ReferenceShard] {
        let shards = stream.livingShards
        let time = max(UInt64(max(0, filter?.timestampMilliseconds ?? 0)), stream.horizon)
        switch filter?.type.flatMap(ShardFilterType.init) {
        case nil, .fromTrimHorizon: return shards
        case .afterShardID:
            let id = try ShardID(filter?.shardID ?? "")
            return shards.filter { $0.id > id }
        case .atLatest: return shards.filter { $0.closingSecond == nil }
        case .atTrimHorizon:
            let first = max(stream.horizon, (shards.map(\.creationSecond).min() ?? 0) * 1000)
            return shards.filter { $0.wasOpen(from: first, to: first) }
        case .atTimestamp: return shards.filter { $0.wasOpen(from: time, to: time) }
        case .fromTimestamp: return shards.filter { $0.wasOpen(from: time, to: .max) }
        }
    }
}

extension ReferenceShard {
    /// Whether the number could be one of the shard's.
    func gives(_ number: SequenceNumber) -> Bool {
        number.shardID == id && number.shardCreationSecond == creationSecond
    }
    var child: ChildShard { ChildShard(shardID: id, parentShards: parents, hashKeyRange: hashKeyRange) }
}

extension PutEntry {
    package var byteCount: Int { (data?.count ?? 0) + (partitionKey?.utf8.count ?? 0) }
}
