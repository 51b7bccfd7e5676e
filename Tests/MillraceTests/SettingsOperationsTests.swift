import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import Testing

/// Aim: what may be changed of a stream while it lives is changed, shown, and there in a later opening; what may not is refused.
/// Method: every operation on a disk in memory.
@Suite(.timeLimit(.minutes(1))) struct SettingsOperationsTests {
    private static func reopened(_ store: StreamStore, _ test: TestStore, _ name: String = "s") throws -> StreamStore {
        let before = try store.summary(name)
        try store.closeBlocking()
        let again = try test.open()
        #expect(try again.summary(name) == before)
        return again
    }

    @Test func `retention grows and shrinks in its bounds, each by its own operation`() throws {
        let test = TestStore()
        var store = try test.open()
        try store.make()
        func increase(_ hours: Int) throws(KinesisError) {
            try store.answer(IncreaseStreamRetentionPeriodRequest(stream: "s", retentionPeriodHours: hours))
        }
        func decrease(_ hours: Int) throws(KinesisError) {
            try store.answer(DecreaseStreamRetentionPeriodRequest(stream: "s", retentionPeriodHours: hours))
        }
        for hours in [25, 8760] {
            try increase(hours)
            #expect(try store.summary().retentionPeriod.hours == hours)
            store = try Self.reopened(store, test)
        }
        for hours in [8759, 24] {
            try decrease(hours)
            #expect(try store.summary().retentionPeriod.hours == hours)
            store = try Self.reopened(store, test)
        }
        // An equal period changes nothing, either way.
        try increase(24)
        try decrease(24)
        for hours in [23, 0, -1, .min, 8761, .max] {
            for error in [refusal { () throws(KinesisError) in try increase(hours) }, refusal { () throws(KinesisError) in try decrease(hours) }] {
                #expect(error?.code == "InvalidArgumentException", "\(hours)")
            }
        }
        #expect(
            refusal { () throws(KinesisError) in try increase(8761) }?.message
                == "Maximum allowed retention period is 8760 hours. Requested retention period (8761 hours) is too long.")
        try increase(48)
        #expect(
            refusal { () throws(KinesisError) in try increase(47) }
                == .invalidArgument(
                    "Requested retention period (47 hours) for stream s can not be shorter than existing retention period (48 hours). "
                        + "Use DecreaseRetentionPeriod API."))
        #expect(
            refusal { () throws(KinesisError) in try decrease(49) }
                == .invalidArgument(
                    "Requested retention period (49 hours) for stream s can not be longer than existing retention period (48 hours). "
                        + "Use IncreaseRetentionPeriod API."))
        let none = refusal { () throws(KinesisError) in
            try store.answer(IncreaseStreamRetentionPeriodRequest(stream: "s", retentionPeriodHours: nil))
        }
        #expect(none?.code == "ValidationException")
        #expect(try store.summary().retentionPeriod.hours == 48)
        try store.closeBlocking()
    }

    @Test func `encryption is started and stopped, shown on the stream and on what is put`() throws {
        let test = TestStore()
        var store = try test.open()
        try store.make()
        func put() throws -> [EncryptionType?] {
            [
                try store.answer(PutRecordRequest(stream: "s", data: [], partitionKey: "k")).encryptionType,
                try store.answer(PutRecordsRequest(stream: "s", records: [PutEntry("", partitionKey: "k")])).encryptionType,
            ]
        }
        #expect(try put() == [.unencrypted, .unencrypted])
        try store.answer(StartStreamEncryptionRequest(stream: "s", keyID: "alias/aws/kinesis"))
        store = try Self.reopened(store, test)
        #expect(try store.summary().encryptionType == .kms)
        #expect(try store.summary().keyID == "alias/aws/kinesis")
        #expect(try store.answer(DescribeStreamRequest(stream: "s")).streamDetails.keyID == "alias/aws/kinesis")
        #expect(try put() == [.kms, .kms])
        for type in ["NONE", "AES", nil] {
            for error in [
                refusal { () throws(KinesisError) in
                    try store.answer(StartStreamEncryptionRequest(stream: "s", encryptionType: type, keyID: "k"))
                },
                refusal { () throws(KinesisError) in
                    try store.answer(StopStreamEncryptionRequest(stream: "s", encryptionType: type, keyID: "k"))
                },
            ] { #expect(["ValidationException", "InvalidArgumentException"].contains(error?.code), "\(String(describing: type))") }
        }
        for keyID in [nil, "", String(repeating: "k", count: 2049)] {
            let error = refusal { () throws(KinesisError) in
                try store.answer(StartStreamEncryptionRequest(stream: "s", keyID: keyID))
            }
            #expect(error?.code == "ValidationException")
        }
        try store.answer(StopStreamEncryptionRequest(stream: "s", keyID: "alias/aws/kinesis"))
        store = try Self.reopened(store, test)
        #expect(try store.summary().encryptionType == .unencrypted)
        #expect(try store.summary().keyID == nil)
        #expect(try put() == [.unencrypted, .unencrypted])
        try store.closeBlocking()
    }

    @Test func `metrics are added and taken away, each answer with those before and after`() throws {
        let test = TestStore()
        var store = try test.open()
        try store.make()
        let all = Set(ShardLevelMetric.allCases).subtracting([.all])
        var known: Set<ShardLevelMetric> = []
        let steps: [(Bool, [ShardLevelMetric])] = [
            (true, [.incomingBytes]), (true, [.incomingBytes, .outgoingRecords]), (false, [.incomingRecords]), (true, [.all]),
            (false, [.incomingBytes, .iteratorAgeMilliseconds]), (false, [.all]), (true, [.incomingRecords, .all]),
        ]
        for (isAdded, metrics) in steps {
            let names = metrics.map(\.rawValue)
            let response =
                isAdded
                ? try store.answer(EnableEnhancedMonitoringRequest(stream: "s", shardLevelMetrics: names))
                : try store.answer(DisableEnhancedMonitoringRequest(stream: "s", shardLevelMetrics: names))
            #expect(Set(response.currentShardLevelMetrics) == known)
            let named = metrics.contains(.all) ? all : Set(metrics)
            known = isAdded ? known.union(named) : known.subtracting(named)
            #expect(Set(response.desiredShardLevelMetrics) == known)
            store = try Self.reopened(store, test)
            #expect(Set(try store.summary().shardLevelMetrics) == known)
        }
        for names in [nil, [], ["X"], ["ALL", "incomingBytes"]] {
            let error = refusal { () throws(KinesisError) in
                _ = try store.answer(EnableEnhancedMonitoringRequest(stream: "s", shardLevelMetrics: names))
            }
            #expect(error?.code == "ValidationException", "\(String(describing: names))")
        }
        try store.closeBlocking()
    }

    @Test func `a stream changes its mode and keeps its shards, and warm throughput is for on-demand streams`() throws {
        let test = TestStore()
        var store = try test.open()
        let arn = try store.make(shards: 3)
        func mode(_ mode: String?, warm: Int? = nil) throws(KinesisError) {
            try store.answer(
                UpdateStreamModeRequest(
                    streamARN: arn, streamModeDetails: mode.map { StreamModeDetails(streamMode: $0) }, warmThroughputMiBps: warm))
        }
        try mode("ON_DEMAND")
        store = try Self.reopened(store, test)
        #expect(try store.summary().streamMode == .onDemand)
        #expect(try store.summary().openShardCount == 3)
        #expect(refusal { () throws(KinesisError) in try store.split(0) }?.code == "ValidationException")
        func warm(_ target: Int?) throws(KinesisError) -> UpdateStreamWarmThroughputResponse {
            try store.answer(UpdateStreamWarmThroughputRequest(stream: "s", warmThroughputMiBps: target))
        }
        // Only with the account's commitment.
        #expect(refusal { () throws(KinesisError) in _ = try warm(100) }?.code == "ValidationException")
        _ = try store.answer(
            UpdateAccountSettingsRequest(minimumThroughputBillingCommitment: BillingCommitmentChange(status: "ENABLED")))
        let response = try warm(100)
        #expect(response.warmThroughput.targetMiBps == 100)
        store = try Self.reopened(store, test)
        #expect(try store.summary().warmThroughput?.targetMiBps == 100)
        #expect(refusal { () throws(KinesisError) in _ = try warm(Limits.warmThroughputMiBps + 1) }?.code == "LimitExceededException")
        #expect(refusal { () throws(KinesisError) in _ = try warm(-1) }?.code == "ValidationException")
        #expect(refusal { () throws(KinesisError) in _ = try warm(nil) }?.code == "ValidationException")
        #expect(refusal { () throws(KinesisError) in try mode("PROVISIONED", warm: 5) }?.code == "ValidationException")
        #expect(refusal { () throws(KinesisError) in try mode("X") }?.code == "ValidationException")
        #expect(refusal { () throws(KinesisError) in try mode(nil) }?.code == "ValidationException")
        try mode("PROVISIONED")
        store = try Self.reopened(store, test)
        #expect(try store.summary().streamMode == .provisioned)
        #expect(try store.summary().warmThroughput == nil)
        #expect(refusal { () throws(KinesisError) in _ = try warm(5) }?.code == "ValidationException")
        try store.split(0)
        try store.closeBlocking()
    }

    @Test func `the greatest record size is kept, in its bounds`() throws {
        let test = TestStore()
        var store = try test.open()
        let arn = try store.make()
        for kibibytes in [10_240, 1024, 2000] {
            try store.answer(UpdateMaxRecordSizeRequest(streamARN: arn, maxRecordSizeInKiB: kibibytes))
            store = try Self.reopened(store, test)
            #expect(try store.summary().maxRecordSizeInKiB == kibibytes)
        }
        for kibibytes in [nil, 0, 1023, 10_241, .max] {
            let error = refusal { () throws(KinesisError) in
                try store.answer(UpdateMaxRecordSizeRequest(streamARN: arn, maxRecordSizeInKiB: kibibytes))
            }
            #expect(error?.code == "ValidationException")
        }
        #expect(try store.summary().maxRecordSizeInKiB == 2000)
        try store.closeBlocking()
    }

    @Test func `the account's commitment is enabled and disabled, with its times, and there later`() throws {
        let test = TestStore()
        var store = try test.open()
        func show() throws -> BillingCommitment? {
            try store.answer(DescribeAccountSettingsRequest()).minimumThroughputBillingCommitment
        }
        func set(_ status: String?) throws(KinesisError) -> BillingCommitment? {
            try store.answer(
                UpdateAccountSettingsRequest(minimumThroughputBillingCommitment: status.map { BillingCommitmentChange(status: $0) })
            ).minimumThroughputBillingCommitment
        }
        #expect(try show()?.status == .disabled)
        #expect(try show()?.startedAtMilliseconds == nil)
        let start = test.clock.wallNanoseconds() / 1_000_000_000 * 1000
        #expect(try set("ENABLED")?.status == .enabled)
        test.clock.advance(milliseconds: 60_000)
        // Again: it began when it began.
        #expect(try set("ENABLED")?.startedAtMilliseconds == start)
        try store.closeBlocking()
        store = try test.open()
        #expect(try show()?.status == .enabled)
        #expect(try show()?.startedAtMilliseconds == start)
        let ended = try set("DISABLED")
        #expect(ended?.status == .disabled)
        #expect(ended?.endedAtMilliseconds == start + 60_000)
        let iterator: String
        try store.make()
        iterator = try store.iterator()
        try store.closeBlocking()
        store = try test.open()
        #expect(try show() == ended)
        // The secret of tokens is the account's too: it is the same after any change.
        _ = try store.answer(GetRecordsRequest(shardIterator: iterator))
        for status in ["X", nil] {
            #expect(refusal { () throws(KinesisError) in _ = try set(status) }?.code == "ValidationException")
        }
        try store.closeBlocking()
    }

    @Test func `many changes at once are all made, one after the other`() async throws {
        let test = TestStore()
        var store = try test.open()
        let arn = try store.make(shards: 1)
        let shared = store
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<40 {
                group.addTask { try await shared.addTagsToStream(AddTagsToStreamRequest(stream: "s", tags: ["t\(index)": "\(index)"])) }
            }
            for index in 0..<15 {
                group.addTask {
                    _ = try await shared.registerStreamConsumer(
                        RegisterStreamConsumerRequest(streamARN: arn, consumerName: "c\(index)"))
                }
            }
            for index in 0..<6 { group.addTask { try await shared.createStream(CreateStreamRequest(streamName: "n\(index)", shardCount: 2)) } }
            try await group.waitForAll()
        }
        store = try Self.reopened(store, test)
        #expect(try store.answer(ListTagsForStreamRequest(stream: "s")).tags.count == 40)
        #expect(try store.summary().consumerCount == 15)
        #expect(store.listStreams().count == 7)
        try store.closeBlocking()
    }
}
