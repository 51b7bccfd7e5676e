import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import Testing

/// Aim: records are put and got through the operations as the service has it, at every bound. Method: a disk in memory and time
/// by hand; what is put is compared with what is got, iterator by iterator.
@Suite(.timeLimit(.minutes(1))) struct RecordOperationsTests {
    /// Everything from an iterator on, page by page, until an empty page or the shard's end.
    private static func drain(_ store: StreamStore, _ iterator: String, limit: Int = 10_000) throws -> ([Record], GetRecordsResponse) {
        var records: [Record] = []
        var page = try store.answer(GetRecordsRequest(shardIterator: iterator, limit: limit))
        while true {
            records += page.records
            guard let next = page.nextShardIterator, !page.records.isEmpty else { return (records, page) }
            page = try store.answer(GetRecordsRequest(shardIterator: next, limit: limit))
        }
    }

    @Test func `what is put is got from every iterator that its type says, in a later opening too`() throws {
        let test = TestStore()
        var store = try test.open()
        try store.make()
        var puts: [PutRecordResponse] = []
        for index in 0..<10 {
            puts.append(try store.answer(PutRecordRequest(stream: "s", data: Array("\(index)".utf8), partitionKey: "k\(index)")))
            test.clock.advance(milliseconds: 1000)
        }
        let start = Int64(TestStore().clock.wallNanoseconds() / 1_000_000)
        for isLater in [false, true, true] {
            if isLater {
                try store.closeBlocking()
                store = try test.open()
            }
            func texts(_ type: ShardIteratorType, number: SequenceNumber? = nil, time: Int64? = nil) throws -> [String] {
                try Self.drain(store, store.iterator(0, type, number: number, time: time), limit: 3).0.map(\.text)
            }
            let all = (0..<10).map(String.init)
            #expect(try texts(.trimHorizon) == all)
            #expect(try texts(.latest).isEmpty)
            for index in 0..<10 {
                #expect(try texts(.atSequenceNumber, number: puts[index].sequenceNumber) == Array(all[index...]))
                #expect(try texts(.afterSequenceNumber, number: puts[index].sequenceNumber) == Array(all[(index + 1)...]))
                #expect(try texts(.atTimestamp, time: start + Int64(index) * 1000) == Array(all[index...]))
                #expect(try texts(.atTimestamp, time: start + Int64(index) * 1000 + 1) == Array(all[(index + 1)...]))
            }
            #expect(try texts(.atTimestamp, time: 0) == all)
            #expect(try texts(.atTimestamp, time: start - 1) == all)
            let shard = try store.shards()[0]
            #expect(try texts(.atSequenceNumber, number: shard.startingSequenceNumber) == all)
            let records = try Self.drain(store, store.iterator()).0
            #expect(records.map(\.sequenceNumber) == puts.map(\.sequenceNumber))
            #expect(records.map(\.approximateArrivalMilliseconds) == (0..<10).map { start + $0 * 1000 })
            #expect(records.map(\.partitionKey.text) == (0..<10).map { "k\($0)" })
        }
        let later = refusal { () throws(KinesisError) in
            _ = try store.iterator(0, .atTimestamp, time: test.clock.wallNanoseconds() / 1_000_000 + 1)
        }
        #expect(later?.code == "InvalidArgumentException")
        _ = try store.iterator(0, .atTimestamp, time: test.clock.wallNanoseconds() / 1_000_000)
        try store.closeBlocking()
    }

    @Test func `a page says how far it is behind, and holds no more than was asked for`() throws {
        let test = TestStore()
        let store = try test.open()
        try store.make()
        for index in 0..<5 {
            _ = try store.answer(PutRecordRequest(stream: "s", data: [UInt8(index)], partitionKey: "k"))
            test.clock.advance(milliseconds: 100)
        }
        var iterator = try store.iterator()
        for behind in [400, 300, 200, 100, 0, 0] as [Int64] {
            let page = try store.answer(GetRecordsRequest(shardIterator: iterator, limit: 1))
            #expect(page.millisBehindLatest == behind)
            #expect(page.records.count <= 1)
            iterator = try #require(page.nextShardIterator)
        }
        try store.closeBlocking()
    }

    @Test func `an answer has at most 10 MiB, or one record`() throws {
        let store = try TestStore().open()
        try store.make { $0.maxRecordSizeInKiB = 10_240 }
        let megabyte = [UInt8](repeating: 1, count: (1 << 20) - 1)
        for _ in 0..<12 { _ = try store.answer(PutRecordRequest(stream: "s", data: megabyte, partitionKey: "k")) }
        let greatest = [UInt8](repeating: 2, count: (10 << 20) - 1)
        _ = try store.answer(PutRecordRequest(stream: "s", data: greatest, partitionKey: "k"))
        _ = try store.answer(PutRecordRequest(stream: "s", data: [3], partitionKey: "k"))
        var counts: [Int] = []
        var iterator: String? = try store.iterator()
        while counts.last != 0, let at = iterator {
            let page = try store.answer(GetRecordsRequest(shardIterator: at))
            counts.append(page.records.count)
            iterator = page.nextShardIterator
        }
        #expect(counts == [10, 2, 1, 1, 0])
        try store.closeBlocking()
    }

    @Test func `a record is as large as the stream lets it be, and not a byte larger`() async throws {
        let store = try TestStore().open()
        let arn = try store.make(shards: 2)
        let stream = try store.stream("s")
        for kibibytes in [1024, 2048, 10_240] {
            try store.answer(UpdateMaxRecordSizeRequest(streamARN: arn, maxRecordSizeInKiB: kibibytes))
            let data = [UInt8](repeating: 7, count: kibibytes << 10)
            for key in ["k", "\u{1F980}\u{1F980}"] {
                let fits = Array(data.dropLast(key.utf8.count))
                let put = try store.answer(PutRecordRequest(stream: "s", data: fits, partitionKey: key))
                let got = try store.answer(
                    GetRecordsRequest(shardIterator: store.iterator(put.shardID.index, .atSequenceNumber, number: put.sequenceNumber)))
                #expect(got.records.first?.data == fits)
                try await stream.put(fits, partitionKey: key)
                try stream.putBlocking(fits.span, partitionKey: key)
                #expect(try store.answer(PutRecordsRequest(stream: "s", records: [PutEntry(fits, partitionKey: key)])).failedRecordCount == 0)
                let exceeds = fits + [0]
                let refusals = [
                    refusal { () throws(KinesisError) in
                        _ = try store.answer(PutRecordRequest(stream: "s", data: exceeds, partitionKey: key))
                    },
                    refusal { () throws(KinesisError) in _ = try stream.putBlocking(exceeds.span, partitionKey: key) },
                    refusal { () throws(KinesisError) in
                        _ = try store.answer(PutRecordsRequest(stream: "s", records: [PutEntry(exceeds, partitionKey: key)]))
                    },
                ]
                for (way, error) in refusals.enumerated() {
                    #expect(
                        ["ValidationException", "InvalidArgumentException"].contains(error?.code),
                        "\(kibibytes) KiB, way \(way): \(String(describing: error))")
                }
            }
        }
        try store.answer(UpdateMaxRecordSizeRequest(streamARN: arn, maxRecordSizeInKiB: 1024))
        #expect(
            refusal { () throws(KinesisError) in
                _ = try stream.putBlocking([UInt8](repeating: 1, count: 1 << 20).span, partitionKey: "k")
            }?.code == "ValidationException")
        try store.closeBlocking()
    }

    @Test func `PutRecords with one record too large for the stream is refused as a whole, and puts none`() async throws {
        let store = try TestStore().open()
        try store.make(shards: 2)
        let stream = try store.stream("s")
        let entries = [
            PutEntry("small", partitionKey: "a"), PutEntry([UInt8](repeating: 0, count: 1 << 20), partitionKey: "b"),
        ]
        let error = refusal { () throws(KinesisError) in
            _ = try store.answer(PutRecordsRequest(stream: "s", records: entries))
        }
        #expect(error?.code == "ValidationException", "\(String(describing: error))")
        do throws(KinesisError) {
            _ = try await stream.putRecords(entries)
            Issue.record("taken")
        } catch { #expect(error.code == "ValidationException") }
        do throws(KinesisError) {
            _ = try await store.putRecords(PutRecordsRequest(stream: "s", records: entries), ack: nil)
            Issue.record("taken")
        } catch { #expect(error.code == "ValidationException") }
        #expect(try stream.readAll().isEmpty)
        try store.closeBlocking()
    }

    @Test func `PutRecords answers each record in its place, and refuses what is no batch`() throws {
        let store = try TestStore().open()
        try store.make(shards: 4)
        let entries = (0..<500).map { PutEntry("\($0)", partitionKey: "\($0)") }
        let response = try store.answer(PutRecordsRequest(stream: "s", records: entries))
        #expect(response.failedRecordCount == 0)
        #expect(response.records.count == 500)
        #expect(response.encryptionType == .unencrypted)
        let byNumber = Dictionary(uniqueKeysWithValues: try store.stream("s").readAll().map { ($0.sequenceNumber, $0) })
        #expect(byNumber.count == 500)
        for (index, result) in response.records.enumerated() {
            guard case .success(let shardID, let number) = result else {
                Issue.record("\(index): \(result)")
                continue
            }
            #expect(number.shardID == shardID)
            #expect(byNumber[number]?.text == "\(index)")
        }
        for records in [nil, [], entries + [entries[0]]] {
            let error = refusal { () throws(KinesisError) in _ = try store.answer(PutRecordsRequest(stream: "s", records: records)) }
            #expect(error?.code == "ValidationException")
        }
        for entry in [
            PutEntry(data: nil, partitionKey: "k"), PutEntry(data: [], partitionKey: nil), PutEntry(data: [], partitionKey: ""),
            PutEntry(data: [], partitionKey: "k", explicitHashKey: "01"),
            PutEntry(data: [], partitionKey: "k", explicitHashKey: "340282366920938463463374607431768211456"),
            PutEntry(data: [], partitionKey: String(repeating: "k", count: 257)),
        ] {
            let error = refusal { () throws(KinesisError) in
                _ = try store.answer(PutRecordsRequest(stream: "s", records: [entries[0], entry]))
            }
            #expect(["ValidationException", "InvalidArgumentException"].contains(error?.code), "\(entry)")
        }
        let half = [UInt8](repeating: 0, count: (1 << 20) - 2)
        let full = (0..<10).map { _ in PutEntry(half, partitionKey: "kk") }
        #expect(try store.answer(PutRecordsRequest(stream: "s", records: full)).failedRecordCount == 0)
        let over = refusal { () throws(KinesisError) in
            _ = try store.answer(PutRecordsRequest(stream: "s", records: full + [PutEntry("", partitionKey: "k")]))
        }
        #expect(over?.code == "InvalidArgumentException", "\(String(describing: over))")
        #expect(try store.stream("s").readAll().count == 510)
        try store.closeBlocking()
    }

    @Test func `explicit hash keys at both ends of the ring go to the first and the last shard`() throws {
        let store = try TestStore().open()
        try store.make(shards: 3)
        let last = "\(UInt128.max)"
        for (key, shard) in [("0", 0), (last, 2)] {
            let put = try store.answer(PutRecordRequest(stream: "s", data: [], partitionKey: "k", explicitHashKey: key))
            #expect(put.shardID.index == UInt32(shard))
            let batch = try store.answer(
                PutRecordsRequest(stream: "s", records: [PutEntry(data: [], partitionKey: "k", explicitHashKey: key)]))
            guard case .success(let id, _) = batch.records[0] else {
                Issue.record("\(batch)")
                continue
            }
            #expect(id.index == UInt32(shard))
        }
        for key in ["340282366920938463463374607431768211456", "999999999999999999999999999999999999999", "00", "-1", "", "a"] {
            let error = refusal { () throws(KinesisError) in
                _ = try store.answer(PutRecordRequest(stream: "s", data: [], partitionKey: "k", explicitHashKey: key))
            }
            #expect(["ValidationException", "InvalidArgumentException"].contains(error?.code), "\(key): \(String(describing: error))")
        }
        try store.closeBlocking()
    }

    @Test func `a number for ordering must be one of the stream's, also of a shard that was closed since`() throws {
        let test = TestStore()
        let store = try test.open()
        try store.make()
        test.clock.advance(milliseconds: 5000)
        try store.make("other", shards: 1)
        let first = try store.answer(PutRecordRequest(stream: "s", data: [1], partitionKey: "k")).sequenceNumber
        let foreign = try store.answer(PutRecordRequest(stream: "other", data: [1], partitionKey: "k")).sequenceNumber
        func put(_ number: String) throws(KinesisError) -> SequenceNumber {
            try store.answer(
                PutRecordRequest(stream: "s", data: [2], partitionKey: "k", sequenceNumberForOrdering: number)
            ).sequenceNumber
        }
        let second = try put("\(first)")
        #expect(second > first)
        try store.split(0)
        #expect(try put("\(second)") > second)
        for number in ["\(foreign)", "0", "1", "x", "", String(repeating: "9", count: 129)] {
            let error = refusal { () throws(KinesisError) in _ = try put(number) }
            #expect(
                ["ValidationException", "InvalidArgumentException"].contains(error?.code), "\(number): \(String(describing: error))")
        }
        try store.closeBlocking()
    }

    // MARK: Iterators

    @Test func `an iterator that is none, or too old, or of another stream is refused by its type`() throws {
        let test = TestStore()
        let store = try test.open()
        try store.make()
        let other = try store.make("other")
        let iterator = try store.iterator()
        for text in ["x", String(repeating: "A", count: 75), iterator + "A", String(iterator.dropLast()), String(repeating: "a", count: 512)] {
            let error = refusal { () throws(KinesisError) in _ = try store.answer(GetRecordsRequest(shardIterator: text)) }
            #expect(error?.code == "InvalidArgumentException", "\(text)")
        }
        for text in [nil, "", String(repeating: "a", count: 513)] {
            let error = refusal { () throws(KinesisError) in _ = try store.answer(GetRecordsRequest(shardIterator: text)) }
            #expect(error?.code == "ValidationException")
        }
        _ = try store.answer(GetRecordsRequest(shardIterator: "\"\(iterator)\""))
        for limit in [0, 10_001] {
            let error = refusal { () throws(KinesisError) in
                _ = try store.answer(GetRecordsRequest(shardIterator: iterator, limit: limit))
            }
            #expect(error?.code == "ValidationException")
        }
        let foreign = refusal { () throws(KinesisError) in
            _ = try store.answer(GetRecordsRequest(shardIterator: iterator, streamARN: other))
        }
        #expect(foreign?.code == "InvalidArgumentException")
        test.clock.advance(milliseconds: 300_000)
        _ = try store.answer(GetRecordsRequest(shardIterator: iterator))
        test.clock.advance(milliseconds: 1)
        let late = refusal { () throws(KinesisError) in _ = try store.answer(GetRecordsRequest(shardIterator: iterator)) }
        #expect(late?.code == "ExpiredIteratorException")
        try store.closeBlocking()
    }

    @Test func `an iterator is refused for numbers and shards that are not the stream's`() throws {
        let test = TestStore()
        let store = try test.open()
        try store.make(shards: 2)
        test.clock.advance(milliseconds: 2000)
        try store.make("other", shards: 1)
        let foreign = try store.answer(PutRecordRequest(stream: "other", data: [], partitionKey: "k")).sequenceNumber
        let here = try store.answer(PutRecordRequest(stream: "s", data: [], partitionKey: "k", explicitHashKey: "0")).sequenceNumber
        for type in [ShardIteratorType.atSequenceNumber, .afterSequenceNumber] {
            for (number, shard) in [(foreign, 0), (here, 1)] as [(SequenceNumber, UInt32)] {
                let error = refusal { () throws(KinesisError) in _ = try store.iterator(shard, type, number: number) }
                #expect(error?.code == "InvalidArgumentException")
            }
            let none = refusal { () throws(KinesisError) in _ = try store.iterator(0, type) }
            #expect(["ValidationException", "InvalidArgumentException"].contains(none?.code))
        }
        #expect(refusal { () throws(KinesisError) in _ = try store.iterator(0, .atTimestamp) } != nil)
        #expect(refusal { () throws(KinesisError) in _ = try store.iterator(2) }?.code == "ResourceNotFoundException")
        try store.closeBlocking()
    }

    // MARK: The end of a shard

    @Test(arguments: [false, true]) func `at the end of a closed shard the children are named and the iterator ends`(isLater: Bool) throws {
        let test = TestStore()
        var store = try test.open()
        try store.make()
        for index in 0..<5 { _ = try store.answer(PutRecordRequest(stream: "s", data: Array("\(index)".utf8), partitionKey: "k")) }
        let atTip = try store.iterator(0, .latest)
        let tip = try store.answer(GetRecordsRequest(shardIterator: atTip))
        #expect(tip.nextShardIterator != nil)
        #expect(tip.childShards.isEmpty)
        if isLater {
            // Nothing was put in this opening, so that the shard ends in another generation than its last record.
            try store.closeBlocking()
            store = try test.open()
        }
        try store.split(0)
        for round in 0..<3 {
            if round > 0, isLater {
                try store.closeBlocking()
                store = try test.open()
            }
            let shards = try store.shards()
            let children = shards[1...].map {
                ChildShard(shardID: $0.shardID, parentShards: [ShardID(index: 0)], hashKeyRange: $0.hashKeyRange)
            }
            let (records, last) = try Self.drain(store, store.iterator(), limit: 2)
            #expect(records.map(\.text) == (0..<5).map(String.init))
            #expect(last.nextShardIterator == nil)
            #expect(last.childShards == children)
            #expect(last.millisBehindLatest == 0)
            // The last page has records and the end in one.
            let whole = try store.answer(GetRecordsRequest(shardIterator: store.iterator()))
            #expect(whole.records.count == 5)
            #expect(whole.nextShardIterator == nil)
            #expect(whole.childShards == children)
            let exact = try store.answer(GetRecordsRequest(shardIterator: store.iterator(), limit: 5))
            #expect(exact.nextShardIterator == nil)
            let ending = try #require(shards[0].endingSequenceNumber)
            let ends = [
                try store.iterator(0, .latest), try store.iterator(0, .afterSequenceNumber, number: records[4].sequenceNumber),
                try store.iterator(0, .atSequenceNumber, number: ending), try store.iterator(0, .afterSequenceNumber, number: ending),
                try store.iterator(0, .atTimestamp, time: test.clock.wallNanoseconds() / 1_000_000), atTip,
            ]
            for (index, iterator) in ends.enumerated() {
                let page = try store.answer(GetRecordsRequest(shardIterator: iterator))
                if index == 4, !page.records.isEmpty { continue }
                #expect(page.records.isEmpty, "\(index)")
                #expect(page.nextShardIterator == nil, "\(index)")
                #expect(page.childShards == children, "\(index)")
            }
        }
        try store.closeBlocking()
    }

    @Test func `a merge's child is named by both parents, each naming both`() throws {
        let store = try TestStore().open()
        try store.make(shards: 2)
        try store.merge(1, 0)
        for index in [0, 1] as [UInt32] {
            let page = try store.answer(GetRecordsRequest(shardIterator: store.iterator(index)))
            #expect(page.nextShardIterator == nil)
            #expect(page.childShards == [
                ChildShard(shardID: ShardID(index: 2), parentShards: [ShardID(index: 1), ShardID(index: 0)], hashKeyRange: .whole)
            ])
        }
        try store.closeBlocking()
    }

    @Test func `a number that no record has yet is refused, or stands for the place behind the last`() throws {
        let store = try TestStore().open()
        try store.make()
        let first = try store.answer(PutRecordRequest(stream: "s", data: [1], partitionKey: "k")).sequenceNumber
        let ahead = SequenceNumber(
            shardCreationSecond: first.shardCreationSecond, shardID: first.shardID, ordinal: first.ordinal + 1000,
            recordSecond: first.recordSecond)
        for type in [ShardIteratorType.atSequenceNumber, .afterSequenceNumber] {
            let iterator: String
            do throws(KinesisError) { iterator = try store.iterator(0, type, number: ahead) } catch {
                #expect(error.code == "InvalidArgumentException")
                continue
            }
            _ = try store.answer(PutRecordRequest(stream: "s", data: [2], partitionKey: "k"))
            // Whoever is let in there must not miss what comes.
            #expect(try store.answer(GetRecordsRequest(shardIterator: iterator)).records.count >= 1, "\(type)")
        }
        try store.closeBlocking()
    }
}
