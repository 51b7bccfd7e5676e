import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import Testing

/// Aim: shards are listed, split, merged and scaled as the service does it, and stay so in later openings; what cannot be done is
/// refused and changes nothing. Method: every operation on a disk in memory; lineage, ranges and numbers compared by value.
@Suite(.timeLimit(.minutes(1))) struct ShardOperationsTests {
    /// Closes and opens again: nothing may differ.
    private static func reopened(_ store: StreamStore, _ test: TestStore) throws -> StreamStore {
        let before = try store.shards()
        try store.closeBlocking()
        let again = try test.open()
        #expect(try again.shards() == before)
        return again
    }

    @Test func `a split shard keeps its records and has two children, whose numbers are above its own`() throws {
        let test = TestStore()
        var store = try test.open()
        try store.make(shards: 2)
        let stream = try store.stream("s")
        var numbers: [SequenceNumber] = []
        for index in 0..<20 { numbers.append(try stream.putBlocking("\(index)".utf8Span.span, partitionKey: "\(index)")) }
        try store.split(1)
        var shards = try store.shards()
        #expect(shards.map(\.shardID.index) == [0, 1, 2, 3])
        #expect(shards.map(\.isOpen) == [true, false, true, true])
        #expect(shards.map(\.parentShardID) == [nil, nil, ShardID(index: 1), ShardID(index: 1)])
        #expect(shards.allSatisfy { $0.adjacentParentShardID == nil })
        #expect(shards[2].hashKeyRange.starting == shards[1].hashKeyRange.starting)
        #expect(shards[3].hashKeyRange.ending == shards[1].hashKeyRange.ending)
        #expect(shards[2].hashKeyRange.isAdjacent(to: shards[3].hashKeyRange))
        let ending = try #require(shards[1].endingSequenceNumber)
        for shard in shards[2...] {
            for number in numbers where number.shardID.index == 1 {
                #expect(number < ending)
                #expect(number < shard.startingSequenceNumber)
            }
        }
        for index in 20..<60 {
            let number = try stream.putBlocking("\(index)".utf8Span.span, partitionKey: "\(index)")
            #expect([0, 2, 3].contains(number.shardID.index))
            if number.shardID.index > 0 { #expect(number > ending) }
        }
        for _ in 0..<2 {
            store = try Self.reopened(store, test)
            #expect(Set(try store.stream("s").readAll().map(\.text)) == Set((0..<60).map(String.init)))
            #expect(try store.stream("s").readAll().count == 60)
            shards = try store.shards()
        }
        try store.closeBlocking()
    }

    @Test func `merged shards keep their records and have one child, in either order of the names`() throws {
        for isSwapped in [false, true] {
            let test = TestStore()
            var store = try test.open()
            try store.make(shards: 3)
            let stream = try store.stream("s")
            for index in 0..<30 { try stream.putBlocking("\(index)".utf8Span.span, partitionKey: "\(index)") }
            if isSwapped { try store.merge(2, 1) } else { try store.merge(1, 2) }
            let shards = try store.shards()
            #expect(shards.map(\.isOpen) == [true, false, false, true])
            #expect(shards[3].parentShardID?.index == (isSwapped ? 2 : 1))
            #expect(shards[3].adjacentParentShardID?.index == (isSwapped ? 1 : 2))
            #expect(shards[3].hashKeyRange.starting == shards[1].hashKeyRange.starting)
            #expect(shards[3].hashKeyRange.ending == shards[2].hashKeyRange.ending)
            for index in 30..<60 { try stream.putBlocking("\(index)".utf8Span.span, partitionKey: "\(index)") }
            store = try Self.reopened(store, test)
            let records = try store.stream("s").readAll()
            #expect(records.count == 60)
            #expect(Set(records.map(\.text)).count == 60)
            try store.closeBlocking()
        }
    }

    @Test func `a split at either end of what is allowed works, and beyond it is refused without a change`() throws {
        let store = try TestStore().open()
        try store.make(shards: 1)
        let last = UInt128.max
        for key in [0, 1, last] as [UInt128] {
            let error = refusal { () throws(KinesisError) in try store.split(0, at: key) }
            #expect(error?.code == "InvalidArgumentException", "\(key)")
            #expect(
                error?.message
                    == "NewStartingHashKey \(key) used in SplitShard() on shard shardId-000000000000 in stream s under account "
                    + "000000000000 is not both greater than one plus the shard's StartingHashKey 0 and less than the shard's "
                    + "EndingHashKey \(last).")
        }
        for text in ["-1", "01", "x", "", "340282366920938463463374607431768211456", String(repeating: "9", count: 40)] {
            let error = refusal { () throws(KinesisError) in
                try store.answer(
                    SplitShardRequest(stream: "s", shardToSplit: "shardId-000000000000", newStartingHashKey: text))
            }
            #expect(["ValidationException", "InvalidArgumentException"].contains(error?.code), "\(text): \(String(describing: error))")
        }
        #expect(try store.shards().count == 1)
        try store.split(0, at: 2)
        #expect(try store.shards().map(\.hashKeyRange.starting.value) == [0, 0, 2])
        // Two places each: not to be split any further.
        #expect(refusal { () throws(KinesisError) in try store.split(1, at: 1) }?.code == "InvalidArgumentException")
        try store.split(2, at: last - 1)
        #expect(refusal { () throws(KinesisError) in try store.split(4, at: last) }?.code == "InvalidArgumentException")
        #expect(try store.shards("s", ShardFilter(.atLatest)).map(\.hashKeyRange.ending.value).sorted() == [1, last - 2, last])
        // The edges of the ring go where they belong.
        for (key, shard) in [("0", 1), ("1", 1), ("2", 3), ("\(last - 2)", 3), ("\(last - 1)", 4), ("\(last)", 4)] {
            let put = try store.answer(PutRecordRequest(stream: "s", data: [], partitionKey: "k", explicitHashKey: key))
            #expect(put.shardID.index == UInt32(shard), "\(key)")
        }
        try store.closeBlocking()
    }

    @Test func `shards that are closed, unknown or no neighbours are refused by name`() throws {
        let store = try TestStore().open()
        try store.make(shards: 4)
        try store.split(0)
        let closed = "Shard shardId-000000000000 in stream s under account 000000000000 has already been merged or split, and thus "
            + "is not eligible for merging or splitting."
        let before = try store.shards()
        for error in [
            refusal { () throws(KinesisError) in try store.split(0) }, refusal { () throws(KinesisError) in try store.merge(0, 1) },
            refusal { () throws(KinesisError) in try store.merge(1, 0) },
        ] { #expect(error == .resourceInUse(closed)) }
        for pair in [(1, 3), (3, 1), (2, 2), (4, 1), (2, 4)] as [(UInt32, UInt32)] {
            let error = refusal { () throws(KinesisError) in try store.merge(pair.0, pair.1) }
            #expect(
                error
                    == .invalidArgument(
                        "Shards \(ShardID(index: pair.0)) and \(ShardID(index: pair.1)) in stream s under account 000000000000 are "
                            + "not an adjacent pair of shards eligible for merging"), "\(pair)")
        }
        for error in [
            refusal { () throws(KinesisError) in try store.split(99) }, refusal { () throws(KinesisError) in try store.merge(99, 1) },
            refusal { () throws(KinesisError) in try store.merge(1, 99) },
        ] {
            #expect(
                error == .resourceNotFound("Could not find shard shardId-000000000099 in stream s under account 000000000000."))
        }
        let strange = refusal { () throws(KinesisError) in
            try store.answer(SplitShardRequest(stream: "s", shardToSplit: "shard-7", newStartingHashKey: "9"))
        }
        #expect(["ResourceNotFoundException", "InvalidArgumentException"].contains(strange?.code))
        #expect(try store.shards() == before)
        try store.closeBlocking()
    }

    @Test func `a stream is scaled to any count from half to double, again and again, and no further`() throws {
        let test = TestStore()
        var store = try test.open()
        try store.make(shards: 3)
        var count = 3
        for (round, target) in [6, 4, 5, 5, 3, 2, 1, 2, 3].enumerated() {
            let stream = try store.stream("s")
            for index in 0..<20 { try stream.putBlocking("\(round) \(index)".utf8Span.span, partitionKey: "\(index)") }
            let response = try store.scale(to: target)
            #expect(response.currentShardCount == count)
            #expect(response.targetShardCount == target)
            #expect(response.streamName.text == "s")
            let open = try store.shards("s", ShardFilter(.atLatest)).map(\.hashKeyRange).sorted { $0.starting < $1.starting }
            #expect(open == (try HashKeyRange.tiling(count: target)))
            #expect(try store.summary().openShardCount == target)
            count = target
            store = try Self.reopened(store, test)
            let records = try store.stream("s").readAll()
            #expect(records.count == (round + 1) * 20)
        }
        for (target, words) in [
            (7, "UpdateShardCount cannot be scaled up over double your current open shard count. Current open shard count: 3 "
                + "Target shard count: 7"),
            (1, "UpdateShardCount cannot be scaled down below half of your current open shard count. Current open shard count: 3 "
                + "Target shard count: 1"),
        ] {
            #expect(refusal { () throws(KinesisError) in try store.scale(to: target) } == .invalidArgument(words))
        }
        for target in [0, -1, 10_001, .max, .min] {
            #expect(refusal { () throws(KinesisError) in try store.scale(to: target) } != nil, "\(target)")
        }
        try store.closeBlocking()
    }

    @Test func `shards of an on-demand stream are not the caller's to change`() throws {
        let store = try TestStore().open()
        try store.make(shards: nil) { $0.streamModeDetails = StreamModeDetails(streamMode: "ON_DEMAND") }
        for error in [
            refusal { () throws(KinesisError) in try store.split(0) }, refusal { () throws(KinesisError) in try store.merge(0, 1) },
            refusal { () throws(KinesisError) in try store.scale(to: 5) },
        ] { #expect(error?.code == "ValidationException") }
        try store.closeBlocking()
    }

    // MARK: Lists

    @Test func `shards come in pages, whose tokens keep the filter, expire and exclude what names the stream`() throws {
        let test = TestStore()
        let store = try test.open()
        let arn = try store.make(shards: 5)
        try store.split(0)
        test.clock.advance(milliseconds: 10_000)
        try store.split(5)
        for filter in [nil, ShardFilter(.atLatest), ShardFilter(.afterShardID, shardID: "shardId-000000000001")] {
            let all = try store.shards("s", filter)
            for size in 1...all.count + 1 {
                var page = try store.answer(ListShardsRequest(stream: "s", maxResults: size, shardFilter: filter))
                var seen = page.shards
                while let token = page.nextToken {
                    #expect(page.shards.count == size)
                    page = try store.answer(ListShardsRequest(nextToken: token, maxResults: size))
                    seen += page.shards
                }
                #expect(seen == all)
            }
        }
        #expect(try store.answer(ListShardsRequest(stream: "s", exclusiveStartShardID: "shardId-000000000003")).shards.count == 5)
        let created = try store.summary().streamCreationMilliseconds
        #expect(try store.answer(ListShardsRequest(stream: "s", streamCreationTimestampMilliseconds: created)).shards.count == 9)
        #expect(
            refusal { () throws(KinesisError) in
                _ = try store.answer(ListShardsRequest(stream: "s", streamCreationTimestampMilliseconds: created - 1000))
            }?.code == "ResourceNotFoundException")
        let token = try #require(try store.answer(ListShardsRequest(stream: "s", maxResults: 2)).nextToken)
        for request in [
            ListShardsRequest(stream: "s", nextToken: token), ListShardsRequest(stream: StreamReference(arn: arn), nextToken: token),
            ListShardsRequest(nextToken: token, exclusiveStartShardID: "shardId-000000000000"),
            ListShardsRequest(nextToken: token, streamCreationTimestampMilliseconds: created),
        ] {
            let error = refusal { () throws(KinesisError) in _ = try store.answer(request) }
            #expect(error?.code == "InvalidArgumentException")
        }
        test.clock.advance(milliseconds: 300_001)
        let late = refusal { () throws(KinesisError) in _ = try store.answer(ListShardsRequest(nextToken: token)) }
        #expect(late?.code == "ExpiredNextTokenException")

        var described: [ShardSummary] = []
        var request = DescribeStreamRequest(stream: "s", limit: 4)
        while true {
            let details = try store.answer(request).streamDetails
            described += details.shards
            if !details.hasMoreShards { break }
            request.exclusiveStartShardID = details.shards.last.map { "\($0.shardID)" }
        }
        #expect(described == (try store.shards()))
        try store.closeBlocking()
    }

    @Test func `DescribeStream shows at most a hundred shards, ListShards at most a thousand`() throws {
        let store = try TestStore().open()
        try store.make(shards: 130)
        let details = try store.answer(DescribeStreamRequest(stream: "s", limit: 10_000)).streamDetails
        #expect(details.shards.count == 100)
        #expect(details.hasMoreShards)
        #expect(try store.answer(ListShardsRequest(stream: "s", maxResults: 10_000)).shards.count == 130)
        try store.closeBlocking()
    }

    @Test func `a closed shard goes from every list once all it may hold is too old, and not a moment before`() throws {
        let test = TestStore()
        let store = try test.open()
        try store.make(shards: 1)
        let stream = try store.stream("s")
        test.clock.advance(milliseconds: 10_000)
        try stream.putBlocking("x".utf8Span.span, partitionKey: "k")
        try store.split(0)
        // The second in which it was closed is kept to its end.
        test.clock.advance(milliseconds: 24 * 3_600_000 + 999)
        #expect(try store.shards().map(\.shardID.index) == [0, 1, 2])
        test.clock.advance(milliseconds: 1)
        #expect(try store.shards().map(\.shardID.index) == [1, 2])
        #expect(try store.answer(DescribeStreamRequest(stream: "s")).streamDetails.shards.count == 2)
        #expect(refusal { () throws(KinesisError) in try store.split(0) }?.code == "ResourceNotFoundException")
        #expect(try store.shards("s", ShardFilter(.atTrimHorizon)).count == 2)
        try store.closeBlocking()
    }

    @Test func `a shard that took a record before the clock was set back is listed as long as the record is kept`() throws {
        let test = TestStore()
        let store = try test.open()
        try store.make(shards: 1)
        let stream = try store.stream("s")
        let start = test.clock.wallNanoseconds()
        test.clock.advance(milliseconds: 3_600_000)
        try stream.putBlocking("late".utf8Span.span, partitionKey: "k")
        test.clock.setWall(nanoseconds: start)
        try store.split(0)
        test.clock.advance(milliseconds: 24 * 3_600_000 + 10_000)
        // 50 minutes of the record's day are left.
        #expect(try stream.readAll().map(\.text) == ["late"])
        #expect(try store.shards().map(\.shardID.index) == [0, 1, 2])
        let number = try store.answer(GetRecordsRequest(shardIterator: store.iterator())).records.map(\.text)
        #expect(number == ["late"])
        try store.closeBlocking()
    }
}
