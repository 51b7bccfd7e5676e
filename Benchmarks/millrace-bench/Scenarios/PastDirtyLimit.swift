#if Tools
    import MillraceIO
    import MillraceLog
    import Synchronization

    #if canImport(Glibc)
        import Glibc
    #else
        import Darwin
    #endif

    /// More than memory can hold back: what goes in must go out to the device, for as long as it runs.
    struct PastDirtyLimit: Scenario {
        let name = "past-dirty-limit"
        let about =
            "written, raw: ten minutes of batches of 500 with the newest 4 GB kept and their files used again, beside a bare writer (--seconds N, --size MB kept)"
        let isLong = true

        func run(in context: BenchContext) async throws -> [Row] {
            let set = RecordSet.made(recordByteCount: 100, keyByteCount: 10)
            let length = UInt64(context.seconds ?? (context.quick ? 5 : 600)) * 1_000_000_000
            // A tenth of it for the bare writer, half before and half after.
            let before = try BareWriter("\(context.directory)/bare").run(nanoseconds: length / 20)
            var row = try measure(set, keptByteCount: context.size ?? 4_000_000_000, length, context)
            let after = try BareWriter("\(context.directory)/bare").run(nanoseconds: length / 20)
            // What the bare writer puts down is blocks; a record is a little less.
            row.bounded(
                by: "bare writes of 1 MiB over files that are there, and their syncs",
                bytesPerSecond: (before + after) / 2 / (row.storedBytesPerByte ?? 1))
            return [row]
        }

        private func measure(_ set: RecordSet, keptByteCount: Int, _ length: UInt64, _ context: BenchContext) throws -> Row {
            let measured = try MeasuredLog("\(context.directory)/past-dirty-limit", isCompressing: false)
            let sweeper = Sweeper(measured.log, keptByteCount: keptByteCount)
            var latency = Latency(), ends: [UInt64] = [], samples: [Double] = []
            var count = 0, sampled = 0, firstOrdinal: UInt64?
            let deviceBytes = deviceByteCount(), processor = processorNanoseconds(), start = nanoseconds()
            var before = start
            while before &- start < length {
                let range = try measured.append(set, from: count, count: 500)
                firstOrdinal = firstOrdinal ?? range.lowerBound
                count += 500
                ends.append(range.upperBound)
                if ends.count == 64 {
                    try measured.log.wait(.written, below: ends[0])
                    ends.removeFirst()
                }
                let now = nanoseconds()
                latency.record(now &- before)
                before = now
                if (now &- start) / 1_000_000_000 > samples.count {
                    samples.append(Double(count - sampled))
                    sampled = count
                }
            }
            // What is not on the device yet is not done.
            try measured.log.wait(.durable, below: measured.log.tip(.published))
            let spent = Double(nanoseconds() &- start) / 1e9
            let processorSeconds = Double(processorNanoseconds() - processor) / 1e9
            try sweeper.stop()
            var row = Row(engine: "millrace log", scenario: name, ack: "written", codec: "raw", batch: 500)
            row.detail = "\(set.name), \(keptByteCount / 1_000_000_000) GB kept"
            let payload = set.byteCount(count: count)
            row.measured(records: count, payloadBytes: payload, seconds: spent, processorSeconds: processorSeconds)
            latency.fill(&row)
            row.samples = samples
            row.sampleSeconds = 1
            row.writtenBytesPerByte = Double(deviceByteCount() - deviceBytes) / Double(payload)
            let blocks = try measured.log.blocks(), left = blocks.recordCounts.reduce(0, +)
            row.storedBytesPerByte = Double(blocks.byteCount) / Double(set.byteCount(from: (count - left) % set.count, count: left))
            row.note = "\(sweeper.summary); the slowest second \(decimal((samples.min() ?? 0) / 1e6, 2)) M records"
            try measured.store.close()
            defer { removeTree(measured.path) }
            let again = try MeasuredLog(measured.path, create: false) { $0 = measured.configuration }
            let (first, digest) = try again.log.remaining(level: .durable)
            if let first, let firstOrdinal {
                let index = Int(first - firstOrdinal)
                row.verified = index + digest.count == count && digest == set.digest(from: index, count: digest.count)
            }
            try again.store.close()
            return row
        }

        /// Lets a log forget all but its newest bytes, twenty times a second.
        private final class Sweeper: Sendable {
            private let isOver = Atomic<Bool>(false)
            private let removed = Atomic<Int>(0), recycled = Atomic<Int>(0)
            private let failure = Guarded<LogError?>(nil)
            private let thread = Guarded<WorkerThread?>(nil)

            init(_ log: ShardLog, keptByteCount: Int) {
                thread.withLock { thread in
                    thread = WorkerThread(name: "bench-sweep") { [self] in
                        var limits = RetentionLimits()
                        limits.keptByteCount = keptByteCount
                        while !isOver.load(ordering: .relaxed) {
                            do throws(LogError) {
                                let outcome = try log.sweep(limits)
                                removed.add(outcome.removedSegmentCount, ordering: .relaxed)
                                recycled.add(outcome.recycledSegmentCount, ordering: .relaxed)
                            } catch { return failure.withLock { $0 = error } }
                            usleep(50_000)
                        }
                    }
                }
            }

            func stop() throws {
                isOver.store(true, ordering: .relaxed)
                thread.withLock { $0?.join() }
                if let error = failure.withLock({ $0 }) { throw error }
            }
            var summary: String {
                "\(removed.load(ordering: .relaxed)) segments went, \(recycled.load(ordering: .relaxed)) of their files were used again"
            }
        }
    }

    /// 1 MiB at a time over files of a gigabyte in all, while another thread syncs them; at most 64 MiB are ahead of the syncs.
    private final class BareWriter: Sendable {
        private static let fileByteCount = 64 << 20, fileCount = 16, aheadByteCount = 64 << 20
        private let io: PosixIO
        private let path: String
        private let files: [FileHandle]
        private let written = Atomic<Int>(0), synced = Atomic<Int>(0)
        private let isOver = Atomic<Bool>(false)
        private let failure = Guarded<IOError?>(nil)

        init(_ path: String) throws {
            let io = PosixIO(), directory = try io.openDirectory(at: path, create: true)
            defer { io.close(directory) }
            var files: [FileHandle] = []
            for number in 0..<Self.fileCount {
                let file = try io.createFile("\(number)", in: directory)
                try io.writeZeros(file, 0..<Self.fileByteCount)
                try io.sync(file)
                files.append(file)
            }
            self.io = io
            self.path = path
            self.files = files
        }
        deinit {
            for file in files { io.close(file) }
            removeTree(path)
        }

        /// Bytes a second, the last sync included.
        func run(nanoseconds length: UInt64) throws -> Double {
            let source = AlignedMemory(byteCount: 1 << 20)
            for at in stride(from: 0, to: source.memory.byteCount, by: 8) { source.memory.store(UInt64(at) &* 0x9E37_79B9_7F4A_7C15, at: at) }
            let syncer = WorkerThread(name: "bench-sync") { [self] in
                do throws(IOError) {
                    while true {
                        let end = written.load(ordering: .acquiring), begin = synced.load(ordering: .relaxed)
                        if end == begin {
                            if isOver.load(ordering: .acquiring), written.load(ordering: .acquiring) == begin { return }
                            usleep(100)
                            continue
                        }
                        for number in begin / Self.fileByteCount...(end - 1) / Self.fileByteCount { try io.sync(files[number % Self.fileCount]) }
                        synced.store(end, ordering: .releasing)
                    }
                } catch { failure.withLock { $0 = error } }
            }
            let start = nanoseconds()
            var at = 0
            while nanoseconds() &- start < length, failure.withLock({ $0 }) == nil {
                guard at - synced.load(ordering: .acquiring) < Self.aheadByteCount else {
                    usleep(100)
                    continue
                }
                let file = files[at / Self.fileByteCount % Self.fileCount]
                try io.write(file, at: at % Self.fileByteCount, [source.memory])
                at += source.memory.byteCount
                written.store(at, ordering: .releasing)
            }
            isOver.store(true, ordering: .releasing)
            syncer.join()
            if let error = failure.withLock({ $0 }) { throw error }
            return Double(at) / (Double(nanoseconds() &- start) / 1e9)
        }
    }
#endif
