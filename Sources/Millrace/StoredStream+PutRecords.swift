import MillraceLog
public import MillraceModel

// Putting many records in one call. Each shard's part is one batch: all or nothing, visible at once.

extension StoredStream {
    /// Puts up to 500 records.
    ///
    /// On return each record whose result is a number has come as far as `ack`, or the stream's ack level, says. Records of
    /// one shard stand behind one another in the order given and share their result: a failure takes the whole part.
    /// - Parameter ack: as for `put`.
    /// - Returns: one result for each entry, in their order; the errors are those of `put`.
    /// - Throws: `validation` or `invalidArgument` when there are no entries or more than 500, more than 10 MiB, or one of them
    ///   is not valid: then none was put.
    @discardableResult
    public func putRecords(
        _ entries: [PutEntry], ack: AckLevel? = nil
    ) async throws(KinesisError) -> [Result<SequenceNumber, KinesisError>] {
        try PutRecordsRequest(stream: StreamReference(name), records: entries).validate()
        var batch = PutBatch()
        for entry in entries {
            // Both are there, or the request were not valid.
            let (data, partitionKey) = (entry.data ?? [], entry.partitionKey ?? "")
            if let text = entry.explicitHashKey {
                try batch.add(data.span, partitionKey: partitionKey, explicitHashKey: HashKey(text))
            } else {
                try batch.add(data.span, partitionKey: partitionKey)
            }
        }
        try batch.check(limit: terms.maximumRecordByteCount)
        return await putBatch(batch, ack: ack)
    }

    /// Puts a batch; as `putRecords`, for up to `PutBatch.greatestCount` records.
    ///
    /// - Returns: one result for each record, in the order in which they were added.
    @discardableResult
    public func putBatch(
        _ batch: PutBatch, ack: AckLevel? = nil
    ) async -> [Result<SequenceNumber, KinesisError>] {
        let arrival = terms.arrival(at: core.nowMilliseconds())
        var results = Results(count: batch.count)
        guard results.admit(batch, limit: terms.maximumRecordByteCount) else { return results.results }
        var selection: [Int]?
        var pause = Backoff()
        repeat {
            let version = version
            var ended: [Int] = []
            for routed in batch.parts(version.map, of: selection) {
                let target = version.openShards[routed.shard]
                let (part, refused) = target.admit(routed, of: batch)
                results.set(refused, target.rateExceeded)
                if part.count == 0 { continue }
                do throws(KinesisError) {
                    let shard = try await target.openAsync()
                    if let placed = try await append(part, of: batch, to: shard, arrival, version) {
                        target.countWrites(part, of: batch)
                        results.placed.append((part, shard, placed))
                    } else {
                        ended += part.indices
                    }
                } catch { results.set(part, failure(error)) }
            }
            // In the order given: two parts may go on to one child.
            selection = ended.sorted()
            // Their shard is being split or merged: on to its children.
            if !ended.isEmpty { await pause.wait() }
        } while selection?.isEmpty == false
        // All parts are on their way before the first is waited for.
        let level = Level(ack ?? ackLevel)
        for (part, shard, placed) in results.placed { shard.log.ask(level, below: placed.firstOrdinal + UInt64(part.count)) }
        for (part, shard, placed) in results.placed {
            do throws(KinesisError) {
                try await wait(shard, ack, below: placed.firstOrdinal + UInt64(part.count))
                results.set(part, shard, placed)
            } catch { results.set(part, error) }
        }
        return results.results
    }

    /// The same on the calling thread; see `putBlocking`.
    @discardableResult
    public func putBatchBlocking(
        _ batch: PutBatch, ack: AckLevel? = nil
    ) -> [Result<SequenceNumber, KinesisError>] {
        let arrival = terms.arrival(at: core.nowMilliseconds())
        var results = Results(count: batch.count)
        guard results.admit(batch, limit: terms.maximumRecordByteCount) else { return results.results }
        var selection: [Int]?
        repeat {
            let version = version
            var ended: [Int] = []
            for routed in batch.parts(version.map, of: selection) {
                let target = version.openShards[routed.shard]
                let (part, refused) = target.admit(routed, of: batch)
                results.set(refused, target.rateExceeded)
                if part.count == 0 { continue }
                do throws(KinesisError) {
                    let shard = try target.open()
                    if let placed = try appendBlocking(part, of: batch, to: shard, arrival, ack, version, behind: results) {
                        target.countWrites(part, of: batch)
                        results.placed.append((part, shard, placed))
                    } else {
                        ended += part.indices
                    }
                } catch { results.set(part, failure(error)) }
            }
            // In the order given: two parts may go on to one child.
            selection = ended.sorted()
        } while selection?.isEmpty == false
        let level = Level(ack ?? ackLevel)
        if results.placed.count > 1, level > .published {
            ShardLog.bringAlong(
                results.placed.map { part, shard, placed in (shard.log, placed.firstOrdinal + UInt64(part.count)) }, level, byteCount: batch.byteCount)
        }
        for (part, shard, placed) in results.placed {
            do throws(LogError) {
                try waitBlocking(shard, ack, below: placed.firstOrdinal + UInt64(part.count))
                results.set(part, shard, placed)
            } catch { results.set(part, failure(core.error(error))) }
        }
        return results.results
    }

    // MARK: Parts

    /// What has become of a batch's records.
    private struct Results {
        /// nil of a record that has failed. Results are made at the end, once each.
        private var numbers: [SequenceNumber?]
        private var errors: [Int: KinesisError] = [:]
        var placed: [(PutBatch.Part, OpenShard, OpenShard.Placed)] = []

        init(count: Int) { numbers = Array(repeating: nil, count: count) }

        /// Every record is in one part, and every part is set before this is asked for.
        var results: [Result<SequenceNumber, KinesisError>] {
            numbers.enumerated().map { index, number in
                if let number { return .success(number) }
                return .failure(errors[index] ?? .storage(.closed))
            }
        }

        /// Whether no record is larger than the stream's may be; all fail if one is.
        mutating func admit(_ batch: PutBatch, limit: Int) -> Bool {
            do throws(KinesisError) {
                try batch.check(limit: limit)
                return true
            } catch {
                for index in numbers.indices { errors[index] = error }
                return false
            }
        }

        private mutating func fail(_ index: Int, _ error: KinesisError) {
            numbers[index] = nil
            errors[index] = error
        }

        mutating func set(_ indices: [Int], _ error: @autoclosure () -> KinesisError) {
            if indices.isEmpty { return }
            let error = error()
            for index in indices { fail(index, error) }
        }

        mutating func set(_ part: PutBatch.Part, _ error: KinesisError) {
            for place in 0..<part.count { fail(part.index(place), error) }
        }

        mutating func set(_ part: PutBatch.Part, _ shard: OpenShard, _ placed: OpenShard.Placed) {
            for place in 0..<part.count { numbers[part.index(place)] = shard.number(placed, place) }
        }
    }

    /// nil when a reshard ended the shard: nothing of the part was put.
    private func append(
        _ part: PutBatch.Part, of batch: PutBatch, to shard: OpenShard, _ arrival: UInt64, _ version: StreamVersion
    ) async throws(KinesisError) -> OpenShard.Placed? {
        var pause = Backoff()
        while true {
            do throws(LogError) {
                return try shard.append(arrival: arrival) { sink throws(LogError) in try batch.add(part, to: sink) }
            } catch {
                try retry(after: error, version)
                try await core.settleCatalogueAsync()
                if case .ended = error { return nil }
                if Task.isCancelled { throw .storage(.wouldBlock) }
            }
            await pause.wait()
        }
    }

    private func appendBlocking(
        _ part: PutBatch.Part, of batch: PutBatch, to shard: OpenShard, _ arrival: UInt64, _ ack: AckLevel?, _ version: StreamVersion,
        behind results: Results
    ) throws(KinesisError) -> OpenShard.Placed? {
        while true {
            do throws(LogError) {
                return try shard.append(arrival: arrival, isLed: isLed(ack)) { sink throws(LogError) in try batch.add(part, to: sink) }
            } catch {
                // This may take a while, and the memory that is waited for may be theirs.
                for (_, shard, _) in results.placed { shard.log.giveUpLead() }
                try retryBlocking(after: error, version, shard)
                if case .ended = error { return nil }
            }
        }
    }
}
