import MillraceIO
import MillraceModel

/// Draws actions, boundaries more often than chance would have them. A value; one of a list's own seed.
struct StreamActionDraw {
    let dice: SeededEntropy
    /// Whether records and keys may be as large as they can be: a call then costs milliseconds.
    var hasLargeRecords = true
    /// Whether puts wait for less than the disk.
    var hasAckLevels = false
    /// Whether limits are enforced, so that it is worth while to reach them.
    var hasLimits = false
    /// Whether consumers subscribe.
    var hasSubscriptions = false
    /// Whether streams are scaled.
    var hasScaling = false
    /// Whether what takes seconds or minutes is looked at, as well as what takes hours.
    var hasShortTimes = false
    var streamCount = 2

    init(_ dice: SeededEntropy) { self.dice = dice }

    func pick<Value>(_ values: [Value]) -> Value { values[dice.next(below: values.count)] }
    func oneIn(_ count: Int) -> Bool { dice.next(below: count) == 0 }
    func maybe(_ probability: Double, _ value: @autoclosure () -> Int) -> Int? {
        dice.chance(probability) ? value() : nil
    }

    func stream() -> Int { oneIn(40) ? pick([-1, -2]) : oneIn(5) ? dice.next(below: streamCount) : 0 }
    func shard() -> Int { oneIn(30) ? pick([-1, -2]) : dice.next(below: 12) }
    private func ack() -> AckLevel? { hasAckLevels && dice.chance(0.6) ? pick(AckLevel.allCases) : nil }
    private func key() -> Int { oneIn(60) ? -1 - dice.next(below: 3) : dice.next(below: 8) }

    private func payload() -> StreamAction.Payload {
        let size: StreamAction.Size =
            hasLargeRecords && oneIn(80)
            ? .overLimit(pick([-1, 0, 1])) : .bytes(oneIn(8) ? pick([0, 1]) : dice.next(below: oneIn(10) ? 3000 : 120))
        let hash: StreamAction.HashPlace? =
            oneIn(4)
            ? oneIn(8)
                ? pick([.zero, .greatest, .tooLarge, .malformed])
                : pick([.startOfShard(dice.next(below: 12)), .endOfShard(dice.next(below: 12))]) : nil
        return StreamAction.Payload(key: key(), size: size, hash: hash, ack: ack())
    }

    private func limit() -> Int? { maybe(0.4, oneIn(6) ? pick([0, 1, 10_000, 10_001]) : 1 + dice.next(below: 5)) }

    func milliseconds() -> Int64 {
        if hasShortTimes, oneIn(2) {
            return pick([1, 99, 100, 101, 999, 1000, 1001, 4_999, 5_000, 5_001, 59_999, 60_000, 60_001, 299_999, 300_000, 400_000])
        }
        // From 1 ms to ten years, each size as likely as the other; and where five minutes and a day end.
        if oneIn(3) { return pick([299_999, 300_000, 300_001, 86_399_999, 86_400_000, 86_400_001, 3_600_000]) }
        let scale = 1 << Int64(dice.next(below: 39))
        return min(1 + Int64(dice.next(below: Int(scale))), 10 * 31_557_600_000)
    }

    func create(_ stream: Int) -> StreamAction {
        let isOnDemand = oneIn(hasScaling ? 2 : 12)
        let shards = isOnDemand && !oneIn(4) ? nil : maybe(0.9, oneIn(30) ? pick([0, -1, 10_001]) : 1 + dice.next(below: 4))
        return .createStream(stream, shards: shards, isOnDemand: isOnDemand, ack: ack())
    }

    /// An action of the service, or of a clock that goes on.
    func service() -> StreamAction {
        switch dice.next(below: 100) {
        case 0...21: return .putRecord(stream(), payload())
        case 22...29: return putRecords()
        case 30...39: return .getShardIterator(stream(), shard: shard(), place(), slot: dice.next(below: 4))
        case 40...53: return .getRecords(slot: oneIn(40) ? -1 : dice.next(below: 4), limit: limit())
        case 54...59: return .splitShard(stream(), shard: shard(), splitPlace())
        case 60...63: return .mergeShards(stream(), shard: shard(), mergePlace())
        case 64...65: return .updateShardCount(stream(), countChoice())
        case 66...68:
            let hours = pick([23, 24, 25, 48, 168, 8760, 8761])
            return dice.chance(0.5) ? .increaseRetention(stream(), hours: hours) : .decreaseRetention(stream(), hours: hours)
        case 69...74:
            return .listShards(stream(), filter(), limit: limit(), after: maybe(0.15, shard()))
        case 75: return .listMoreShards(limit: limit())
        case 76: return .describeStream(stream(), limit: limit(), after: maybe(0.2, shard()))
        case 77: return .describeStreamSummary(stream())
        case 78: return .listStreams(limit: limit(), after: maybe(0.3, dice.next(below: streamCount)))
        case 79...82: return labels()
        case 83...85: return consumers()
        case 86, 87: return settings()
        case 88...90: return create(oneIn(30) ? -2 : dice.next(below: streamCount))
        case 91:
            // What lives for long shows more.
            if hasSubscriptions || hasLimits || hasScaling, !oneIn(3) { return .describeStreamSummary(stream()) }
            return .deleteStream(stream(), enforces: dice.chance(0.5))
        case 92...97: return .advanceClock(milliseconds: milliseconds())
        case 98: return oneIn(2) ? .scale(minutes: 1) : .dropCache
        default: return .closeAndReopen
        }
    }

    private func putRecords() -> StreamAction {
        if oneIn(50) { return .putRecords(stream(), count: pick([0, 500, 501]), StreamAction.Payload(key: 0, size: .bytes(pick([0, 1, 10])))) }
        if hasLargeRecords, oneIn(200) {
            return .putRecords(stream(), count: 12, StreamAction.Payload(key: 0, size: .overCall(pick([-1, 0, 1]))))
        }
        return .putRecords(stream(), count: 1 + dice.next(below: oneIn(8) ? 40 : 5), payload())
    }

    func place() -> StreamAction.Place {
        switch dice.next(below: 16) {
        case 0...3: .trimHorizon
        case 4, 5: .latest
        case 6, 7: .atRecord(dice.next(below: 40))
        case 8, 9: .afterRecord(dice.next(below: 40))
        case 10: pick([.atStart, .afterEnd])
        case 11: pick([.atForeign, .atMalformed, .atMissing, .malformed])
        case 12, 13: .timeOfRecord(dice.next(below: 40), plus: pick([-1, 0, 1]))
        case 14: .now(plus: pick([-1, 0, 1]))
        default: .timeBeforeAll
        }
    }

    private func splitPlace() -> StreamAction.SplitPlace {
        if dice.chance(0.6) { return .middle }
        return pick([
            .start(plus: 0), .start(plus: 1), .start(plus: 2), .end(minus: 0), .end(minus: 1), .end(minus: -1), .tooLarge,
            .malformed,
        ])
    }

    private func mergePlace() -> StreamAction.MergePlace {
        dice.chance(0.75) ? pick([.next, .previous]) : pick([.itself, .distant, .missing])
    }

    private func countChoice() -> StreamAction.CountChoice {
        let plus = pick([-1, 0, 1])
        return switch dice.next(below: 8) {
        case 0, 1: .double(plus: plus)
        case 2, 3: .half(plus: plus)
        case 4, 5: .same(plus: plus)
        case 6: .count(1 + dice.next(below: 6))
        default: .count(pick([0, 10_000, 10_001]))
        }
    }

    private func filter() -> StreamAction.Filter {
        let plus: Int64 = pick([-1000, -1, 0, 1, 999, 1000, 1001])
        return switch dice.next(below: 14) {
        case 0: .afterShard(shard())
        case 1, 2: .atTrimHorizon
        case 3: .fromTrimHorizon
        case 4, 5: .atLatest
        case 6, 7: .atTimestamp(shard: dice.next(below: 12), plus: plus)
        case 8, 9: .fromTimestamp(shard: dice.next(below: 12), plus: plus)
        case 10: pick([.malformed, .incomplete])
        default: .none
        }
    }

    private func labels() -> StreamAction {
        let count = oneIn(6) ? pick([0, 49, 50, 51, 200, 201]) : 1 + dice.next(below: 3)
        let from = oneIn(40) ? -1 : dice.next(below: 6)
        return switch dice.next(below: 4) {
        case 0, 1: .addTags(stream(), count: count, from: from)
        case 2: .removeTags(stream(), count: count, from: from)
        default: .listTags(stream(), limit: limit(), after: maybe(0.3, dice.next(below: 6)))
        }
    }

    private func consumers() -> StreamAction {
        switch dice.next(below: 8) {
        case 0...2:
            .registerConsumers(stream(), count: oneIn(5) ? 20 + dice.next(below: 2) : 1, from: oneIn(30) ? -1 : dice.next(below: 4))
        case 3, 4: .deregisterConsumer(stream(), dice.next(below: 4))
        case 5: .describeConsumer(stream(), dice.next(below: 4))
        default: .listConsumers(stream(), limit: limit())
        }
    }

    private func settings() -> StreamAction {
        let metrics = pick([["ALL"], ["IncomingBytes"], ["IncomingBytes", "OutgoingRecords"], [], ["Unknown"]])
        switch dice.next(below: 10) {
        case 0, 1: return .setMode(stream(), isOnDemand: dice.chance(0.3))
        case 2:
            return .setRecordLimit(
                stream(), kibibytes: hasLargeRecords ? pick([1023, 1024, 1025, 10_240, 10_241]) : pick([1023, 1024]))
        case 3: return .startEncryption(stream(), key: pick(["alias/one", "alias/two", ""]))
        case 4: return .stopEncryption(stream())
        case 5, 6: return dice.chance(0.6) ? .enableMetrics(stream(), metrics) : .disableMetrics(stream(), metrics)
        case 7: return .putPolicy(stream(), pick([#"{"Version":"2012-10-17"}"#, "{}"]))
        case 8: return .getPolicy(stream())
        default: return .deletePolicy(stream())
        }
    }
}
