import Millrace
import MillraceLog
import MillraceModel

/// How a life puts and reads, against the store and its model alike.
extension StreamActor {
    // MARK: Putting

    func entry(_ payload: StreamAction.Payload, _ stream: Int, index: Int = 0, of count: Int = 1) -> PutEntry {
        let key =
            switch payload.key {
            case -1: ""
            case -2: String(repeating: "\u{1F600}", count: 256)
            case -3: String(repeating: "a", count: 257)
            default: "k\((payload.key + index) % 8)"
            }
        let byteCount =
            switch payload.size {
            case .bytes(let count): count
            case .overLimit(let more): (known(stream)?.recordByteLimit ?? 1 << 20) - key.utf8.count + more
            case .overCall(let more):
                (10 << 20) / count - key.utf8.count + (index == 0 ? (10 << 20) % count + more : 0)
            }
        // The serial tells records apart that are long enough for it.
        var data = Array("\(model.nextSerial + index) ".utf8.prefix(max(0, byteCount)))
        data += [UInt8](repeating: 120, count: max(0, byteCount - data.count))
        return PutEntry(data: data, partitionKey: key, explicitHashKey: payload.hash.map { hashText($0, stream) })
    }

    func hashText(_ place: StreamAction.HashPlace, _ stream: Int) -> String {
        switch place {
        case .zero: "0"
        case .greatest: "\(UInt128.max)"
        case .tooLarge: Self.tooLarge
        case .malformed: "01"
        case .startOfShard(let shard): "\(self.shard(shard, stream)?.range.lowerBound ?? 0)"
        case .endOfShard(let shard): "\(self.shard(shard, stream)?.range.upperBound ?? .max)"
        }
    }

    /// 2^128.
    static let tooLarge = "340282366920938463463374607431768211456"

    mutating func put(_ stream: Int, _ payload: StreamAction.Payload) throws {
        let entry = entry(payload, stream)
        var request = PutRecordRequest(
            stream: reference(stream), data: entry.data, partitionKey: entry.partitionKey,
            explicitHashKey: entry.explicitHashKey)
        if payload.key == 7 {
            request.sequenceNumberForOrdering = known(stream)?.shards.last?.greatestNumber?.description
        }
        let expected = Result<ShardID, any Error> { try model.place(request) }
        let answer = Result<PutRecordResponse, any Error> { try store.answer(request, ack: payload.ack) }
        do {
            guard let (shard, response) = try pair(expected, answer) else { return }
            try took(entry, stream, shard, response.sequenceNumber, response.shardID, payload.ack)
            if response.encryptionType != known(stream)?.encryption { throw StreamMismatch("the encryption answered is another") }
        } catch let trouble as StreamTrouble {
            if let shard = try? expected.get() { model.took(entry, "s\(stream)", shard, nil) }
            throw trouble
        }
    }

    mutating func put(_ stream: Int, _ count: Int, _ payload: StreamAction.Payload) throws {
        let entries = (0..<count).map { entry(payload, stream, index: $0, of: count) }
        let request = PutRecordsRequest(stream: reference(stream), records: entries)
        let expected = Result<[ReferenceStore.Fate], any Error> { try model.place(request) }
        let answer = Result<PutRecordsResponse, any Error> { try store.answer(request, ack: payload.ack) }
        guard let (fates, response) = try pair(expected, answer) else { return }
        guard response.records.count == count else { throw StreamMismatch("\(response.records.count) results for \(count) records") }
        var trouble: StreamTrouble?
        for (index, result) in response.records.enumerated() {
            switch (fates[index], result) {
            case (.goes(let wanted), .success(let shard, let number)):
                try took(entries[index], stream, wanted, number, shard, payload.ack)
            case (.refused, .failure("ProvisionedThroughputExceededException", _)):
                note(3)
                tally.limitedCount += 1
            case (.goes(let wanted), .failure(let code, let message)):
                guard allowsTrouble else { throw StreamMismatch("record \(index) failed: \(code): \(message)") }
                model.took(entries[index], "s\(stream)", wanted, nil)
                trouble = StreamTrouble(error: .internalFailure(message))
            case (.refused, _):
                throw StreamMismatch("record \(index) is \(result), and should be refused: its shard's budget is spent")
            }
        }
        if let trouble { throw trouble }
    }

    /// A record was put: in the right shard, with a number above all that were given out there.
    mutating func took(
        _ entry: PutEntry, _ stream: Int, _ expected: ShardID, _ number: SequenceNumber, _ shard: ShardID, _ ack: AckLevel?
    ) throws {
        guard shard == expected, number.shardID == shard else {
            throw StreamMismatch("record \(number) was put into \(shard), not into \(expected)")
        }
        // Nothing of the model is held when it changes: it would be copied.
        let bounds = try check(number, stream)
        note(number.ordinal)
        let name = "s\(stream)"
        model.took(entry, name, shard, number)
        guard looksAtLevels else { return }
        let handle = try store.stream(name)
        guard let placed = storeShard(shard, handle) else { throw StreamMismatch("record \(number) is in no shard") }
        let log = try store.engine.log(placed.logID)
        if log.tip(Self.level(ack ?? handle.ackLevel)) <= number.ordinal {
            throw StreamMismatch("\(number) was acknowledged as \(ack ?? handle.ackLevel) and is not")
        }
        guard let bounds else { return }
        var cursor = log.cursor(at: number.ordinal, level: .published)
        let arrival = try cursor.withBatch { batch throws(LogError) in batch.next()?.arrivalMilliseconds }
        guard let arrival, let arrival, bounds.contains(arrival) else {
            throw StreamMismatch("record \(number) arrived at \(arrival ?? nil, default: "no time"), not in \(bounds)")
        }
        model.arrived(name, shard, at: arrival)
    }

    /// Whether the number may be that of a record put now; when it may have arrived, where that is not foreseen.
    private func check(_ number: SequenceNumber, _ stream: Int) throws -> ClosedRange<UInt64>? {
        guard let known = known(stream) else { throw StreamMismatch("record \(number) was put into no stream") }
        let state = known.shards[Int(number.shardID.index)]
        guard "\(number)".utf8.count == 56, number.shardCreationSecond == state.creationSecond,
            number > state.summary.startingSequenceNumber
        else { throw StreamMismatch("\(number) is no number of \(state.summary)") }
        if let greatest = state.greatestNumber, greatest >= number {
            throw StreamMismatch("number \(number) is not above \(greatest), which was given out before")
        }
        for parent in state.parents {
            if let greatest = known.shards[Int(parent.index)].greatestNumber, greatest >= number {
                throw StreamMismatch("number \(number) is not above the parent's \(greatest)")
            }
        }
        // Not before what may be seen, however far behind the clock is.
        let now = max(model.now, known.horizon)
        return state.leastArrival.map { max(now, $0)...max(now, state.lastArrival) }
    }

    // MARK: Reading

    mutating func getIterator(_ stream: Int, _ shard: Int, _ place: StreamAction.Place, _ slot: Int) throws {
        let state = self.shard(shard, stream)
        let start = start(at: place, of: state)
        let request = GetShardIteratorRequest(
            stream: reference(stream), shardID: shardText(shard, stream), shardIteratorType: start.type,
            startingSequenceNumber: start.sequenceNumber, timestampMilliseconds: start.timestampMilliseconds)
        if let state { lookAtLevel(stream, state.id) }
        let expected = Result<ReferenceIterator, any Error> { try model.answer(request) }
        guard let (iterator, response) = try pair(expected, Result { try store.answer(request) }) else { return }
        iterators[slot] = isForeseen(start, stream, state) ? (response.shardIterator, iterator) : nil
        guard (1...512).contains(response.shardIterator.unicodeScalars.count) else {
            throw StreamMismatch("an iterator of \(response.shardIterator.unicodeScalars.count) characters")
        }
    }

    /// Whether a record that is not to be seen yet, and arrived before the time asked for, is passed over is not said.
    func isForeseen(_ start: SubscriptionStart, _ stream: Int, _ state: ReferenceShard?) -> Bool {
        guard start.timestampMilliseconds != nil, let state = state.flatMap({ known(stream)?.shards[Int($0.id.index)] })
        else { return true }
        return state.visible.count == state.records.count
    }

    func start(at place: StreamAction.Place, of state: ReferenceShard?) -> SubscriptionStart {
        func record(_ index: Int) -> ReferenceRecord? {
            guard let records = state?.records, !records.isEmpty else { return nil }
            return records[index % records.count]
        }
        func at(_ number: String?, isAfter: Bool = false) -> SubscriptionStart {
            SubscriptionStart(type: isAfter ? "AFTER_SEQUENCE_NUMBER" : "AT_SEQUENCE_NUMBER", sequenceNumber: number)
        }
        func time(_ milliseconds: Int64) -> SubscriptionStart {
            SubscriptionStart(type: "AT_TIMESTAMP", timestampMilliseconds: milliseconds)
        }
        let summary = state?.summary
        return switch place {
        case .trimHorizon: SubscriptionStart(type: "TRIM_HORIZON")
        case .latest: SubscriptionStart(type: "LATEST")
        case .atRecord(let index): at(record(index)?.number?.description ?? summary?.startingSequenceNumber.description)
        case .afterRecord(let index):
            at(record(index)?.number?.description ?? summary?.startingSequenceNumber.description, isAfter: true)
        case .atStart: at(summary?.startingSequenceNumber.description)
        case .afterEnd: at((summary?.endingSequenceNumber ?? summary?.startingSequenceNumber)?.description, isAfter: true)
        case .atForeign: at(SequenceNumber.starting(ShardID(index: 4000), creationSecond: 5).description)
        case .atMalformed: at("495")
        case .atMissing: at(nil)
        case .malformed: SubscriptionStart(type: "FROM_HERE")
        case .timeOfRecord(let index, let plus): time(Int64(record(index)?.arrival ?? model.now) + plus)
        case .now(let plus): time(Int64(model.now) + plus)
        case .timeBeforeAll: time(-1)
        }
    }

    /// Tells the model how far the shard's records have come.
    mutating func lookAtLevel(_ stream: Int, _ shard: ShardID) {
        guard looksAtLevels, let handle = try? store.stream("s\(stream)"), let place = storeShard(shard, handle),
            let log = try? store.engine.log(place.logID)
        else { return }
        model.streams["s\(stream)"]?.shards[Int(shard.index)].visibleEnd = log.tip(Self.level(handle.ackLevel))
    }

    static func level(_ ack: AckLevel) -> Level {
        switch ack {
        case .published: .published
        case .written: .written
        case .durable: .durable
        }
    }

    mutating func getRecords(_ slot: Int, _ limit: Int?) throws {
        let iterator = iterators[slot]
        let request = GetRecordsRequest(shardIterator: iterator?.text ?? "none", limit: limit)
        if let place = iterator?.place, looksAtLevels,
            let name = model.streams.first(where: { $0.value.identity == place.stream })?.key
        {
            lookAtLevel(Int(name.dropFirst()) ?? 0, place.shard)
        }
        let expected = Result { try model.answer(request, iterator?.place) }
        guard let (wanted, response) = try pair(expected, Result { try store.answer(request) }) else { return }
        note(UInt64(response.records.count))
        if try isCutShort(wanted.records, response.records) {
            iterators[slot] = nil
            return
        }
        try Self.compare(wanted.records, response.records)
        guard response.millisBehindLatest == wanted.behind else {
            throw StreamMismatch("\(response.millisBehindLatest) ms behind, not \(wanted.behind)")
        }
        guard (response.nextShardIterator == nil) == (wanted.next == nil) else {
            throw StreamMismatch("\(response.nextShardIterator == nil ? "the shard's end was told" : "the shard's end was not told")")
        }
        guard response.childShards == wanted.children else {
            throw StreamMismatch("children \(response.childShards), not \(wanted.children)")
        }
        if let text = response.nextShardIterator, let next = wanted.next { iterators[slot] = (text, next) }
    }

    /// What cannot be read just now ends an answer in front of it, and the next one says why: where one goes on then is not foreseen.
    func isCutShort(_ wanted: [ReferenceRecord], _ found: [Record]) throws -> Bool {
        guard allowsTrouble, found.count < wanted.count else { return false }
        try Self.compare(Array(wanted.prefix(found.count)), found)
        return true
    }

    static func compare(_ wanted: [ReferenceRecord], _ found: [Record]) throws {
        for (index, (left, right)) in zip(wanted, found).enumerated() {
            guard left.number == right.sequenceNumber, Int64(left.arrival) == right.approximateArrivalMilliseconds,
                left.key == right.partitionKey.text, left.data == right.data, left.encryption == right.encryptionType
            else {
                throw StreamMismatch(
                    "record \(index) is \(right.sequenceNumber) of \(right.approximateArrivalMilliseconds) ms, "
                        + "\(right.data.count) bytes, \(right.encryptionType?.rawValue ?? "?"); it should be "
                        + "\(left.number.map { "\($0)" } ?? "?") of \(left.arrival) ms, \(left.data.count) bytes, "
                        + "\(left.encryption.rawValue)")
            }
        }
        guard wanted.count == found.count else {
            throw StreamMismatch("\(found.count) records, not \(wanted.count)")
        }
    }

    mutating func listShards(_ request: ListShardsRequest, _ place: ReferencePage?) throws {
        let expected = Result { try model.answer(request, place) }
        guard let (wanted, response) = try pair(expected, Result { try store.answer(request) }) else { return }
        guard wanted.shards == response.shards else {
            throw StreamMismatch("shards \(Self.short(response.shards)), not \(Self.short(wanted.shards))")
        }
        guard (response.nextToken == nil) == (wanted.next == nil) else {
            throw StreamMismatch(response.nextToken == nil ? "no next page" : "a next page of nothing")
        }
        if let text = response.nextToken, let next = wanted.next { page = (text, next) }
    }

    func filter(_ stream: Int, _ filter: StreamAction.Filter) -> ShardFilter? {
        func time(_ type: ShardFilterType, _ shard: Int, _ plus: Int64) -> ShardFilter {
            let state = self.shard(shard, stream)
            let second = state?.closingSecond ?? state?.creationSecond ?? 0
            return ShardFilter(type, timestampMilliseconds: Int64(second) * 1000 + plus)
        }
        return switch filter {
        case .none: nil
        case .afterShard(let shard): ShardFilter(.afterShardID, shardID: shardText(shard, stream))
        case .atTrimHorizon: ShardFilter(.atTrimHorizon)
        case .fromTrimHorizon: ShardFilter(.fromTrimHorizon)
        case .atLatest: ShardFilter(.atLatest)
        case .malformed: ShardFilter(type: "AT_ANY")
        case .incomplete: ShardFilter(.atTimestamp)
        case .atTimestamp(let shard, let plus): time(.atTimestamp, shard, plus)
        case .fromTimestamp(let shard, let plus): time(.fromTimestamp, shard, plus)
        }
    }
}
