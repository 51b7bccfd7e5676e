import MillraceLog
public import MillraceModel

// Putting one record.
//
// On return the record is in its place in its shard's order and has come as far as `ack`, or the stream's ack level, says.
// A put that throws `storageFull`, `io`, `frozen` or `closed` while it waits for that cannot tell whether the record will be
// kept; any other error means that it was not put. Cancelling the task ends a put only while it waits for memory
// (`wouldBlock`: nothing was put); otherwise it goes on to its outcome.

extension StoredStream {
    /// Puts a record of text, as UTF-8.
    ///
    /// - Parameters:
    ///   - data: up to 1 MiB together with the key; empty is allowed.
    ///   - partitionKey: 1 to 256 characters. Records of equal keys go to one shard, in order.
    ///   - explicitHashKey: a place on the ring in place of the key's own.
    ///   - ack: how far to wait; the stream's ack level unless told.
    /// - Returns: the record's number.
    /// - Throws: `validation` for the key and for a record that is too large; `storage`: `storageFull`, `frozen`, `closed`,
    ///   `wouldBlock` when the task was cancelled while there was no memory, and what recovery of the shard may find.
    @discardableResult
    public func put(
        _ data: String, partitionKey: String, explicitHashKey: HashKey? = nil, ack: AckLevel? = nil
    ) async throws(KinesisError) -> SequenceNumber {
        try await put(data.utf8Span.span, partitionKey: partitionKey, explicitHashKey: explicitHashKey, ack: ack)
    }

    /// Puts a record; see `put` of a `String`.
    @discardableResult
    public func put(
        _ data: [UInt8], partitionKey: String, explicitHashKey: HashKey? = nil, ack: AckLevel? = nil
    ) async throws(KinesisError) -> SequenceNumber {
        try await put(data.span, partitionKey: partitionKey, explicitHashKey: explicitHashKey, ack: ack)
    }

    /// Puts a record of lent bytes, which are copied before this suspends for the acknowledgement; see `put` of a `String`.
    @discardableResult
    public func put(
        _ data: Span<UInt8>, partitionKey: String, explicitHashKey: HashKey? = nil, ack: AckLevel? = nil
    ) async throws(KinesisError) -> SequenceNumber {
        let key = try PartitionKey(partitionKey)
        try PutCheck.check(byteCount: key.byteCount + data.count, limit: terms.maximumRecordByteCount)
        let arrival = terms.arrival(at: core.nowMilliseconds())
        var pause = Backoff()
        var admitted: ShardID?
        while true {
            let version = version
            let routed = version.route(key, explicitHashKey)
            if admitted != routed.id { try routed.admit(byteCount: key.byteCount + data.count) }
            admitted = routed.id
            let shard: OpenShard
            do throws(KinesisError) { shard = try await routed.openAsync() } catch { throw failure(error) }
            let placed: OpenShard.Placed
            do throws(LogError) {
                // Safe because a UInt8 has no padding that would be read as a byte.
                placed = try shard.append(key: key.bytes, data: unsafe data.bytes, arrival: arrival)
            } catch {
                try retry(after: error, version)
                try await core.settleCatalogueAsync()
                if Task.isCancelled { throw .storage(.wouldBlock) }
                await pause.wait()
                continue
            }
            routed.countWrite(key.bytes, explicitHashKey, byteCount: key.byteCount + data.count)
            try await wait(shard, ack, below: placed.firstOrdinal + 1)
            return shard.number(placed)
        }
    }

    /// Puts a record on the calling thread, which works for the acknowledgement itself where it can: the least time for
    /// one producer. For threads of the caller's own, never in a task; see `put` of a `String`.
    @discardableResult
    public func putBlocking(
        _ data: Span<UInt8>, partitionKey: String, explicitHashKey: HashKey? = nil, ack: AckLevel? = nil
    ) throws(KinesisError) -> SequenceNumber {
        let key = try PartitionKey(partitionKey)
        // Safe because a UInt8 has no padding that would be read as a byte.
        return try putBlocking(unsafe data.bytes, key.bytes, explicitHashKey, ack)
    }

    /// The same with the key as UTF-8 bytes, for records that come with one: nothing is allocated.
    ///
    /// - Throws: as `putBlocking(_:partitionKey:explicitHashKey:ack:)`, and `validation` when the key is not UTF-8.
    @discardableResult
    public func putBlocking(
        _ data: RawSpan, partitionKey: RawSpan, explicitHashKey: HashKey? = nil, ack: AckLevel? = nil
    ) throws(KinesisError) -> SequenceNumber {
        try PutCheck.check(key: partitionKey)
        return try putBlocking(data, partitionKey, explicitHashKey, ack)
    }

    private func putBlocking(
        _ data: RawSpan, _ key: RawSpan, _ explicitHashKey: HashKey?, _ ack: AckLevel?
    ) throws(KinesisError) -> SequenceNumber {
        try PutCheck.check(byteCount: key.byteCount + data.byteCount, limit: terms.maximumRecordByteCount)
        let arrival = terms.arrival(at: core.nowMilliseconds())
        var admitted: ShardID?
        while true {
            let version = version
            let routed = version.route(key, explicitHashKey)
            if admitted != routed.id { try routed.admit(byteCount: key.byteCount + data.byteCount) }
            admitted = routed.id
            let shard: OpenShard
            do throws(KinesisError) { shard = try routed.open() } catch { throw failure(error) }
            let placed: OpenShard.Placed
            do throws(LogError) {
                placed = try shard.append(key: key, data: data, arrival: arrival, isLed: isLed(ack))
            } catch {
                try retryBlocking(after: error, version, shard)
                continue
            }
            routed.countWrite(key, explicitHashKey, byteCount: key.byteCount + data.byteCount)
            do throws(LogError) { try waitBlocking(shard, ack, below: placed.firstOrdinal + 1) } catch {
                throw failure(core.error(error))
            }
            return shard.number(placed)
        }
    }

    // MARK: Refused for now

    /// Returns when an append that met `error` may be tried again after a pause, on the version there is then: it found no
    /// memory, or a shard that a reshard ended. Nothing was appended.
    /// - Throws: `error`; `resourceNotFound` when the stream was deleted meanwhile.
    func retry(after error: LogError, _ version: StreamVersion) throws(KinesisError) {
        switch error {
        case .wouldBlock: return
        case .ended:
            try check(version)
            try core.checkCatalogue()
        default:
            try check(self.version)
            throw core.error(error)
        }
    }

    /// The same on the calling thread, pause included.
    func retryBlocking(after error: LogError, _ version: StreamVersion, _ shard: OpenShard) throws(KinesisError) {
        try retry(after: error, version)
        if case .ended = error { try waitForReshard(after: version) } else { shard.log.waitForRoom(nanoseconds: 10_000_000) }
    }

    // MARK: Waiting

    func wait(_ shard: OpenShard, _ ack: AckLevel?, below ordinal: UInt64) async throws(KinesisError) {
        let level = Level(ack ?? ackLevel)
        if level == .published { return }
        do throws(LogError) {
            try await shard.log.waitAsync(level, below: ordinal)
        } catch { throw failure(core.error(error)) }
    }

    /// Whether the calling thread brings the records to their level itself.
    func isLed(_ ack: AckLevel?) -> Bool { Level(ack ?? ackLevel) > .published }

    func waitBlocking(_ shard: OpenShard, _ ack: AckLevel?, below ordinal: UInt64) throws(LogError) {
        let level = Level(ack ?? ackLevel)
        if level > .published { try shard.log.wait(level, below: ordinal) }
    }
}

/// Growing pauses of a task that waits for memory: from 0.1 ms, doubled up to 10 ms, about the time of writing 10 MB.
struct Backoff {
    private var nanoseconds: UInt64 = 100_000

    /// Returns at once when the task is cancelled.
    mutating func wait() async {
        try? await Task.sleep(nanoseconds: nanoseconds)
        nanoseconds = min(nanoseconds * 2, 10_000_000)
    }
}
