package import MillraceModel

// Putting and getting records.

extension ReferenceStore {
    // MARK: Putting

    /// What becomes of a record that is put.
    package enum Fate: Hashable, Sendable {
        case goes(ShardID)
        /// Its shard's budget is spent.
        case refused
    }

    /// The shard that the record goes to; `took` has it put.
    package mutating func place(_ request: PutRecordRequest) throws(KinesisError) -> ShardID {
        try begin(request)
        let stream = try stored(request.stream)
        let entry = PutEntry(
            data: request.data, partitionKey: request.partitionKey, explicitHashKey: request.explicitHashKey)
        let place = try place(entry)
        if let text = request.sequenceNumberForOrdering {
            let number = try SequenceNumber(text)
            guard stream.shards.contains(where: { $0.gives(number) }) else { throw .invalidArgument("number") }
        }
        guard case .goes(let shard)? = try admit([(entry, place)], stream).first else {
            throw .provisionedThroughputExceeded("shard")
        }
        return shard
    }

    /// The shards that the records go to, in their order; each is admitted by itself.
    package mutating func place(_ request: PutRecordsRequest) throws(KinesisError) -> [Fate] {
        try begin(request)
        let stream = try stored(request.stream)
        var byteCount = 0
        var entries: [(PutEntry, HashKey)] = []
        for entry in request.records ?? [] {
            entries.append((entry, try place(entry)))
            if entry.byteCount > 10 << 20 { throw .validation("size") }
            byteCount += entry.byteCount
            if byteCount > 10 << 20 { throw .invalidArgument("size of all") }
        }
        return try admit(entries, stream)
    }

    private func place(_ entry: PutEntry) throws(KinesisError) -> HashKey {
        if let text = entry.explicitHashKey { return try HashKey(text) }
        return try PartitionKey(entry.partitionKey ?? "").hashKey
    }

    private mutating func admit(
        _ entries: [(PutEntry, HashKey)], _ stream: ReferenceStream
    ) throws(KinesisError) -> [Fate] {
        let limit = stream.recordByteLimit
        for (entry, _) in entries where entry.byteCount > limit { throw .validation("size") }
        let open = stream.openShards
        var fates: [Fate] = []
        for (entry, place) in entries {
            guard let shard = open.first(where: { $0.range.contains(place.value) })?.id else { continue }
            let isAdmitted =
                !isEnforcing
                || budgets(stream.name, shard) { $0.takesRecord(entry.byteCount, limit: limit, nanoseconds: $1) }
            fates.append(isAdmitted ? .goes(shard) : .refused)
        }
        return fates
    }

    /// Those of the shard, at this time; full ones when nobody has used them yet.
    private mutating func budgets<Answer>(
        _ name: String, _ shard: ShardID, _ body: (inout ReferenceBudgets, Int64) -> Answer
    ) -> Answer {
        var budgets = streams[name]?.shards[Int(shard.index)].budgets ?? ReferenceBudgets(nanoseconds: steady)
        defer { streams[name]?.shards[Int(shard.index)].budgets = budgets }
        return body(&budgets, steady)
    }

    /// The record is in the shard, with the number the store gave; nil when nobody knows whether it is.
    package mutating func took(_ entry: PutEntry, _ name: String, _ shard: ShardID, _ number: SequenceNumber?) {
        let at = Int(shard.index)
        guard var stream = streams.removeValue(forKey: name) else { return }
        stream.shards[at].lastArrival = max(stream.shards[at].lastArrival, now, stream.horizon)
        stream.shards[at].greatestNumber = number ?? stream.shards[at].greatestNumber
        stream.shards[at].isSettled = false
        stream.shards[at].records.append(
            ReferenceRecord(
                serial: serialCount, number: number, arrival: stream.shards[at].lastArrival,
                key: entry.partitionKey ?? "", data: entry.data ?? [], encryption: stream.encryption))
        serialCount += 1
        streams[name] = stream
    }

    // MARK: Getting

    package mutating func answer(_ request: GetShardIteratorRequest) throws(KinesisError) -> ReferenceIterator {
        try begin(request, of: "\(request.stream.name ?? request.stream.arn ?? "") \(request.shardID ?? "")")
        let name = try stored(request.stream).name
        return try change(name) { [now, aging, serialCount] stream throws(KinesisError) in
            let shard = try stream.shard(request.shardID, aging)
            let position = try request.position
            if case .atTimestamp(let time) = position, time > Int64(now) { throw .invalidArgument("a time to come") }
            return ReferenceIterator(
                stream: stream.identity, shard: shard.id,
                serial: try stream.serial(at: position, of: shard, aging, next: serialCount), issued: now)
        }
    }

    /// What GetRecords answers but for the text of the next iterator; nil in its place at the end of a closed shard.
    package mutating func answer(
        _ request: GetRecordsRequest, _ iterator: ReferenceIterator?
    ) throws(KinesisError) -> (records: [ReferenceRecord], next: ReferenceIterator?, behind: Int64, children: [ChildShard]) {
        try begin(request)
        guard let iterator else { throw .invalidArgument("iterator") }
        if Self.isOld(iterator.issued, now) { throw .expiredIterator("") }
        guard let name = streams.first(where: { $0.value.identity == iterator.stream })?.key else {
            throw .resourceNotFound("stream")
        }
        if streams[name]?.shards[Int(iterator.shard.index)].isGone == true { throw .resourceNotFound("shard") }
        if isEnforcing, !budgets(name, iterator.shard, { $0.takesRead(nanoseconds: $1) }) {
            throw .provisionedThroughputExceeded("shard")
        }
        let found = try change(name) { [aging] stream in
            stream.raiseHorizon(aging)
            return stream.shards[Int(iterator.shard.index)].page(
                from: iterator.serial, horizon: stream.horizon, count: request.limit ?? 10_000, byteCount: 10 << 20)
        }
        if isEnforcing {
            budgets(name, iterator.shard) { $0.wasRead(found.byteCount, nanoseconds: $1) }
        }
        let isEnd = found.isEnd
        return (
            found.records,
            isEnd
                ? nil
                : ReferenceIterator(
                    stream: iterator.stream, shard: iterator.shard, serial: found.next ?? serialCount, issued: now),
            found.left.map { max(0, Int64(now) - Int64($0.arrival)) } ?? 0,
            isEnd ? streams[name]?.children(of: iterator.shard) ?? [] : []
        )
    }

    /// Good for five minutes, and as long before its time, which a clock that was set back explains.
    static func isOld(_ issued: UInt64, _ now: UInt64) -> Bool { max(issued, now) - min(issued, now) > 300_000 }
}

/// What one answer has of a shard's records. A value.
struct ReferencePageOfRecords: Sendable {
    var records: [ReferenceRecord] = []
    var byteCount = 0
    /// The first record behind them that may be seen; nil at the tip.
    var left: ReferenceRecord?
    /// The serial of the first record behind them, to be seen yet or not; nil when there is none.
    var next: Int?
    /// The shard is closed, and there is nothing behind them.
    var isEnd = false
}

extension ReferenceStream {
    /// The shard of that name. Of a closed one it is looked whether its records are too old.
    mutating func shard(_ text: String?, _ aging: UInt64) throws(KinesisError) -> ReferenceShard {
        // What a sweep has taken away is not known any more: nobody looks at the time for it.
        guard let shard = shards.first(where: { "\($0.id)" == text }), !shard.isGone else { throw .resourceNotFound("shard") }
        if shard.closingSecond == nil { return shard }
        raiseHorizon(aging)
        guard shard.wasOpen(from: horizon, to: .max) else { throw .resourceNotFound("shard") }
        return shard
    }

    /// The serial at which reading begins; `next` is that of the next record to be put.
    mutating func serial(
        at position: StartingPosition, of shard: ReferenceShard, _ aging: UInt64, next: Int
    ) throws(KinesisError) -> Int {
        let visible = shard.visible
        let behind = visible.endIndex < shard.records.count ? shard.records[visible.endIndex].serial : next
        switch position {
        case .latest: return behind
        case .trimHorizon:
            raiseHorizon(aging)
            return visible.first { [horizon] in $0.arrival >= horizon }?.serial ?? behind
        case .atTimestamp(let time):
            raiseHorizon(aging)
            let from = max(horizon, UInt64(max(0, time)))
            return shard.records.first { $0.arrival >= from }?.serial ?? next
        case .at(let number):
            if !shard.gives(number) { throw .invalidArgument("number") }
            return shard.serial(ofOrdinal: number.ordinal) ?? next
        case .after(let number):
            if !shard.gives(number) { throw .invalidArgument("number") }
            return shard.serial(ofOrdinal: number.ordinal + 1) ?? next
        }
    }

    func children(of id: ShardID) -> [ChildShard] { shards.filter { $0.parents.contains(id) }.map(\.child) }
}

extension ReferenceShard {
    /// Of the first record with that ordinal or a greater one. A number may be one of a record that is not to be seen yet.
    func serial(ofOrdinal ordinal: UInt64) -> Int? {
        records.first { $0.number?.ordinal ?? .max >= ordinal }?.serial
    }

    /// What is to be seen from there on: so many records, and bytes but for the first.
    func page(from serial: Int, horizon: UInt64, count: Int, byteCount: Int) -> ReferencePageOfRecords {
        var page = ReferencePageOfRecords()
        let visible = visible
        let first = visible.firstIndex { $0.serial >= serial } ?? visible.endIndex
        for record in visible[first...] where record.arrival >= horizon {
            if page.records.count >= count || page.byteCount + record.byteCount > byteCount && !page.records.isEmpty {
                page.left = record
                break
            }
            page.records.append(record)
            page.byteCount += record.byteCount
        }
        // The place itself may lie behind what is not to be seen yet.
        let hidden = visible.endIndex < records.count ? max(serial, records[visible.endIndex].serial) : nil
        page.next = page.left?.serial ?? hidden
        page.isEnd = closingSecond != nil && page.left == nil
        return page
    }

    /// Whether the number could be one of the shard's.
    func gives(_ number: SequenceNumber) -> Bool {
        number.shardID == id && number.shardCreationSecond == creationSecond
    }
    var child: ChildShard { ChildShard(shardID: id, parentShards: parents, hashKeyRange: hashKeyRange) }
}

extension PutEntry {
    package var byteCount: Int { (data?.count ?? 0) + (partitionKey?.utf8.count ?? 0) }
}
