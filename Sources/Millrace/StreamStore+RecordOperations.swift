import MillraceLog
package import MillraceModel

// Putting and getting records, on the calling thread. Puts have an asynchronous way of their own, which no task's thread waits in.

extension StreamStore {
    // MARK: Putting

    package func answer(_ request: PutRecordRequest, ack: AckLevel? = nil) throws(KinesisError) -> PutRecordResponse {
        let (stream, key) = try prepare(request)
        let data = request.data ?? []
        let number = try stream.putBlocking(
            data.span, partitionKey: request.partitionKey ?? "", explicitHashKey: key, ack: ack)
        return stream.response(number)
    }

    /// What both ways of PutRecord begin with: the request checked, its stream found.
    func prepare(_ request: PutRecordRequest) throws(KinesisError) -> (StoredStream, HashKey?) {
        try begin(request)
        let stream = try stored(request.stream)
        let key = try request.explicitHashKey.map { text throws(KinesisError) in try HashKey(text) }
        if let text = request.sequenceNumberForOrdering { try stream.checkOrdering(text) }
        return (stream, key)
    }

    package func answer(_ request: PutRecordsRequest, ack: AckLevel? = nil) throws(KinesisError) -> PutRecordsResponse {
        let (stream, batch) = try prepare(request)
        return stream.response(stream.putBatchBlocking(batch, ack: ack))
    }

    func prepare(_ request: PutRecordsRequest) throws(KinesisError) -> (StoredStream, PutBatch) {
        try begin(request)
        let stream = try stored(request.stream)
        let batch = try PutBatch(request.records ?? [])
        // Refused as a whole: tried again, it would be as large.
        try batch.check(limit: stream.terms.maximumRecordByteCount)
        return (stream, batch)
    }

    // MARK: Getting

    package func answer(_ request: GetShardIteratorRequest) throws(KinesisError) -> GetShardIteratorResponse {
        try begin(request, of: "\(request.stream.subject) \(request.shardID ?? "")")
        let stream = try stored(request.stream)
        let shard = try shard(request.shardID, in: stream)
        let position = try request.position
        if case .atTimestamp(let milliseconds) = position, milliseconds > Int64(core.nowMilliseconds()) {
            throw .invalidArgument(
                "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: "
                    + "\(milliseconds), currentTimestampInMillis: \(core.nowMilliseconds())")
        }
        let ordinal = try shard.position(of: position, level: nil)
        return GetShardIteratorResponse(shardIterator: iterator(of: stream, shard, ordinal))
    }

    private func iterator(of stream: StoredStream, _ shard: Shard, _ ordinal: UInt64) -> String {
        IteratorToken(
            streamID: stream.streamID, shardID: shard.id, shardCreationSecond: shard.creationSecond, ordinal: ordinal,
            issuedMilliseconds: Int64(core.nowMilliseconds())
        ).text(tokenSecret)
    }

    func shard(_ text: String?, in stream: StoredStream) throws(KinesisError) -> Shard {
        guard let id = try? ShardID(text ?? ""), let shard = stream.version.shard(id), !shard.isExpired else {
            throw core.words.shardNotFound(text ?? "", stream.name)
        }
        return shard
    }

    package func answer(_ request: GetRecordsRequest) throws(KinesisError) -> GetRecordsResponse {
        try begin(request)
        let now = core.nowMilliseconds()
        let token = try IteratorToken(request.shardIterator ?? "", tokenSecret, nowMilliseconds: Int64(now))
        guard let stream = catalogue.stream(token.streamID), let shard = stream.version.shard(token.shardID) else {
            // The iterator is sound, what it belongs to is gone, be there another of its name or not. A consumer told
            // `invalidArgument` would ask for a new one behind its checkpoint, whose number the new stream never gave.
            throw .resourceNotFound("The stream or the shard of the iterator does not exist any more.")
        }
        if let arn = request.streamARN, try find(arn: arn).streamID != token.streamID {
            throw .invalidArgument("The iterator is not one of stream \(arn).")
        }
        try shard.admitRead()
        let page = try RecordPage.read(
            shard, from: token.ordinal, recordCount: request.limit ?? Limits.getRecordsCount.upperBound,
            byteCount: Limits.getRecordsByteCount)
        if let damage = page.damage { throw damage }
        shard.chargeRead(byteCount: page.records.reduce(0) { $0 + $1.byteCount })
        let isEnd = shard.isEnd(page.nextOrdinal)
        return GetRecordsResponse(
            records: page.records, nextShardIterator: isEnd ? nil : iterator(of: stream, shard, page.nextOrdinal),
            millisBehindLatest: page.nextArrivalMilliseconds.map { max(0, Int64(core.nowMilliseconds()) - $0) } ?? 0,
            childShards: isEnd ? stream.version.children(of: shard.id).map(\.child) : [])
    }
}

extension Shard {
    /// As it is shown to clients who come to the end of a parent.
    var child: ChildShard { ChildShard(shardID: id, parentShards: parents, hashKeyRange: hashKeyRange) }
}

extension StoredStream {
    /// What PutRecords answers for what became of each record.
    func response(_ results: [Result<SequenceNumber, KinesisError>]) -> PutRecordsResponse {
        PutRecordsResponse(
            records: results.map { result in
                switch result {
                case .success(let number): .success(shardID: number.shardID, sequenceNumber: number)
                case .failure(let error) where error.code == KinesisError.provisionedThroughputExceeded("").code:
                    .failure(code: error.code, message: error.message)
                case .failure(let error):
                    // The model knows two codes; a client tries again after either.
                    .failure(code: "InternalFailure", message: error.message)
                }
            }, encryptionType: version.settings.encryption)
    }

    func response(_ number: SequenceNumber) -> PutRecordResponse {
        PutRecordResponse(
            shardID: number.shardID, sequenceNumber: number, encryptionType: version.settings.encryption)
    }

    /// A record's number is above that of every record of its shard that was put before it, so what the caller asks for holds
    /// anyway; a number that no shard of the stream gave is refused.
    func checkOrdering(_ text: String) throws(KinesisError) {
        let number = try SequenceNumber(text)
        let version = version
        // Of a shard that is gone, as far as can be told: its number may be held for longer than its records.
        let isOld = number.shardID < version.newestShardID && number.shardCreationSecond >= creationSecond
        guard version.shard(number.shardID).map({ $0.creationSecond == number.shardCreationSecond }) ?? isOld else {
            throw .invalidArgument("SequenceNumberForOrdering \(text) is not the number of a record of stream \(name)")
        }
    }
}

extension PutBatch {
    /// - Throws: `validation`, `invalidArgument`, also when they are too many for one batch.
    init(_ entries: [PutEntry]) throws(KinesisError) {
        self.init()
        for entry in entries {
            let data = entry.data ?? []
            try add(
                data.span, partitionKey: entry.partitionKey ?? "",
                explicitHashKey: try entry.explicitHashKey.map { text throws(KinesisError) in try HashKey(text) })
        }
    }
}
