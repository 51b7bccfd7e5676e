#if Tools
    import Foundation
    import MillraceIO
    import MillraceLog

    /// One store with one log (number 1) for a scenario, at a directory of its own.
    final class MeasuredLog: Sendable {
        let path: String
        let store: LogStore
        let log: ShardLog
        let configuration: LogConfiguration
        let clock = SystemClock()

        init(
            _ path: String, create: Bool = true, isCompressing: Bool = true,
            _ change: (inout LogConfiguration) -> Void = { _ in }
        ) throws {
            var configuration = LogConfiguration()
            configuration.isCompressing = isCompressing
            change(&configuration)
            self.path = path
            self.configuration = configuration
            store = try LogStore(
                at: path, create: create, io: PosixIO(), clock: clock, entropy: SystemEntropy(),
                configuration: configuration)
            log = create ? try store.createLog(1) : try store.log(1)
        }

        /// Milliseconds since 1970, by the coarse clock.
        @inline(__always)
        var now: UInt64 { UInt64(clock.wallNanoseconds() / 1_000_000) }

        /// Appends `count` records from the `start`th on as one batch; waits for room when there is none.
        @inline(__always)
        func append(_ set: RecordSet, from start: Int, count: Int, arrival: UInt64? = nil, isLed: Bool = false) throws(LogError) -> Range<UInt64> {
            while true {
                do throws(LogError) {
                    return try log.append(arrival: arrival ?? now, isLed: isLed) { sink throws(LogError) in
                        var at = start % set.count
                        for _ in 0..<count {
                            try sink.add(key: set.key(at), data: set.data(at))
                            at += 1
                            if at == set.count { at = 0 }
                        }
                    }
                } catch {
                    guard case .wouldBlock = error else { throw error }
                    log.waitForRoom(nanoseconds: 10_000_000)
                }
            }
        }

        /// Appends one record; waits for room when there is none.
        @inline(__always)
        func append(_ set: RecordSet, at index: Int, isLed: Bool = false) throws(LogError) -> UInt64 {
            while true {
                do throws(LogError) {
                    if isLed { return try log.append(key: set.key(index), data: set.data(index), arrival: now, isLed: true) }
                    return try log.append(key: set.key(index), data: set.data(index), arrival: now)
                } catch {
                    guard case .wouldBlock = error else { throw error }
                    log.waitForRoom(nanoseconds: 10_000_000)
                }
            }
        }

        /// Appends `count` records in batches; nothing is waited for but room.
        /// - Parameter isSpread: each batch arrives a millisecond after the one before, however fast it is written.
        func fill(_ set: RecordSet, count: Int, batch: Int = 500, isSpread: Bool = false) throws {
            var at = 0
            let begin = now
            while at < count {
                _ = try append(set, from: at, count: min(batch, count - at), arrival: isSpread ? begin + UInt64(at / batch) : nil)
                at += batch
            }
        }

        /// Closes the store, opens it again, reads everything, and removes it. What was found.
        func readBack() throws -> RecordDigest {
            try store.close()
            defer { removeTree(path) }
            return try MeasuredLog.digest(of: path, configuration)
        }

        static func digest(of path: String, _ configuration: LogConfiguration) throws -> RecordDigest {
            let again = try MeasuredLog(path, create: false) { $0 = configuration }
            let digest = try again.log.digest(level: .durable)
            try again.store.close()
            return digest
        }
    }

    extension ShardLog {
        /// Reads everything that is left in front of the level; the number of the first record, nil when there is none.
        func remaining(level: Level) throws(LogError) -> (first: UInt64?, digest: RecordDigest) {
            var first: UInt64?
            var digest = RecordDigest()
            var cursor = cursor(at: 0, level: level)
            while true {
                let some: Bool? = try cursor.withBatch { batch throws(LogError) in
                    while let record = batch.next() {
                        first = first ?? record.ordinal
                        digest.add(key: record.key, data: record.data)
                    }
                    return true
                }
                if some == nil { return (first, digest) }
            }
        }

        /// Reads everything visible at the level.
        func digest(level: Level) throws(LogError) -> RecordDigest {
            var digest = RecordDigest()
            var cursor = cursor(at: 0, level: level)
            while true {
                let some: Bool? = try cursor.withBatch { batch throws(LogError) in
                    while let record = batch.next() { digest.add(key: record.key, data: record.data) }
                    return true
                }
                if some == nil { return digest }
            }
        }

        /// Reads what is visible at the level, up to `limit` records or a few more, and looks at each one's lengths and first
        /// byte: how many there were.
        func touchAll(level: Level, limit: Int = .max, sum: inout Int) throws(LogError) -> Int {
            var count = 0
            var cursor = cursor(at: 0, level: level)
            while true {
                let some: Bool? = try cursor.withBatch { batch throws(LogError) in
                    count += batch.count
                    while let record = batch.next() {
                        sum &+= record.data.byteCount &+ record.key.byteCount
                        // Safe because a record of these sets has data.
                        sum &+= Int(unsafe record.data.unsafeLoad(fromByteOffset: 0, as: UInt8.self))
                    }
                    return true
                }
                if some == nil || count >= limit { return count }
            }
        }

        /// Blocks of all segments: how many, their bytes on disk, and where each begins, as record counts.
        func blocks() throws -> StoredBlocks {
            var stored = StoredBlocks()
            for segment in segments.segments {
                let (open, content) = try segment.use()
                for index in 0..<content.index.count {
                    let entry = content.index[index]
                    // Offsets of FORMAT section 5.
                    let at = entry.byteOffset
                    let directory = Int(open.memory.load(UInt32.self, at: at + 40))
                    let payload = Int(open.memory.load(UInt32.self, at: at + 48))
                    let extensions = Int(open.memory.load(UInt8.self, at: at + 61))
                    // As many as there are records, where key compaction has removed none.
                    stored.recordCounts.append(entry.ordinalCount)
                    stored.byteCount += (64 + 8 * extensions + directory + payload + 7) / 8 * 8
                    stored.directoryByteCount += directory
                    if open.memory.load(UInt8.self, at: at + 60) == 1 { stored.rawCount += 1 }
                }
            }
            return stored
        }
    }

    /// The bytes that this process has caused to be sent to a device so far (proc(5), `io`); 0 where that is not known.
    func deviceByteCount() -> Int {
        guard let text = try? String(contentsOfFile: "/proc/self/io", encoding: .utf8) else { return 0 }
        let line = text.split(separator: "\n").first { $0.hasPrefix("write_bytes:") }
        return line.flatMap { Int($0.dropFirst(13)) } ?? 0
    }

    struct StoredBlocks {
        var recordCounts: [Int] = []
        var byteCount = 0
        var directoryByteCount = 0
        /// Blocks that are stored as they are.
        var rawCount = 0
    }

    /// What LZ4 makes of a set's records on one core, in blocks as the engine cuts them: measured beside a scenario,
    /// because the floors of the whole run are those of the flights.
    struct LZ4Floor {
        let compressBytesPerSecond: Double
        let decompressBytesPerSecond: Double
        let storedBytesPerByte: Double

        init(_ set: RecordSet, limit: Int = 72 * 1024) throws {
            let blocks = try PayloadBlocks(set, count: min(set.count, set.count(ofBytes: 32 << 20)), limit: limit)
            let encoder = LZ4Probe(stream: false)
            let target = try Region(byteCount: blocks.byteCount + blocks.byteCount / 128 + 64 * blocks.count)
            let greatest = (0..<blocks.count).map { blocks.block($0).byteCount }.max() ?? 0
            let back = try Region(byteCount: greatest + (1 << 16))
            // As long as a rate needs: some 100 MB.
            let rounds = max(1, (96 << 20) / blocks.byteCount)
            var ends: [Int] = []
            let packing = try seconds {
                for _ in 0..<rounds {
                    ends.removeAll(keepingCapacity: true)
                    var end = 0
                    for index in 0..<blocks.count {
                        let room = target.memory.slice(end, target.byteCount - end)
                        end += try encoder.encode(blocks.block(index), into: room)
                        ends.append(end)
                    }
                }
            }
            let unpacking = try seconds {
                for _ in 0..<rounds {
                    var start = 0
                    for (index, end) in ends.enumerated() {
                        let count = LZ4.decode(
                            target.memory.slice(start, end - start),
                            into: back.memory.slice(0, blocks.block(index).byteCount))
                        guard count == blocks.block(index).byteCount else {
                            throw BenchError("LZ4 gave back other bytes")
                        }
                        start = end
                    }
                }
            }
            let total = Double(blocks.byteCount * rounds)
            compressBytesPerSecond = total / packing
            decompressBytesPerSecond = total / unpacking
            storedBytesPerByte = Double(ends.last ?? 0) / Double(blocks.byteCount)
        }
    }

    /// The same of LZ4's high compression at the engine's level: what cold records are compressed with.
    struct LZ4HighFloor {
        let compressBytesPerSecond: Double
        let storedBytesPerByte: Double

        init(_ set: RecordSet, limit: Int = 72 * 1024) throws {
            let blocks = try PayloadBlocks(set, count: min(set.count, set.count(ofBytes: 32 << 20)), limit: limit)
            var encoder = LZ4Encoder()
            let target = try Region(byteCount: limit + limit / 128 + (1 << 16))
            var stored = 0
            let spent = try seconds {
                for index in 0..<blocks.count {
                    guard let count = encoder.encodeHigh(blocks.block(index), into: target.memory) else {
                        throw BenchError("LZ4 had no room")
                    }
                    stored += count
                }
            }
            compressBytesPerSecond = Double(blocks.byteCount) / spent
            storedBytesPerByte = Double(stored) / Double(blocks.byteCount)
        }
    }
#endif
