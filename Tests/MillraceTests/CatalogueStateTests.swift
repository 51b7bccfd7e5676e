import Millrace
import MillraceIO
import MillraceModel
import Testing

/// Aim: a record of the catalogue says the same after it was written and read, at every bound; one that does not fit what was
/// there before it is refused, and leaves everything as it was. Method: records made by hand, whole and with one thing wrong.
@Suite(.timeLimit(.minutes(1))) struct CatalogueStateTests {
    private static let id: UInt64 = .max

    private static func settings(_ change: (inout StreamSettings) -> Void) -> StreamSettings {
        var settings = StreamSettings()
        change(&settings)
        return settings
    }

    private static let fullest = settings {
        $0.mode = .onDemand
        $0.retention = (try? RetentionPeriod(hours: Limits.retentionHours.upperBound)) ?? .default
        $0.horizonFloorMilliseconds = .max
        $0.encryption = .kms
        $0.keyID = String(repeating: "\u{10FFFF}", count: Limits.keyIDCharacterCount.upperBound)
        $0.metrics = Set(ShardLevelMetric.allCases).subtracting([.all])
        for index in 0..<Limits.tagCount {
            let key = "\(index) " + String(repeating: "\u{1F980}", count: Limits.tagKeyCharacterCount.upperBound - 3)
            $0.tags[key] = String(repeating: "\u{1F980}", count: Limits.tagValueCharacterCount.upperBound)
        }
        $0.tags["empty"] = nil
        $0.policy = "{" + String(repeating: " ", count: Limits.policyByteCount - 2) + "}"
        $0.maximumRecordByteCount = Limits.maximumRecordByteCount
        $0.warmThroughputMiBps = Limits.warmThroughputMiBps
        $0.shardCountChanges = (0..<1000).map { UInt64.max - $0 }
        $0.modeChanges = [0, 1, .max]
        $0.isDeleting = true
        $0.keyCompaction = KeyCompaction()
    }

    private static func shard(_ index: UInt32, _ range: HashKeyRange, second: UInt64 = 5, log: UInt64? = nil) -> ShardDescription {
        ShardDescription(
            shardID: ShardID(index: index), logID: log ?? UInt64(index) + 1, hashKeyRange: range, creationSecond: second)
    }

    @Test func `every kind of record comes back as it was, at its bounds too`() throws {
        let longest = try StreamName(String(repeating: "z", count: Limits.nameCharacterCount.upperBound))
        var streams: [StreamDescription] = []
        for (name, second, count) in [
            (try StreamName("."), 0, 1), (longest, SequenceNumber.maximumSecond, Limits.shardCount.upperBound),
        ] as [(StreamName, UInt64, Int)] {
            for level in AckLevel.allCases {
                streams.append(
                    StreamDescription(
                        name: name, streamID: Self.id, creationSecond: second, ackLevel: level,
                        shards: try HashKeyRange.tiling(count: count).enumerated().map {
                            Self.shard(UInt32($0), $1, second: second, log: .max - UInt64($0))
                        }))
            }
        }
        streams[0].settings = Self.fullest
        var consumer = ConsumerState(name: longest.text, creationSecond: SequenceNumber.maximumSecond)
        (consumer.tags, consumer.policy) = (Self.fullest.tags, Self.fullest.policy)
        var account = AccountState(tokenSecret: TokenSecret(drawnFrom: SeededEntropy(seed: 3)))
        account.billingCommitment.isEnabled = true
        account.billingCommitment.startSecond = SequenceNumber.maximumSecond
        account.billingCommitment.endSecond = SequenceNumber.maximumSecond
        account.agingMilliseconds = SequenceNumber.maximumSecond * 1000 + 999
        var child = Self.shard(.max - 1, .whole, second: SequenceNumber.maximumSecond, log: .max)
        (child.parent, child.adjacentParent) = (ShardID(index: 0), ShardID(index: .max - 2))
        let greatest = ShardClosing(second: SequenceNumber.maximumSecond, endOrdinal: SequenceNumber.maximumOrdinal)
        let records =
            streams.map { CatalogueRecord.streamCreated($0) } + [
                .settingsChanged(streamID: 0, StreamSettings()), .settingsChanged(streamID: Self.id, Self.fullest),
                .resharded(streamID: Self.id, Reshard(children: [], closings: [:])),
                .resharded(
                    streamID: Self.id,
                    Reshard(
                        children: [child],
                        closings: [
                            ShardID(index: .max): greatest, ShardID(index: 0): ShardClosing(second: 0, endOrdinal: 0),
                        ])),
                .streamDeleted(streamID: 0), .consumerSet(streamID: Self.id, consumer),
                .consumerSet(streamID: Self.id, ConsumerState(name: "c", creationSecond: 0)),
                .consumerRemoved(streamID: Self.id, name: longest.text), .accountChanged(account),
                .accountChanged(AccountState(tokenSecret: account.tokenSecret)),
                .shardsExpired(streamID: Self.id, []), .shardsExpired(streamID: 0, (UInt32.max - 65_536 ..< .max).map { ShardID(index: $0) }),
                .peaksKept(streamID: Self.id, PeakHistory()),
                .peaksKept(
                    streamID: 0, PeakHistory(newestDay: 1 << 40, peaks: Array(repeating: 1 << 40, count: PeakHistory.dayCount))),
            ]
        for record in records {
            let bytes = record.bytes
            #expect(try CatalogueRecord(bytes) == record)
            // Any cut is refused or is another record; it never ends the process.
            for count in [0, 1, 7, 8, 9, bytes.count / 2, bytes.count - 1] {
                #expect((try? CatalogueRecord(Array(bytes.prefix(count)))) != record)
            }
        }
    }

    @Test func `each setting by itself comes back, and the others keep their defaults`() throws {
        let fullest = Self.fullest
        let each: [(inout StreamSettings) -> Void] = [
            { $0.mode = fullest.mode }, { $0.retention = fullest.retention }, { $0.horizonFloorMilliseconds = 1 },
            { $0.encryption = .kms }, { $0.keyID = "k" }, { $0.metrics = [.iteratorAgeMilliseconds] },
            { $0.metrics = [.incomingBytes] }, { $0.tags = ["": ""] }, { $0.tags = ["a": "", "b": "\u{0}"] },
            { $0.policy = "{}" }, { $0.maximumRecordByteCount += 1 << 10 }, { $0.warmThroughputMiBps = 1 },
            { $0.shardCountChanges = [0] }, { $0.modeChanges = [7, 7] },
            { $0.isDeleting = true }, { $0.keyCompaction = KeyCompaction() },
        ]
        for change in each {
            let settings = Self.settings(change)
            #expect(settings != StreamSettings())
            let record = CatalogueRecord.settingsChanged(streamID: 9, settings)
            #expect(try CatalogueRecord(record.bytes) == record)
        }
    }

    // MARK: What does not fit

    private static func two() throws -> StreamDescription { try ReshardPlanTests.stream(HashKeyRange.tiling(count: 2)) }

    /// A split of shard 1 that fits.
    private static func split(_ stream: StreamDescription) throws -> Reshard {
        let range = stream.shards[1].hashKeyRange
        let middle = HashKey(range.starting.value + 1000)
        var children = [
            Self.shard(2, try HashKeyRange(starting: range.starting, ending: HashKey(middle.value - 1)), second: .max >> 30),
            Self.shard(3, try HashKeyRange(starting: middle, ending: range.ending), second: .max >> 30),
        ]
        for index in children.indices { children[index].parent = ShardID(index: 1) }
        return Reshard(children: children, closings: [ShardID(index: 1): ShardClosing(second: .max >> 31, endOrdinal: 5)])
    }

    @Test func `a reshard with one thing wrong is refused and changes nothing`() throws {
        let stream = try Self.two()
        let right = try Self.split(stream)
        var known = CatalogueState()
        try known.apply(.streamCreated(stream))
        var good = known
        try good.apply(.resharded(streamID: stream.streamID, right))
        #expect(good.streams[stream.streamID]?.openShards.count == 3)

        let wrong: [(String, (inout Reshard) -> Void)] = [
            ("a child's index leaves one out", { $0.children[1].shardID = ShardID(index: 4) }),
            ("a child's index is an old shard's", { $0.children[0].shardID = ShardID(index: 1) }),
            ("children in the wrong order", { $0.children.reverse() }),
            ("a child without a parent", { $0.children[0].parent = nil }),
            ("a parent that is none", { $0.children[0].parent = ShardID(index: 9) }),
            ("a parent that is not closed", { $0.children[0].parent = ShardID(index: 0) }),
            ("its own parent", { $0.children[0].parent = ShardID(index: 2) }),
            ("an adjacent parent that is not closed", { $0.children[0].adjacentParent = ShardID(index: 0) }),
            ("a child as old as its parent", { $0.children[0].creationSecond = stream.creationSecond }),
            ("a child missing", { $0.children.removeLast() }),
            ("no child", { $0.children = [] }),
            ("nothing closed", { $0.closings = [:] }),
            ("a shard closed that is not there", { $0.closings[ShardID(index: 9)] = ShardClosing(second: 9, endOrdinal: 0) }),
            ("another closed too", { $0.closings[ShardID(index: 0)] = ShardClosing(second: 9, endOrdinal: 0) }),
            ("a child closed too", { $0.closings[ShardID(index: 2)] = ShardClosing(second: 9, endOrdinal: 0) }),
            ("a hole in the ring", { $0.children[0].hashKeyRange = $0.children[1].hashKeyRange }),
            ("the ring twice", { $0.children[0].hashKeyRange = .whole }),
        ]
        for (what, change) in wrong {
            var reshard = right
            change(&reshard)
            var state = known
            #expect(throws: CatalogueState.Misfit.self, "\(what)") {
                try state.apply(.resharded(streamID: stream.streamID, reshard))
            }
            #expect(state == known, "\(what)")
        }
        var again = good
        #expect(throws: CatalogueState.Misfit.self) { try again.apply(.resharded(streamID: stream.streamID, right)) }
        #expect(again == good)
    }

    @Test func `shards that are open, not there or the newest do not expire, and closed ones do, with nothing else`() throws {
        let stream = try Self.two()
        var known = CatalogueState()
        try known.apply(.streamCreated(stream))
        try known.apply(.resharded(streamID: stream.streamID, try Self.split(stream)))
        for wrong in [[0], [2], [3], [1, 3], [1, 2], [9], [0, 1]] as [[UInt32]] {
            var state = known
            #expect(throws: CatalogueState.Misfit.self, "\(wrong)") {
                try state.apply(.shardsExpired(streamID: stream.streamID, wrong.map { ShardID(index: $0) }))
            }
            #expect(state == known, "\(wrong)")
        }
        try known.apply(.shardsExpired(streamID: stream.streamID, [ShardID(index: 1)]))
        let left = try #require(known.streams[stream.streamID])
        #expect(left.shards.map(\.shardID.index) == [0, 2, 3])
        #expect(left.shards.last?.parent == ShardID(index: 1))
        #expect(throws: CatalogueState.Misfit.self) {
            try known.apply(.shardsExpired(streamID: stream.streamID, [ShardID(index: 1)]))
        }
    }

    @Test func `changes of what is not there, or is there already, are refused and change nothing`() throws {
        let stream = try Self.two()
        var known = CatalogueState()
        try known.apply(.streamCreated(stream))
        try known.apply(.consumerSet(streamID: stream.streamID, ConsumerState(name: "c", creationSecond: 1)))
        var sameName = stream
        sameName.streamID += 1
        var sameID = stream
        sameID.name = try StreamName("other")
        let other = stream.streamID + 1
        let wrong: [CatalogueRecord] = [
            .streamCreated(stream), .streamCreated(sameName), .streamCreated(sameID), .streamDeleted(streamID: other),
            .settingsChanged(streamID: other, StreamSettings()), .consumerRemoved(streamID: other, name: "c"),
            .consumerRemoved(streamID: stream.streamID, name: "d"),
            .consumerSet(streamID: other, ConsumerState(name: "c", creationSecond: 1)),
            .resharded(streamID: other, try Self.split(stream)),
        ]
        for record in wrong {
            var state = known
            #expect(throws: CatalogueState.Misfit.self) { try state.apply(record) }
            #expect(state == known)
        }
        // Deleted, the name and everything of it is free again.
        try known.apply(.streamDeleted(streamID: stream.streamID))
        #expect(known.names.isEmpty)
        try known.apply(.streamCreated(sameName))
        #expect(known.stream(stream.name)?.consumers.isEmpty == true)
    }

    @Test func `consumers stand in order of their names, and a name stands once`() throws {
        let stream = try Self.two()
        var known = CatalogueState()
        try known.apply(.streamCreated(stream))
        for (index, name) in ["m", "z", "a", "m", "b", "Z", "a"].enumerated() {
            try known.apply(.consumerSet(streamID: stream.streamID, ConsumerState(name: name, creationSecond: UInt64(index))))
        }
        let consumers = try #require(known.streams[stream.streamID]).consumers
        #expect(consumers.map(\.name) == ["Z", "a", "b", "m", "z"])
        #expect(consumers.map(\.creationSecond) == [5, 6, 4, 3, 1])
    }
}
