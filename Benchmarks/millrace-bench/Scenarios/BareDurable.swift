#if Tools
    import MillraceIO
    import MillraceLog
    import Synchronization

    #if canImport(Glibc)
        import Glibc
    #else
        import Darwin
    #endif

    /// What durable records beside bulk can hope for: 4 KiB written and synced at a fixed rate, beside another thread that writes and syncs
    /// as many bytes a second as the engine's neighbour brought to the device. No engine.
    struct BareDurable {
        private static let fileByteCount = 64 << 20, syncedByteCount = 8 << 20
        let scenario: String
        let detail: String

        func measure(callsPerSecond: Double, seconds: Int, besideBytesPerSecond: Double, _ context: BenchContext) throws -> Row {
            let probe = try SyncProbe("\(context.directory)/bare-durable"), isOver = Atomic<Bool>(false)
            let written = Atomic<Int>(0), failure = Guarded<IOError?>(nil)
            let path = "\(context.directory)/bare-bulk", io = PosixIO()
            let directory = try io.openDirectory(at: path, create: true)
            let file = try io.createFile("bulk", in: directory)
            defer {
                io.close(file)
                io.close(directory)
                removeTree(path)
            }
            try io.writeZeros(file, 0..<Self.fileByteCount)
            try io.sync(file)
            let bulk = WorkerThread(name: "bench-bulk") {
                let source = AlignedMemory(byteCount: 1 << 20), start = nanoseconds()
                var at = 0
                do throws(IOError) {
                    while !isOver.load(ordering: .relaxed) {
                        if Double(at) > Double(nanoseconds() &- start) / 1e9 * besideBytesPerSecond {
                            usleep(500)
                            continue
                        }
                        try io.write(file, at: at % Self.fileByteCount, [source.memory])
                        at += source.memory.byteCount
                        if at % Self.syncedByteCount == 0 { try io.sync(file) }
                        written.store(at, ordering: .relaxed)
                    }
                } catch { failure.withLock { $0 = error } }
            }
            let warmUp = Int(callsPerSecond), count = warmUp + seconds * Int(callsPerSecond)
            var latency = Latency(), pacer = Pacer(callsPerSecond: callsPerSecond)
            let start = nanoseconds()
            for index in 0..<count {
                let due = pacer.next()
                try probe.run(byteCount: 4096)
                if index >= warmUp { latency.record(nanoseconds() &- due) }
            }
            let spent = Double(nanoseconds() &- start) / 1e9
            isOver.store(true, ordering: .relaxed)
            bulk.join()
            if let error = failure.withLock({ $0 }) { throw error }
            var row = Row(engine: "bare writer", scenario: scenario, ack: "durable (each)", codec: "raw", batch: 1)
            row.detail = detail
            row.measured(records: count, payloadBytes: count * 4096, seconds: spent)
            latency.fill(&row)
            row.floorName = FloorName.sync
            row.note = "the other thread wrote \(figure(Double(written.load(ordering: .relaxed)) / spent / 1e6)) MB/s"
            row.verified = try probe.holds(byteCount: 4096, calls: count)
            return row
        }
    }
#endif
