import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Writes to a store until it is killed, and says on standard output what was acknowledged, each line by one write:
///
///     R                              the logs are recovered; writing begins
///     P <log> <first> <count> <n>    records n... have the ordinals first..., published
///     A <log> <first> <count> <n> <level>   the same have reached the level (2 written, 3 durable)
///     C                              closed: everything is durable; the process ends by itself
///     X                              left without a close; the process ends by itself
///     E <text>                       something failed; the process ends by itself with status 1
///
/// Arguments: `logs`, directory, cycle, seed, and after how many batches for each log to close, or,
/// where the seed is even, to end without that; none: never. With `streams`
/// in place of `logs` see `StreamWriter`.
@main
enum KillWriter {
    static func main() async {
        let arguments = CommandLine.arguments
        guard arguments.count >= 5, let cycle = UInt32(arguments[3]), let seed = UInt64(arguments[4]) else {
            fail("usage: millrace-kill-writer logs|streams DIRECTORY CYCLE SEED [BATCHES]")
        }
        let batches = arguments.count > 5 ? UInt32(arguments[5]) : nil
        if arguments[1] == "streams" {
            await StreamWriter.run(at: arguments[2], cycle: cycle, seed: seed, stepCount: batches)
        } else {
            write(at: arguments[2], cycle: cycle, seed: seed, batches: batches)
        }
    }

    private static func write(at path: String, cycle: UInt32, seed: UInt64, batches: UInt32?) {
        do throws(LogError) {
            let store = try KillTest.open(path, cycle: cycle)
            var logs: [(ShardLog, UInt64)] = []
            for id in KillTest.logIDs {
                let log = try store.createLog(id)
                logs.append((log, try nextNumber(of: log)))
            }
            say("R")
            let threads = logs.map { log, number in
                WorkerThread(name: "writer-\(log.id)") {
                    write(log, from: number, cycle: cycle, seed: seed, batches: batches)
                }
            }
            for thread in threads { thread.join() }
            if seed % 2 == 0 {
                say("X")
                exit(0)
            }
            try store.close()
            say("C")
        } catch {
            fail("\(error)")
        }
    }

    /// One more than the number of the log's last record: read from its last segment that holds any.
    static func nextNumber(of log: ShardLog) throws(LogError) -> UInt64 {
        for segment in log.segments.segments.reversed() {
            var cursor = log.cursor(at: segment.baseOrdinal, level: .published)
            var last: UInt64?
            while true {
                let some: Bool? = try cursor.withBatch { batch throws(LogError) in
                    while let record = batch.next() { last = KillRecord(data: record.data)?.number }
                    return true
                }
                if some == nil { break }
            }
            if let last { return last + 1 }
        }
        return 0
    }

    static func write(_ log: ShardLog, from number: UInt64, cycle: UInt32, seed: UInt64, batches: UInt32?) {
        let dice = SeededEntropy(seed: seed ^ log.id &* 0x9E37_79B9_7F4A_7C15)
        var number = number
        let clock = SystemClock()
        var left = batches
        while left != 0 {
            left = left.map { $0 - 1 }
            let batchCount = dice.next() % 60 == 0 ? dice.next() % 1200 + 1 : dice.next() % 40 + 1
            let level: Level = [.published, .written, .written, .durable][Int(dice.next() % 4)]
            do throws(LogError) {
                let first = number
                let range = try log.append(arrival: UInt64(clock.wallNanoseconds() / 1_000_000)) {
                    sink throws(LogError) in
                    for place in 0..<batchCount {
                        let record = KillRecord(
                            number: first + place, cycle: cycle, place: UInt32(place), batchCount: UInt32(batchCount))
                        let key = record.key
                        let data = record.data(log: log.id)
                        // Safe because the arrays stay in place while their spans are borrowed.
                        try unsafe sink.add(key: key.span.bytes, data: data.span.bytes)
                    }
                }
                number += batchCount
                say("P \(log.id) \(range.lowerBound) \(range.count) \(first)")
                if level > .published {
                    try log.wait(level, below: range.upperBound)
                    say("A \(log.id) \(range.lowerBound) \(range.count) \(first) \(level.rawValue)")
                }
            } catch {
                guard case .wouldBlock = error else { fail("\(error)") }
                log.waitForRoom(nanoseconds: 1_000_000)
            }
            if dice.next() % 2 == 0 { usleep(UInt32(dice.next() % 1500)) }
        }
    }

    /// One line by one write, so that a kill leaves whole lines and those of two threads do not mix.
    static func say(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        if put(bytes) != bytes.count { exit(2) }
    }

    static func fail(_ text: String) -> Never {
        say("E \(text)")
        exit(1)
    }
}

private func put(_ bytes: [UInt8]) -> Int {
    // Safe because the array outlives the call.
    unsafe write(1, bytes, bytes.count)
}
