#if Tools
    /// What the machine itself can do with the same bytes: nothing built on it can do better.
    struct Floor: Codable, Sendable {
        enum Unit: String, Codable, Sendable {
            /// 10^9 bytes of key and data a second; more is better.
            case gigabytesPerSecond = "GB/s"
            /// Nanoseconds of one operation; less is better.
            case nanoseconds = "ns"
        }
        var kind = "floor"
        let name: String
        let unit: Unit
        let about: String
        /// The median of the repetitions.
        let value: Double
        let min: Double
        let max: Double
        let repetitions: Int

        /// How near a row comes to the floor; 1 is the floor itself.
        func ratio(of row: Row) -> Double? {
            switch unit {
            case .gigabytesPerSecond: row.megabytesPerSecond / 1000 / value
            // One operation of the floor for each call where calls were timed, otherwise for each record.
            case .nanoseconds: row.p50.map { value / $0 } ?? (row.recordsPerSecond * value / 1e9)
            }
        }
    }

    /// The names by which a row says what bounds it.
    enum FloorName {
        static let memcpy = "memcpy"
        static let checksum = "crc32c"
        static let compress = "lz4-compress"
        static let compressStream = "lz4-compress-stream"
        static let decompress = "lz4-decompress"
        static let hash = "md5-keys"
        static let write = "pwrite-64k"
        static let writeBack = "write-back"
        static let mappedRead = "mapped-read"
        static let sync = "pwrite-4k-fdatasync"
        static let randomReads = "two-random-reads"
    }

    /// One floor: how it is measured once.
    struct Probe {
        let name: String
        let unit: Floor.Unit
        let about: String
        let measure: () throws -> Double
    }

    /// Measures every floor `context.repetitions` times, in turns.
    func measureFloors(in context: BenchContext) throws -> [Floor] {
        let memory = try MemoryProbes(context)
        let disk = try DiskProbes(context)
        let probes = memory.probes + disk.probes
        var values = [[Double]](repeating: [], count: probes.count)
        for _ in 0..<context.repetitions {
            for (index, probe) in probes.enumerated() { values[index].append(try probe.measure()) }
        }
        return zip(probes, values).map { probe, values in
            Floor(
                name: probe.name, unit: probe.unit, about: probe.about, value: median(values), min: values.min()!,
                max: values.max()!, repetitions: values.count)
        }
    }
#endif
