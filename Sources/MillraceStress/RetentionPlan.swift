#if Tools
    import MillraceLog
    import MillraceTestKit

    /// What one retention run does, and the sizes of its stores: small segments, so that they come and go all the time. A value.
    struct RetentionPlan: Sendable {
        var seed: UInt64
        var seconds: Double
        /// Bytes of records a second: half of them into the logs, half into the streams.
        var bytesPerSecond: Double
        /// How long the logs keep records.
        var logMilliseconds: UInt64 = 4_000
        /// How long the streams' 24 hours last on the clock on the wall.
        var daySeconds: Double = 10

        static let logCount = 3
        static let producersPerLog = 2
        static let streamProducerCount = 3
        static let lanesPerStreamProducer = 4
        static let spansPerPeriod: UInt64 = 8
        static let mergedByteCount = 2 << 20
        /// Between two sweeps, and two steps of compaction.
        static let stepSeconds = 0.1
        /// Streams are split or merged so often on average, and have so many shards.
        static let reshardSeconds = 2.0
        static let shardCounts = 2...6

        /// Of a segment of the logs: no segment takes records further apart.
        var spanMilliseconds: UInt64 { logMilliseconds / Self.spansPerPeriod }

        static var configuration: LogConfiguration {
            var configuration = LogConfiguration()
            configuration.bufferByteCount = 32 << 10
            configuration.memoryByteCount = 128 << 20
            configuration.writeShareByteCount = 72 << 20
            configuration.unwrittenByteLimit = 64 << 20
            configuration.cacheByteCount = 16 << 20
            configuration.firstSegmentByteCount = 256 << 10
            configuration.greatestSegmentByteCount = 1 << 20
            // Small enough that most segments are used again, and few enough that some are not.
            configuration.leastRecycledByteCount = 256 << 10
            configuration.recycledByteLimit = 4 << 20
            // Not all of the segments there are: some are closed and opened again all the time.
            configuration.openSegmentLimit = 16
            return configuration
        }

        var space: SpaceBound {
            SpaceBound(
                spanMilliseconds: spanMilliseconds, greatestSegmentByteCount: Self.configuration.greatestSegmentByteCount,
                mergedByteCount: Self.mergedByteCount)
        }
    }
#endif
