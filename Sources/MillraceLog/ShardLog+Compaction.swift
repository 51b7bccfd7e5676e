import MillraceIO
import Synchronization

/// What a compaction step did.
package enum CompactionOutcome: Sendable, Equatable {
    /// So many segments became one.
    case compacted(segmentCount: Int, bytesBefore: Int, bytesAfter: Int, rawByteCount: Int)
    /// A segment was looked at and is as small as it gets: it is left alone from now on.
    case notWorth(rawByteCount: Int)
    /// There is nothing that is worth it; or all of it has expired meanwhile.
    case nothing
    /// A sweep or another step is at work on the log, somebody is writing, or a backup is being taken.
    case busy
}

/// Compaction: sealed segments that are neighbours become one, with full blocks, and compressed better when they are cold.
///
/// Crash-safe at every step: the new file is written and synced in the pool's directory, renamed into the log's with a name that says
/// whose place it takes (FORMAT section 1), and both directories are synced before any of the old ones goes. Whichever names a crash
/// leaves, either all the old ones are there or the new one is. Only segments in front of one that the disk knows to begin below
/// what was durable are touched, so recovery never has to judge their ends. Readers find the one or the other, and views
/// that were lent stay valid.
extension ShardLog {
    /// Does the next piece of work, if there is any. Takes no lock that appends or readers take. Costs reading and encoding
    /// the segments of one job, and holds their stored bytes in memory meanwhile.
    /// - Parameter pace: asked behind every block, for who wants the step to leave the processor to others.
    /// - Throws: `storageFull` when there is no room for the new file; `frozen`, `removed`, `io`: nothing has changed then. `corrupt` does
    ///   not come: a damaged segment is left as it is.
    package func compactStep(_ limits: CompactionLimits, pace: StepPace? = nil) throws(LogError) -> CompactionOutcome {
        try compacting { segments, facts throws(LogError) in
            guard let job = CompactionPlan.next(facts, limits) else { return .nothing }
            retention.relyOn(from: segments[job.range.lowerBound].baseOrdinal)
            let next = segments[job.range.upperBound].baseOrdinal
            if next > retention.keptDurable.load(ordering: .relaxed) {
                guard try keepHorizon() else { return .busy }
            }
            let inputs = Array(segments[job.range])
            do throws(LogError) {
                return try compact(inputs, facts[job.range], endingAt: next, job, pace)
            } catch {
                guard case .corrupt = error else { throw error }
                // Whose bytes do not validate any more: readers are told, and what can be read stays where it is.
                for input in inputs { retention.facts.withLock { $0[input.baseOrdinal]?.isWhole = false } }
                return .notWorth(rawByteCount: 0)
            }
        }
    }

    /// Does a step over the segments and what is known of them, unless another one runs or a backup is being taken. Sweeps remove none
    /// of them meanwhile, until `relyOn` says from where on only.
    func compacting(
        _ step: ([Segment], [SegmentFacts]) throws(LogError) -> CompactionOutcome
    ) throws(LogError) -> CompactionOutcome {
        try failure.check()
        guard !shared.holds.isHeld, retention.isCompacting.claim() else { return .busy }
        defer { retention.isCompacting.store(false, ordering: .sequentiallyConsistent) }
        retention.relyOn(from: 0)
        defer { retention.relyOn(from: .max) }
        let segments = reader.snapshot.segments
        return try step(segments, compactionFacts(segments))
    }

    /// Bytes of records in the next job of `compactStep`; 0 when there is none.
    package func pendingCompaction(_ limits: CompactionLimits) throws(LogError) -> Int {
        let facts = try compactionFacts(reader.snapshot.segments)
        guard let job = CompactionPlan.next(facts, limits) else { return 0 }
        return facts[job.range].reduce(0) { $0 + $1.rawByteCount }
    }

    /// Of every segment but the newest. Those that are not durable in full, or in front of the horizon, are not whole.
    func compactionFacts(_ segments: [Segment]) throws(LogError) -> [SegmentFacts] {
        let durable = watermarks.value(.durable), horizon = watermarks.trimmed
        var all: [SegmentFacts] = []
        for (segment, next) in zip(segments, segments.dropFirst()) {
            let known = retention.facts.withLock { $0[segment.baseOrdinal] }
            var facts = if let known { known } else { try readFacts(segment) }
            retention.facts.withLock { $0[segment.baseOrdinal] = facts }
            if next.baseOrdinal > durable || next.baseOrdinal <= horizon { facts.isWhole = false }
            all.append(facts)
        }
        return all
    }

    private func readFacts(_ segment: Segment) throws(LogError) -> SegmentFacts {
        var facts = SegmentFacts(
            baseOrdinal: segment.baseOrdinal, fileByteCount: try segment.byteCount(), blockByteCount: 0, rawByteCount: 0,
            blockCount: 0, greatestArrival: 0)
        facts.isWhole = false
        let open: OpenSegment, content: SegmentContent
        do throws(LogError) { (open, content) = try segment.use() } catch {
            guard case .corrupt = error else { throw error }
            return facts
        }
        shared.openSegments.used(segment)
        guard let (footer, index) = try SegmentContent.readFooter(open, identity: content.identity),
            !(0..<index.count).contains(where: { index[$0].isHole }),
            // Where a crash has cut a batch the segment ends before its last block does, and what stands there belongs to nobody: it stays
            // so for everybody who looks. One that took in an empty segment ends behind its last block.
            index.count == 0 || index[index.count - 1].endOrdinal <= content.endOrdinal
        else { return facts }
        facts.blockByteCount = footer.blocksEndByteOffset - Format.blocksByteOffset
        facts.rawByteCount = Int(clamping: footer.rawByteCount)
        facts.blockCount = footer.blockCount
        facts.greatestArrival = footer.greatestArrivalMilliseconds
        facts.isHigh = content.header.isHigh
        facts.isKeyed = content.header.isKeyed
        // A header that is read from a note does not know what was before it.
        facts.isWhole = content.header.segmentNumber == 0 || content.header.previousEndOrdinal > 0
        return facts
    }

    private func compact(
        _ inputs: [Segment], _ facts: ArraySlice<SegmentFacts>, endingAt end: UInt64, _ job: CompactionJob, _ pace: StepPace?
    ) throws(LogError) -> CompactionOutcome {
        var merger = merger(isHigh: job.isHigh, pace)
        // The step may take long: where all of it has expired meanwhile, a sweep waits for the files.
        merger.isPointless = { [watermarks] in watermarks.trimmed >= end }
        try gather(inputs, nil, &merger)
        if merger.isGivenUp { return .nothing }
        let rawByteCount = Int(clamping: merger.rawByteCount)
        let before = facts.reduce(0) { $0 + $1.fileByteCount }
        let after = merger.fileByteCount
        guard after <= before - before / 20 || merger.blockCount * 2 <= facts.reduce(0, { $0 + $1.blockCount }) else {
            for input in inputs { retention.facts.withLock { $0[input.baseOrdinal]?.isSettled = true } }
            return .notWorth(rawByteCount: rawByteCount)
        }
        var isKeyed = true
        for input in inputs { isKeyed = try input.use().1.header.isKeyed && isKeyed }
        try replace(inputs, by: &merger, isHigh: job.isHigh, isKeyed: isKeyed)
        return .compacted(segmentCount: inputs.count, bytesBefore: before, bytesAfter: after, rawByteCount: rawByteCount)
    }

    func merger(isHigh: Bool, _ pace: StepPace?) -> SegmentMerger {
        SegmentMerger(
            logID: id, payloadLimit: shared.configuration.bufferByteCount, isHigh: isHigh, scratches: shared.scratches,
            pace: pace)
    }

    /// Reads the segments into the merger, as far as the filter lets their records pass.
    func gather(_ inputs: [Segment], _ filter: KeyFilter?, _ merger: inout SegmentMerger) throws(LogError) {
        var encoder = BlockEncoder(scratches: shared.scratches)
        for input in inputs {
            let (open, content) = try input.use()
            try merger.add(open, content, filter, &encoder)
            if merger.isGivenUp { return }
            shared.openSegments.used(input)
        }
        merger.end(&encoder)
    }

    /// Writes what was gathered of the segments, which are neighbours, as one, and puts it in their place.
    func replace(_ inputs: [Segment], by merger: inout SegmentMerger, isHigh: Bool, isKeyed: Bool) throws(LogError) {
        let name = SegmentName(
            inputs[0].baseOrdinal, through: inputs[inputs.count - 1].segmentName.lastBaseOrdinal,
            round: 1 + inputs.reduce(0) { max($0, $1.segmentName.round) })
        var header = try inputs[0].use().1.header
        header.identity = SegmentIdentity(
            storeLow: shared.storeLow, storeHigh: shared.storeHigh, logID: id, baseOrdinal: name.baseOrdinal,
            salt: shared.entropy.next())
        header.fileByteCount = merger.fileByteCount
        header.mergedCount = UInt32(inputs.count - 1)
        for input in inputs { header.mergedCount &+= try input.use().1.header.mergedCount }
        header.isHigh = isHigh
        header.isKeyed = isKeyed
        let segment = try write(&merger, header, name)
        reader.replace(inputs, with: segment)
        retention.facts.withLock { facts in for input in inputs { facts[input.baseOrdinal] = nil } }
        _ = try dispose(inputs)
    }

    /// The new segment, durable under its name.
    private func write(
        _ merger: inout SegmentMerger, _ header: SegmentHeader, _ name: SegmentName
    ) throws(LogError) -> Segment {
        let directory = reader.snapshot.segments[0].directory
        let names = try systemCall { () throws(IOError) in try directory.open() }
        defer { withExtendedLifetime(names) {} }
        let prepared = try shared.pool.prepare(byteCount: header.fileByteCount, isZeroed: false)
        let boot = shared.clock.bootIdentity()
        let note = DurableNote(
            sequence: 1, durableOrdinal: 0, durableByteOffset: 0, writtenOrdinal: 0, writtenByteOffset: 0, bootLow: boot.0,
            bootHigh: boot.1, milliseconds: UInt64(max(0, shared.clock.wallNanoseconds() / 1_000_000)),
            lastArrivalMilliseconds: 0, isCleanClose: false, blockCount: 0, lastBlockChecksum: 0, segmentNumber: 0,
            headerChecksum: 0, trimmedOrdinal: retention.trimmedOrdinal.load(ordering: .relaxed))
        var isNamed = false
        do throws(LogError) {
            let (open, content) = try merger.write(header, into: prepared, named: name.text, io: shared.io, note: note)
            try systemCall { () throws(IOError) in
                try shared.io.sync(open.file)
                try shared.io.rename(prepared.name, in: shared.pool.directory, to: name.text, in: names.handle)
                isNamed = true
                try shared.io.sync(names.handle)
                try shared.io.sync(shared.pool.directory)
            }
            return Segment(name, in: directory, open: open, content: content)
        } catch {
            // Both hold the same records: whichever of the names survive, the next opening finds them.
            try? shared.io.unlink(isNamed ? name.text : prepared.name, in: isNamed ? names.handle : shared.pool.directory)
            if case .io(let cause) = error { throw shared.pool.refusal(cause, byteCount: header.fileByteCount) }
            throw error
        }
    }
}
