package import MillraceIO
package import MillraceModel

/// One thing that is done to a store of streams. A value, good by itself: what it names is looked up when it is done, so that
/// a list with actions left out can be done as well.
///
/// Streams are numbers: 0 and up are names, -1 is one that nobody makes, -2 is no name. Shards are counted around the shards
/// there are, so that any number means one; -1 is one that is not there, -2 is no shard's name.
package enum StreamAction: Hashable, Sendable {
    case createStream(Int, shards: Int?, isOnDemand: Bool, ack: AckLevel?)
    case deleteStream(Int, enforces: Bool)
    case putRecord(Int, Payload)
    case putRecords(Int, count: Int, Payload)
    /// So many calls of PutRecords in one moment.
    case burst(Int, calls: Int, count: Int, Payload)
    case getShardIterator(Int, shard: Int, Place, slot: Int)
    case getRecords(slot: Int, limit: Int?)
    /// Gets records from the oldest on, in so many calls in one moment.
    case drain(Int, shard: Int, calls: Int)
    case splitShard(Int, shard: Int, SplitPlace)
    case mergeShards(Int, shard: Int, MergePlace)
    case updateShardCount(Int, CountChoice)
    case increaseRetention(Int, hours: Int)
    case decreaseRetention(Int, hours: Int)
    case listShards(Int, Filter, limit: Int?, after: Int?)
    case listMoreShards(limit: Int?)
    case describeStream(Int, limit: Int?, after: Int?)
    case describeStreamSummary(Int)
    case listStreams(limit: Int?, after: Int?)
    case addTags(Int, count: Int, from: Int)
    case removeTags(Int, count: Int, from: Int)
    case listTags(Int, limit: Int?, after: Int?)
    case registerConsumers(Int, count: Int, from: Int)
    case deregisterConsumer(Int, Int)
    case describeConsumer(Int, Int)
    case listConsumers(Int, limit: Int?)
    case setMode(Int, isOnDemand: Bool)
    case setRecordLimit(Int, kibibytes: Int)
    case startEncryption(Int, key: String)
    case stopEncryption(Int)
    case enableMetrics(Int, [String])
    case disableMetrics(Int, [String])
    case putPolicy(Int, String)
    case deletePolicy(Int)
    case getPolicy(Int)
    /// With so many milliseconds between signs of life.
    case subscribe(Int, consumer: Int, shard: Int, SubscriptionPlace, heartbeat: Int64?, slot: Int)
    /// Asks a subscription for so many events, or for those there are.
    case poll(slot: Int, count: Int)
    /// The same so many milliseconds after the subscription began, when that is yet to come.
    case pollAt(slot: Int, milliseconds: Int64)
    /// Subscribes as the last time in that slot, going on there, so many milliseconds after it.
    case subscribeAgain(slot: Int, milliseconds: Int64)

    // What the world does.

    /// Time passes.
    case advanceClock(milliseconds: Int64)
    /// Somebody sets the clock, in either direction.
    case setClock(milliseconds: Int64)
    case closeAndReopen
    /// A time of less than a millisecond and more passes.
    case passTime(microseconds: Int64)
    /// The minute's look at on-demand streams, for so many minutes.
    case scale(minutes: Int)
    /// An on-demand stream's shard is measured to have been written to with so many thousandths of what a shard takes.
    case measure(Int, shard: Int, thousandths: Int, Keys)
    /// Has the store take away what is too old to be seen.
    case sweep
    case dropCache
    case flush(log: Int, partial: Bool)
    case sync(log: Int)
    case idle(log: Int)
    case prepare
    case kill
    case losePower
    /// Power fails at the n-th call of the disk in the next action, or in the next opening.
    case losePowerDuringNext(call: Int)
    /// The n-th call of its kind from now on fails, and with `isPermanent` all later ones until the process ends.
    case failCall(IOError.Operation, call: Int, errorNumber: Int32, isPermanent: Bool)
    /// So many bytes are left on the disk until the process ends.
    case leaveRoom(Int)

    package struct Payload: Hashable, Sendable {
        /// 0 and up: one of as many keys. -1: empty, -2: 256 characters of four bytes each, -3: 257 characters.
        package var key: Int
        package var size: Size
        package var hash: HashPlace?
        package var ack: AckLevel?

        package init(key: Int, size: Size, hash: HashPlace? = nil, ack: AckLevel? = nil) {
            (self.key, self.size, self.hash, self.ack) = (key, size, hash, ack)
        }
    }

    package enum Size: Hashable, Sendable {
        case bytes(Int)
        /// So many more than the stream's limit, key with it.
        case overLimit(Int)
        /// All of a call's records together: so many more than a call may have.
        case overCall(Int)
    }

    package enum HashPlace: Hashable, Sendable {
        case zero, greatest, tooLarge, malformed
        case startOfShard(Int), endOfShard(Int)
    }

    package enum Place: Hashable, Sendable {
        case trimHorizon, latest
        case atRecord(Int), afterRecord(Int)
        /// The shard's own starting number, or the ending one when it is closed.
        case atStart, afterEnd
        /// A number of another shard, one that is none, none at all, and a type that is none.
        case atForeign, atMalformed, atMissing, malformed
        /// Before, at and after the time of a record, and of now.
        case timeOfRecord(Int, plus: Int64)
        case now(plus: Int64)
        case timeBeforeAll
    }

    package enum SubscriptionPlace: Hashable, Sendable {
        case place(Place)
        /// Where the consumer's last subscription to the shard stopped.
        case resume
    }

    /// Where the keys of a shard's traffic are.
    package enum Keys: Hashable, Sendable { case spread, one, first, last, few }

    package enum SplitPlace: Hashable, Sendable {
        case middle
        case start(plus: Int), end(minus: Int)
        case tooLarge, malformed
    }

    package enum MergePlace: Hashable, Sendable { case next, previous, itself, distant, missing }

    package enum CountChoice: Hashable, Sendable {
        case double(plus: Int), half(plus: Int), same(plus: Int), count(Int)
    }

    package enum Filter: Hashable, Sendable {
        case none, afterShard(Int), atTrimHorizon, fromTrimHorizon, atLatest, malformed, incomplete
        case atTimestamp(shard: Int, plus: Int64), fromTimestamp(shard: Int, plus: Int64)
    }
}

extension StreamAction {
    /// As it would stand in a list of actions in the source.
    package var line: String {
        String(reflecting: self).replacing("MillraceTestKit.StreamAction.Payload", with: "Payload")
            .replacing("MillraceTestKit.StreamAction", with: "").replacing("MillraceModel.AckLevel", with: "")
            .replacing("MillraceIO.IOError.Operation", with: "")
    }
}
