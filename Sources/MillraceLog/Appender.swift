import MillraceIO
import Synchronization

/// The single-writer end of a log: copies records into the open buffer and publishes them.
///
/// Only the holder of the writer role touches it, one call at a time. Nothing is visible before `publish`; until then
/// `rollBack` takes back everything since `begin`. Cost of `add`: two copies and two stores.
struct Appender: ~Copyable {
    private let arena: Arena
    private let buffers: BufferList
    private let watermarks: Watermarks
    private let progress: WriteProgress
    private let limits: BufferLimits
    private let logID: UInt64
    private let generations: GenerationSource
    private let ordinalsPerGeneration: UInt64

    // The open buffer. `memory` is empty while there is none.
    private var slot = SlotReference.none
    private var memory: Memory
    private var baseOrdinal: UInt64 = 0
    private var count = 0
    private var payloadByteCount = 0
    private var payloadLimit = 0
    private var firstArrival: UInt64 = 0

    /// Goes into the entry of every record added from now on, in its place there.
    private var markBits: UInt64 = 0
    private var takesTurns = false
    private(set) var nextOrdinal: UInt64
    private(set) var lastArrival: UInt64
    private var saved: Saved

    /// Where `rollBack` returns to.
    private struct Saved {
        var slot: SlotReference
        var baseOrdinal: UInt64
        var count: Int
        var payloadByteCount: Int
        var firstArrival: UInt64
        var nextOrdinal: UInt64
        var lastArrival: UInt64
        var bufferCount: UInt64
        var isOpen: Bool { !slot.isNone }
    }

    init(
        arena: Arena, buffers: BufferList, watermarks: Watermarks, progress: WriteProgress, limits: BufferLimits,
        logID: UInt64, lastArrival: UInt64, generations: GenerationSource, ordinalsPerGeneration: UInt64
    ) {
        self.generations = generations
        self.ordinalsPerGeneration = ordinalsPerGeneration
        self.arena = arena
        self.buffers = buffers
        self.watermarks = watermarks
        self.progress = progress
        self.limits = limits
        self.logID = logID
        self.lastArrival = lastArrival
        memory = AlignedMemory.none
        nextOrdinal = watermarks.value(.published)
        saved = Saved(
            slot: .none, baseOrdinal: 0, count: 0, payloadByteCount: 0, firstArrival: 0, nextOrdinal: nextOrdinal,
            lastArrival: lastArrival, bufferCount: 0)
    }

    var hasOpenBuffer: Bool { !slot.isNone }

    /// Starts a batch.
    /// - Throws: only when the generation is used up and the next one cannot be made durable.
    @inline(__always)
    mutating func begin() throws(LogError) {
        if Ordinal.counter(nextOrdinal) >= ordinalsPerGeneration { try enterNextGeneration() }
        saved = Saved(
            slot: slot, baseOrdinal: baseOrdinal, count: count, payloadByteCount: payloadByteCount,
            firstArrival: firstArrival, nextOrdinal: nextOrdinal, lastArrival: lastArrival, bufferCount: buffers.count)
    }

    /// Adds one record to the batch. `arrival` is clamped so that a log's times never go back.
    /// - Throws: `recordTooLarge`, `keyTooLong`, `wouldBlock`; the batch is as it was before the call.
    @inline(__always)
    mutating func add(key: RawSpan, data: RawSpan, arrival: UInt64) throws(LogError) {
        let byteCount = key.byteCount + data.byteCount
        let arrival = max(arrival, lastArrival)
        if payloadByteCount + byteCount > payloadLimit
            || BufferLayout.payloadAt + payloadByteCount + byteCount + Directory.entryByteCount * (count + 1)
                > memory.byteCount
            || arrival &- firstArrival > UInt64(UInt32.max) || key.byteCount > Int(UInt16.max)
        {
            try startBuffer(keyByteCount: key.byteCount, byteCount: byteCount, arrival: arrival)
        }
        let payloadAt = BufferLayout.payloadAt + payloadByteCount
        memory.copy(key, at: payloadAt)
        memory.copy(data, at: payloadAt + key.byteCount)
        payloadByteCount += byteCount
        let entryAt = memory.byteCount - Directory.entryByteCount * (count + 1)
        memory.store(UInt64(payloadByteCount) | (arrival &- firstArrival) << 32, at: entryAt)
        memory.store(UInt64(key.byteCount) | markBits | UInt64(count) << 32, at: entryAt + 8)
        count += 1
        nextOrdinal += 1
        lastArrival = arrival
    }

    /// The log is one of many that the same threads write to by turns. Between two batches.
    mutating func setTakesTurns() { takesTurns = true }

    /// Records added from now on carry the mark. Between two batches.
    mutating func setMark(_ mark: UInt8) { markBits = UInt64(mark) << 16 }

    /// Makes the batch visible with one store.
    @inline(__always)
    mutating func publish() {
        watermarks.advance(.published, to: nextOrdinal)
        if takesTurns { prefetchEnd() }
    }

    /// Where the next batch goes: of a thread that writes to many logs by turns no processor can guess it, and the release of the role
    /// waits until the lines are there (decision 0018).
    @inline(__always)
    private func prefetchEnd() {
        let payloadEnd = BufferLayout.payloadAt + payloadByteCount
        memory.prefetchForWriting(at: payloadEnd + 64)
        memory.prefetchForWriting(at: payloadEnd + 128)
        memory.prefetchForWriting(at: memory.byteCount - Directory.entryByteCount * (count + 1) - 16)
    }

    /// Takes back everything since `begin`; buffers started since then are freed.
    mutating func rollBack() {
        let current = slot
        var index = buffers.count
        while index > saved.bufferCount {
            index -= 1
            let slot = buffers.entry(index).slot
            progress.release(arena.memory(slot).byteCount)
            arena.freeUnseen(slot)
        }
        buffers.removeLast(downTo: saved.bufferCount)
        slot = saved.slot
        baseOrdinal = saved.baseOrdinal
        count = saved.count
        payloadByteCount = saved.payloadByteCount
        firstArrival = saved.firstArrival
        nextOrdinal = saved.nextOrdinal
        lastArrival = saved.lastArrival
        if saved.isOpen, slot != current {
            // The buffer that was open has been closed meanwhile, and the cutter may have seen that: it stays closed,
            // at the last published record.
            memory = arena.memory(slot)
            memory.storeRelaxed(BufferLayout.noUnfinishedBatch, at: BufferLayout.unfinishedBatchAt)
            closeBuffer()
        } else if !saved.isOpen {
            forgetBuffer()
        }
    }

    /// Lets go of the open buffer, so that an idle log holds no slot. The flusher frees it once it is written.
    mutating func closeBuffer() {
        guard hasOpenBuffer else { return }
        memory.storeRelease(nextOrdinal, at: BufferLayout.endOrdinalAt)
        forgetBuffer()
    }

    private mutating func forgetBuffer() {
        slot = .none
        memory = AlignedMemory.none
        payloadLimit = 0
        payloadByteCount = 0
        count = 0
    }

    /// Skips to the first ordinal of a new generation. The open buffer ends: ordinals are dense within a buffer.
    @inline(never)
    private mutating func enterNextGeneration() throws(LogError) {
        let generation = try generations.next()
        closeBuffer()
        nextOrdinal = Ordinal.first(ofGeneration: generation)
    }

    private mutating func startBuffer(keyByteCount: Int, byteCount: Int, arrival: UInt64) throws(LogError) {
        guard keyByteCount <= Int(UInt16.max) else { throw .keyTooLong(byteCount: keyByteCount) }
        guard byteCount <= limits.greatestRecordByteCount else {
            throw .recordTooLarge(byteCount: byteCount, limitByteCount: limits.greatestRecordByteCount)
        }
        let needed = BufferLayout.slotByteCount(payload: byteCount, records: 1)
        // The first buffer after idleness is small; a record that fits no ordinary buffer gets its own.
        let ordinary = slot.isNone ? limits.firstClass : limits.ordinaryClass
        let sizeClass: Int
        if byteCount <= limits.payloadLimit(arena.classByteCounts[ordinary]), needed <= arena.classByteCounts[ordinary] {
            sizeClass = ordinary
        } else if byteCount <= limits.bufferByteCount, needed <= arena.classByteCounts[limits.ordinaryClass] {
            sizeClass = limits.ordinaryClass
        } else if let fitting = arena.sizeClass(fitting: needed) {
            sizeClass = fitting
        } else {
            throw .recordTooLarge(byteCount: byteCount, limitByteCount: limits.greatestRecordByteCount)
        }
        let slotByteCount = arena.classByteCounts[sizeClass]
        guard progress.reserve(slotByteCount) else {
            throw .wouldBlock(unwrittenByteCount: progress.heldByteCount, limitByteCount: progress.limitByteCount)
        }
        guard let new = arena.allocateForWriting(sizeClass: sizeClass) else {
            progress.release(slotByteCount)
            throw .wouldBlock(
                unwrittenByteCount: arena.heldForWritingByteCount, limitByteCount: arena.writeShareByteCount)
        }
        if hasOpenBuffer, nextOrdinal > saved.nextOrdinal {
            // The batch goes on in the next buffer: where it starts in this one is where a crash must cut.
            let start = saved.nextOrdinal > baseOrdinal ? saved.nextOrdinal - baseOrdinal : 0
            memory.storeRelaxed(start, at: BufferLayout.unfinishedBatchAt)
        }
        closeBuffer()
        slot = new
        memory = arena.memory(new)
        baseOrdinal = nextOrdinal
        firstArrival = arrival
        count = 0
        payloadByteCount = 0
        payloadLimit = max(limits.payloadLimit(slotByteCount), byteCount)
        memory.store(baseOrdinal, at: BufferLayout.baseOrdinalAt)
        memory.store(logID, at: BufferLayout.logAt)
        memory.store(arrival, at: BufferLayout.firstArrivalAt)
        memory.storeRelaxed(BufferLayout.noUnfinishedBatch, at: BufferLayout.unfinishedBatchAt)
        memory.storeRelaxed(0, at: BufferLayout.endOrdinalAt)
        memory.store(UInt64(0), at: BufferLayout.mappedAt)
        memory.store(UInt64(0), at: BufferLayout.gapsAt)
        buffers.append(baseOrdinal: baseOrdinal, slot: new, oldestNeeded: progress.oldestUnwrittenBuffer)
    }
}

/// Sizes of buffers, fixed for a store.
struct BufferLimits: Sendable {
    /// Payload bytes of an ordinary buffer: the unit of compression.
    let bufferByteCount: Int
    let greatestRecordByteCount: Int
    /// Arena class of the first buffer after idleness, and of the others.
    let firstClass: Int
    let ordinaryClass: Int

    func payloadLimit(_ slotByteCount: Int) -> Int { min(bufferByteCount, slotByteCount - BufferLayout.payloadAt) }
}

/// How much of a log waits to be written: the back-pressure on its writer, and which buffers the ring must keep.
final class WriteProgress: Sendable {
    let limitByteCount: Int
    private let held = Atomic<Int>(0)
    private let oldest = Atomic<UInt64>(0)
    init(limitByteCount: Int) { self.limitByteCount = limitByteCount }

    var heldByteCount: Int { held.load(ordering: .relaxed) }
    /// The part of the limit that is held, 0...1 and a little above.
    var backlog: Double { Double(heldByteCount) / Double(limitByteCount) }
    /// Index of the first buffer with records that are not written. Set by the holder of the write turn.
    var oldestUnwrittenBuffer: UInt64 { oldest.load(ordering: .acquiring) }
    func setOldestUnwrittenBuffer(_ index: UInt64) { oldest.store(index, ordering: .releasing) }

    /// At least one slot is always granted, so that a record larger than the limit can pass.
    func reserve(_ byteCount: Int) -> Bool {
        let before = held.add(byteCount, ordering: .relaxed).oldValue
        if before == 0 || before + byteCount <= limitByteCount { return true }
        held.subtract(byteCount, ordering: .relaxed)
        return false
    }
    func release(_ byteCount: Int) { held.subtract(byteCount, ordering: .relaxed) }
}
