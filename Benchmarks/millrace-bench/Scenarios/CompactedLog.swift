#if Tools
    import Foundation
    import MillraceIO
    import MillraceLog
    import Synchronization

    /// A log that is filled, and goes on in a new segment with one record more, so that all the others are sealed.
    struct CompactedLog {
        let measured: MeasuredLog
        private let set: RecordSet
        /// Of the sealed records.
        private(set) var count = 0
        private(set) var payloadByteCount = 0
        private(set) var expected = RecordDigest()

        struct Steps {
            var count = 0
            var segmentCount = 0
            var rawByteCount = 0
            var seconds = 0.0
            var processorSeconds = 0.0
            var text: String {
                "\(count) steps over \(segmentCount) segments, \(figure(Double(rawByteCount) / 1e6)) MB in"
                    + " \(decimal(seconds, 2)) s"
            }
        }

        /// Bytes of blocks, and of sealed segments' files, for each byte of key and data.
        struct Stored: CustomStringConvertible {
            let byteCount: Int
            let perByte: Double
            let filesPerByte: Double
            let blockCount: Int
            let segmentCount: Int
            var description: String {
                "\(decimal(perByte, 4)) stored bytes a byte (files \(decimal(filesPerByte, 4))), \(blockCount) blocks,"
                    + " \(segmentCount) segments"
            }
        }

        init(_ path: String, _ set: RecordSet) throws {
            self.set = set
            measured = try MeasuredLog(path)
        }

        /// `append` appends some records from the index on and says how many.
        mutating func fill(count: Int, _ append: (MeasuredLog, Int) throws(LogError) -> Int) throws {
            var at = 0
            while at < count { at += try append(measured, at) }
            try measured.log.wait(.durable, below: measured.log.tip(.published))
            measured.log.setSegmentAge(milliseconds: 1)
            usleep(20_000)
            let last = try measured.append(set, at: count % set.count)
            try measured.log.wait(.durable, below: last + 1)
            self.count = count
            payloadByteCount = set.byteCount(count: count)
            expected = set.digest(count: count + 1)
        }

        /// In batches of 500, no more than 64 of them unwritten: so that none is stored raw for want of time.
        mutating func fillBatches(_ set: RecordSet, count: Int) throws {
            var ends: [UInt64] = []
            try fill(count: count) { measured, index throws(LogError) in
                let range = try measured.append(set, from: index, count: min(500, count - index))
                ends.append(range.upperBound)
                if ends.count >= 64 { try measured.log.wait(.written, below: ends[ends.count - 64]) }
                return range.count
            }
        }

        func compact(isHigh: Bool) throws -> Steps {
            var limits = CompactionLimits()
            limits.coldBefore = isHigh ? .max : 0
            return try steps { log throws(LogError) in try log.compactStep(limits) }
        }

        /// Until there is nothing left to do.
        func steps(_ step: (ShardLog) throws(LogError) -> CompactionOutcome) throws -> Steps {
            var steps = Steps()
            let processor = processorNanoseconds()
            let start = nanoseconds()
            for _ in 0..<100_000 {
                switch try step(measured.log) {
                case .compacted(let segments, _, _, let raw):
                    steps.count += 1
                    steps.segmentCount += segments
                    steps.rawByteCount += raw
                case .notWorth(let raw):
                    steps.count += 1
                    steps.rawByteCount += raw
                case .busy: usleep(1000)
                case .nothing:
                    steps.seconds = Double(nanoseconds() &- start) / 1e9
                    steps.processorSeconds = Double(processorNanoseconds() &- processor) / 1e9
                    return steps
                }
            }
            throw BenchError("compaction finds no end")
        }

        func stored() throws -> Stored {
            let blocks = try measured.log.blocks()
            // The newest one's file has room for what is to come.
            var limits = RetentionLimits()
            limits.segmentMilliseconds = 1
            let space = try measured.log.sweep(limits)
            let newest = try measured.log.newestFileByteCount()
            let files = space.keptByteCount - newest
            return Stored(
                byteCount: blocks.byteCount, perByte: Double(blocks.byteCount) / Double(payloadByteCount),
                filesPerByte: Double(files) / Double(payloadByteCount), blockCount: blocks.recordCounts.count,
                segmentCount: measured.log.segmentCount)
        }
    }

    extension ShardLog {
        fileprivate func newestFileByteCount() throws -> Int {
            guard let newest = segments.segments.last else { return 0 }
            return try newest.use().0.memory.byteCount
        }
    }
#endif
