import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import MillraceTestKit
import MillraceTestSupport

/// What writers said about streams over all their lives, and the comparison with what a store holds.
struct StreamLedger {
    /// A record as a writer knows it.
    fileprivate struct Put: Hashable {
        let cycle: UInt32
        let task: UInt32
        let number: UInt64
    }
    fileprivate struct Stream {
        /// At least, closed ones too; exactly so many unless it was resharded.
        var shardCount: Int
        var mayBeResharded = false
        var leastRetention = Limits.defaultRetentionHours
        var retentions: Set<Int> = [Limits.defaultRetentionHours]
        /// What each tag is, and what it may be instead.
        var tags: [String: String] = [:]
        var triedTags: [String: String] = [:]
        /// Registered; and those that may be or may not.
        var consumers: Set<String> = []
        var doubtfulConsumers: Set<String> = []
        var mayBeDeleted = false
        var isDeleted = false
        /// Creating it was acknowledged, or it was seen.
        var isThere = false
        var acknowledged: [SequenceNumber: Put] = [:]
    }

    private var streams: [String: Stream] = [:]
    /// Streams of which the last life spoke.
    private var touched: Set<String> = []
    private(set) var acknowledged = 0
    private(set) var changes = 0
    private var deleted = 0
    private var compared = 0
    private var absent = 0
    var streamCount: Int { streams.values.count { $0.isThere } }

    var summary: String {
        """
        \(streamCount) streams made (\(absent) killed before they were), \(acknowledged) records acknowledged, \
        0 lost; \(compared) compared byte for byte; \(changes) changes of streams acknowledged, \(deleted) streams deleted
        """
    }

    /// Takes the lines of one life.
    mutating func take(_ output: String, cycle: UInt32) throws {
        touched = []
        for line in output.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            if words.count > 1 { touched.insert(words[1]) }
            switch (words[0], words.count) {
            case ("R", 1), ("C", 1), ("X", 1): break
            case ("B", 3):
                if streams[words[1]] == nil { streams[words[1]] = Stream(shardCount: Int(words[2]) ?? 0) }
            case ("N", 2): streams[words[1]]?.isThere = true
            case ("A", 5...):
                guard let task = UInt32(words[2]), let first = UInt64(words[3]) else {
                    throw KillFailure("said: \(line)")
                }
                for (index, text) in words[4...].enumerated() {
                    let put = Put(cycle: cycle, task: task, number: first + UInt64(index))
                    let old = streams[words[1]]?.acknowledged.updateValue(put, forKey: try SequenceNumber(text))
                    if let old { throw KillFailure("\(words[1]): number \(text) was given to \(old) and to \(put)") }
                    acknowledged += 1
                }
            case (_, 2...):
                guard streams[words[1]] != nil, streams[words[1]]?.take(words) == true else {
                    throw KillFailure("the writer said: \(line)")
                }
                if "TJVLOG".contains(words[0]) { changes += 1 }
            default: throw KillFailure("the writer said: \(line)")
            }
        }
    }

    /// Opens the store and compares what the last life touched; with `isWhole` everything.
    mutating func verify(_ path: String, cycle: UInt32, isWhole: Bool) throws {
        let store = try StreamStore(
            at: path, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy(),
            configuration: KillTest.configuration(cycle: cycle &+ 1))
        defer { store.abandon() }
        let names = Set(store.listStreams().map(\.text))
        if let unknown = names.first(where: { streams[$0] == nil }) { throw KillFailure("nobody made \(unknown)") }
        for (name, stream) in streams.sorted(by: { $0.key < $1.key }) {
            guard names.contains(name) else {
                if stream.mayBeDeleted {
                    deleted += 1
                    streams[name] = nil
                    continue
                }
                if stream.isThere || !stream.acknowledged.isEmpty { throw KillFailure("stream \(name) is gone") }
                absent += 1
                streams[name] = nil
                continue
            }
            if stream.isDeleted { throw KillFailure("stream \(name) was deleted and is there") }
            streams[name]?.isThere = true
            streams[name]?.mayBeDeleted = false
            try streams[name]?.compare(with: store, name)
            if isWhole || touched.contains(name) { try compare(try store.stream(name), with: stream) }
        }
    }

    private mutating func compare(_ handle: StoredStream, with stream: Stream) throws {
        guard stream.mayBeResharded ? handle.shards.count >= stream.shardCount : handle.shards.count == stream.shardCount
        else { throw KillFailure("\(handle.name) has \(handle.shards.count) shards in place of \(stream.shardCount)") }
        guard HashKeyRange.tile(handle.openShards.map(\.hashKeyRange)) else {
            throw KillFailure("the open shards of \(handle.name) do not cover the ring once")
        }
        var missing = stream.acknowledged
        var seen: Set<Put> = []
        for shard in handle.shards {
            var last: SequenceNumber?
            /// Records of one task stand in the order in which it put them.
            var latest: [UInt32: Put] = [:]
            for record in try records(of: shard) {
                let (number, data) = (record.sequenceNumber, record.data)
                if let last, number <= last { throw KillFailure("\(handle.name): \(number) after \(last)") }
                last = number
                let head = unsafe KillRecord(data: data.span.bytes)
                guard let head, head.data(log: UInt64(head.place)) == data,
                    head.key == Array(record.partitionKey.description.utf8)
                else { throw KillFailure("\(handle.name), \(number): bytes that nobody put") }
                let put = Put(cycle: head.cycle, task: head.place, number: head.number)
                if !seen.insert(put).inserted { throw KillFailure("\(handle.name), \(number): \(put) a second time") }
                if let before = latest[put.task], (before.cycle, before.number) >= (put.cycle, put.number) {
                    throw KillFailure("\(handle.name), \(number): \(put) behind \(before)")
                }
                latest[put.task] = put
                if let known = missing.removeValue(forKey: number), known != put {
                    throw KillFailure("\(handle.name), \(number): \(put), acknowledged was \(known)")
                }
                compared += 1
            }
        }
        if let (number, put) = missing.first {
            throw KillFailure(
                "\(handle.name): \(missing.count) acknowledged records are gone, \(put) at \(number) among them")
        }
    }

    private func records(of shard: Shard) throws(KinesisError) -> [Record] {
        var cursor = try shard.cursorBlocking(at: .trimHorizon, level: .durable)
        var records: [Record] = []
        while try cursor.withBatch({ batch throws(KinesisError) in
            while let record = batch.next() { records.append(try record.copy()) }
        }) {}
        return records
    }
}

/// What a writer said of changes (`StreamChanges`).
extension StreamLedger.Stream {
    /// Takes a line; whether it is one.
    fileprivate mutating func take(_ words: [String]) -> Bool {
        switch (words[0], words.count) {
        case ("S", 2): mayBeResharded = true
        case ("T", 3): shardCount = max(shardCount, Int(words[2]) ?? 0)
        case ("I", 3): retentions.insert(Int(words[2]) ?? 0)
        case ("J", 3): leastRetention = max(leastRetention, Int(words[2]) ?? 0)
        case ("U", 4): triedTags[words[2]] = words[3]
        case ("V", 4): tags[words[2]] = words[3]
        case ("K", 3), ("M", 3):
            consumers.remove(words[2])
            doubtfulConsumers.insert(words[2])
        case ("L", 3):
            doubtfulConsumers.remove(words[2])
            consumers.insert(words[2])
        case ("O", 3): doubtfulConsumers.remove(words[2])
        case ("D", 2): mayBeDeleted = true
        case ("G", 2): isDeleted = true
        default: return false
        }
        return true
    }

    /// Compares what is shown with what was said; what was in doubt is known then.
    fileprivate mutating func compare(with store: StreamStore, _ name: String) throws {
        let reference = StreamReference(name: name)
        let summary = try store.answer(DescribeStreamSummaryRequest(stream: reference)).streamDescriptionSummary
        let hours = summary.retentionPeriod.hours
        guard hours >= leastRetention, retentions.contains(hours) else {
            throw KillFailure("\(name) keeps records for \(hours) h, in place of \(leastRetention)")
        }
        leastRetention = hours
        let found = try store.answer(ListTagsForStreamRequest(stream: reference)).tags
        for (key, value) in tags where !found.contains(where: { $0.key == key && [value, triedTags[key]].contains($0.value) }) {
            throw KillFailure("\(name): tag \(key) is not \(value)")
        }
        for tag in found {
            guard triedTags[tag.key] == tag.value || tags[tag.key] == tag.value else {
                throw KillFailure("\(name): nobody put \(tag)")
            }
            tags[tag.key] = tag.value
        }
        triedTags = tags
        let registered = try store.answer(ListStreamConsumersRequest(streamARN: summary.streamARN.description)).consumers
        let names = Set(registered.map(\.consumerName.text))
        guard names.isSuperset(of: consumers), names.isSubset(of: consumers.union(doubtfulConsumers)) else {
            throw KillFailure("\(name) has consumers \(names.sorted()) in place of \(consumers.sorted())")
        }
        consumers = names
        doubtfulConsumers = []
    }
}
