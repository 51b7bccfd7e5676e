// Aim: the small values hold their bounds and their order, and errors keep AWS's names.
// Method: each bound and one beyond; every case of the error enums by name.

import MillraceModel
import Testing

@Suite struct RetentionPeriodTests {
    @Test func `24 and 8,760 hours are periods, and the default is a day`() throws {
        #expect(try RetentionPeriod(hours: 24) == .default)
        #expect(try RetentionPeriod(hours: 8_760).milliseconds == 365 * 86_400_000)
        #expect(try RetentionPeriod.default < RetentionPeriod(hours: 25))
    }

    @Test(arguments: [Int.min, -1, 0, 1, 23, 8_761, Int.max])
    func `hours outside are an invalid argument`(hours: Int) {
        let error = #expect(throws: KinesisError.self) { try RetentionPeriod(hours: hours) }
        #expect(error?.code == "InvalidArgumentException")
    }
}

@Suite struct ValueTests {
    @Test func `what is durable is written, what is written is published`() {
        #expect(AckLevel.allCases == [.published, .written, .durable])
        #expect(AckLevel.published < .written && AckLevel.written < .durable)
        #expect(AckLevel(rawValue: 0) == nil, "0 is no level, so that zeroed memory is none")
    }

    @Test func `modes have AWS's names`() {
        #expect(StreamMode.allCases.map(\.rawValue) == ["PROVISIONED", "ON_DEMAND"])
        #expect(StreamMode(rawValue: "on_demand") == nil)
    }

    @Test func `starting positions have AWS's names`() {
        let number = SequenceNumber.starting(ShardID(index: 0), creationSecond: 0)
        let positions: [StartingPosition] = [
            .trimHorizon, .latest, .at(number), .after(number), .atTimestamp(milliseconds: 5),
        ]
        #expect(
            positions.map { $0.description.prefix { $0 != " " } } == [
                "TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER", "AT_TIMESTAMP",
            ])
    }

    @Test func `a record's size is its data and the bytes of its key`() throws {
        let record = Record(
            sequenceNumber: .starting(ShardID(index: 0), creationSecond: 0), approximateArrivalMilliseconds: 0,
            partitionKey: try PartitionKey("日本"), data: [1, 2, 3])
        #expect(record.byteCount == 9)
    }
}

@Suite struct KinesisErrorTests {
    @Test(arguments: [
        (KinesisError.resourceNotFound("m"), "ResourceNotFoundException"),
        (.resourceInUse("m"), "ResourceInUseException"),
        (.invalidArgument("m"), "InvalidArgumentException"),
        (.validation("m"), "ValidationException"),
        (.limitExceeded("m"), "LimitExceededException"),
        (.provisionedThroughputExceeded("m"), "ProvisionedThroughputExceededException"),
        (.expiredIterator("m"), "ExpiredIteratorException"),
        (.expiredNextToken("m"), "ExpiredNextTokenException"),
        (.accessDenied("m"), "AccessDeniedException"),
        (.kms(.accessDenied, "m"), "KMSAccessDeniedException"),
        (.kms(.disabled, "m"), "KMSDisabledException"),
        (.kms(.invalidState, "m"), "KMSInvalidStateException"),
        (.kms(.notFound, "m"), "KMSNotFoundException"),
        (.kms(.optInRequired, "m"), "KMSOptInRequired"),
        (.kms(.throttling, "m"), "KMSThrottlingException"),
        (.internalFailure("m"), "InternalFailureException"),
    ])
    func `an error's code is AWS's name and its description is code and message`(error: KinesisError, code: String) {
        #expect(error.code == code)
        #expect(error.description == "\(code): m")
    }

    @Test(arguments: [
        StorageError.storageFull(path: "d"), .trimmed(from: 1, to: 5), .corrupt(file: "f", byteOffset: 9, detail: "d"),
        .locked(byProcess: 7), .locked(byProcess: 0), .newerFormat(file: "f", found: 2, supported: 1),
        .notAStore(path: "d"), .permission(path: "d"), .closed, .frozen("sync"), .io("read f: errno 5"),
    ])
    func `a storage error is the service's own failure to a client`(error: StorageError) {
        #expect(KinesisError.storage(error).code == "InternalFailureException")
        #expect(!error.description.isEmpty)
    }

    @Test func `a busy store is a throttle to a client`() {
        #expect(KinesisError.storage(.wouldBlock).code == "ProvisionedThroughputExceededException")
    }

    @Test func `a storage error says the numbers a person needs`() {
        #expect(StorageError.trimmed(from: 3, to: 8).description == "records 3 up to 8 are gone; the oldest left is 8")
        #expect(
            StorageError.corrupt(file: "a.log", byteOffset: 4_096, detail: "checksum").description
                == "a.log is damaged at byte 4096: checksum")
        #expect(StorageError.locked(byProcess: 7).description == "process 7 has the store open")
    }
}
