import Millrace
import MillraceIO
import MillraceModel
import MillraceTestKit
import MillraceTestSupport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Makes streams and puts records to them, several tasks at once, until the process is killed. What it says:
///
///     R                                    the store is open
///     B <name> <shards>                    this stream will be made
///     N <name>                             it is made
///     A <name> <task> <n> <number>...      records n, n + 1, ... have these sequence numbers, and are written or durable
///     C                                    closed
///     X                                    left without a close
///
/// and what `StreamChanges` says.
enum StreamWriter {
    private static let taskCount: UInt32 = 3

    static func run(at path: String, cycle: UInt32, seed: UInt64, stepCount: UInt32?) async {
        do throws(KinesisError) {
            let store = try StreamStore(
                at: path, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy(),
                configuration: KillTest.configuration(cycle: cycle))
            KillWriter.say("R")
            let failure = await withTaskGroup { group -> KinesisError? in
                for task in 0..<taskCount {
                    group.addTask { () -> KinesisError? in
                        do throws(KinesisError) {
                            try await write(store, task: task, cycle: cycle, seed: seed, stepCount: stepCount)
                            return nil
                        } catch { return error }
                    }
                }
                for await failure in group { if let failure { return failure } }
                return nil
            }
            if let failure { throw failure }
            if seed % 2 == 0 {
                KillWriter.say("X")
                exit(0)
            }
            try await store.close()
            KillWriter.say("C")
        } catch {
            KillWriter.fail("\(error)")
        }
    }

    private static func write(
        _ store: StreamStore, task: UInt32, cycle: UInt32, seed: UInt64, stepCount: UInt32?
    ) async throws(KinesisError) {
        let dice = SeededEntropy(seed: seed ^ UInt64(task) &* 0x9E37_79B9_7F4A_7C15)
        var changes = StreamChanges(store, task: task, cycle: cycle)
        var number: UInt64 = 0
        /// Streams made or tried to be made in this life.
        var made: UInt64 = 0
        var left = stepCount
        while left != 0 {
            left = left.map { $0 - 1 }
            let names = store.listStreams()
            if names.isEmpty || (names.count < 12 + Int(cycle) / 4 && made < 99 && dice.next(below: 12) == 0) {
                // The latest stands last in the order of names. None is used again, not even of a stream that was deleted.
                let name = "s\(10_000_000 + UInt64(cycle) * 1000 + made * 10 + UInt64(task))"
                made += 1
                let shards = dice.next(below: 3) + 1
                KillWriter.say("B \(name) \(shards)")
                do throws(KinesisError) {
                    _ = try await store.createStream(name, shards: shards)
                    KillWriter.say("N \(name)")
                } catch {
                    guard case .resourceInUse = error else { throw error }
                }
                number += 1
                continue
            }
            // The latest ones: the others are quiet.
            let name = names[names.count - 1 - dice.next(below: min(4, names.count))].text
            if dice.next(below: 4) == 0 {
                try await changes.step(name, streamCount: names.count, dice)
                continue
            }
            guard let stream = try find(name, store) else { continue }
            let level: AckLevel = dice.next(below: 2) == 0 ? .written : .durable
            let count = UInt64(dice.next(below: 3) == 0 ? dice.next(below: 30) + 1 : 1)
            var entries: [PutEntry] = []
            for number in number..<number + count {
                let record = KillRecord(number: number, cycle: cycle, place: task, batchCount: 1)
                entries.append(
                    PutEntry(record.data(log: UInt64(task)), partitionKey: String(decoding: record.key, as: UTF8.self)))
            }
            var numbers: [SequenceNumber] = []
            do throws(KinesisError) {
                if count == 1 {
                    let entry = entries[0]
                    numbers = [
                        try await stream.put(entry.data ?? [], partitionKey: entry.partitionKey ?? "", ack: level)
                    ]
                } else {
                    for result in try await stream.putRecords(entries, ack: level) { numbers.append(try result.get()) }
                }
            } catch {
                // Another task deleted the stream: nobody will look for its records.
                guard case .resourceNotFound = error else { throw error }
                number += count
                continue
            }
            KillWriter.say("A \(stream.name) \(task) \(number) " + numbers.map { "\($0)" }.joined(separator: " "))
            number += count
        }
    }

    /// nil when another task deleted it meanwhile.
    private static func find(_ name: String, _ store: StreamStore) throws(KinesisError) -> StoredStream? {
        do throws(KinesisError) { return try store.stream(name) } catch {
            guard case .resourceNotFound = error else { throw error }
            return nil
        }
    }
}
