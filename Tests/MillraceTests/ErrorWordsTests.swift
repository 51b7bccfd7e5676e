import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import Testing

/// Aim: every error of the engine reaches the user under the name that documents it, with its place and numbers. Method: a table.
@Suite struct ErrorWordsTests {
    private static func io(_ operation: IOError.Operation, _ number: Int32, _ name: String = "f", detail: String = "") -> LogError {
        .io(IOError(operation, name: name, errorNumber: number, detail: detail))
    }

    private static let table: [(LogError, StorageError)] = [
        (io(.write, 5), .io("write of f: error number 5")),
        (io(.sync, 5, ""), .io("sync: error number 5")),
        (io(.read, 0, detail: "a short read"), .io("read of f: a short read")),
        (io(.openFile, 13), .permission(path: "/p")), (io(.openFile, 1), .permission(path: "/p")),
        (io(.createFile, 30), .permission(path: "/p")), (io(.permissions, 0), .permission(path: "/p")),
        (io(.allocate, 28), .storageFull(path: "/p")), (io(.allocate, 122), .storageFull(path: "/p")),
        (.wouldBlock(unwrittenByteCount: 1, limitByteCount: 2), .wouldBlock),
        (.storageFull(neededByteCount: 1, availableByteCount: 0), .storageFull(path: "/p")),
        (.gap(Gap(.trimmed, from: 3, to: 9)), .trimmed(from: 3, to: 9)),
        (
            .gap(Gap(.corrupt(file: "s", byteOffset: 12_288), from: 3, to: 9)),
            .corrupt(file: "s", byteOffset: 12_288, detail: "records 3 up to 9 cannot be read")
        ),
        (.frozen(cause: IOError(.sync, name: "s", errorNumber: 5)), .frozen("sync of s: error number 5")),
        (.closed, .closed), (.ended, .closed), (.removed, .closed),
        (.locked(processID: "4711"), .locked(byProcess: 4711)), (.locked(processID: ""), .locked(byProcess: 0)),
        (.notAStore(detail: "x"), .notAStore(path: "/p")),
        (
            .newerFormat(file: "store", leastReaderVersion: 3, unknownFeatures: 0),
            .newerFormat(file: "store", found: 3, supported: 1)
        ),
        (
            .newerFormat(file: "store", leastReaderVersion: 1, unknownFeatures: 4),
            .newerFormat(file: "store", found: 2, supported: 1)
        ),
        (.corrupt(file: "s", byteOffset: 7, detail: "d"), .corrupt(file: "s", byteOffset: 7, detail: "d")),
        (.unknownLog(7), .corrupt(file: "logs/7", byteOffset: 0, detail: "a shard's directory is missing below /p")),
        (
            .tooManyHeldViews(heldByteCount: 5, limitByteCount: 4),
            .io("records lent out hold 5 of 4 bytes of memory for reading; let some go")
        ),
        (.timedOut, .io("a wait was given up; whether the record is kept is not known yet")),
    ]

    @Test func `an error of the engine has one name for the user, and keeps its place and numbers`() {
        for (error, expected) in Self.table {
            #expect(KinesisError(error, path: "/p") == .storage(expected), "\(error)")
        }
    }

    @Test func `a record that is too large is the caller's fault and says by how much`() {
        for (error, count, limit) in [
            (LogError.recordTooLarge(byteCount: 2_000_000, limitByteCount: 1_048_576), "2000000", "1048576"),
            (.keyTooLong(byteCount: 70_000), "70000", "\(Limits.partitionKeyByteCount)"),
        ] {
            guard case .validation(let words) = KinesisError(error, path: "/p") else {
                Issue.record("\(error)")
                continue
            }
            #expect(words.contains(count) && words.contains(limit), "\(words)")
        }
    }

    @Test func `what is printed says the value`() throws {
        #expect("\(StorageError.wouldBlock)" == "all memory for unwritten records is in use")
        #expect("\(try PartitionKey("customer-1"))" == "customer-1")
        #expect("\(try RetentionPeriod(hours: 48))" == "48 h")
    }

    @Test func `numbers of one shard are ordered by ordinal, then by second, whichever word of the integer differs`() {
        let shard = ShardID(index: 3)
        func number(_ ordinal: UInt64, _ second: UInt64) -> SequenceNumber {
            SequenceNumber(shardCreationSecond: 1_700_000_000, shardID: shard, ordinal: ordinal, recordSecond: second)
        }
        // The ordinal's high bits, its low bits, the second's high bits, the second's low bits.
        let rising = [
            number(1, 1), number(1, 2), number(1, 1 << 35), number(2, 0), number(1 << 40, 0), number(1 << 50, 0),
            number(1 << 50 | 1, 0),
        ]
        for (index, left) in rising.enumerated() {
            for (other, right) in rising.enumerated() { #expect((left < right) == (index < other), "\(index) \(other)") }
        }
    }
}
