import MillraceIO

/// A buffer is one arena slot: a memory image of consecutive records of one log.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 8 | ordinal of the first record |
/// | 8 | 8 | log id |
/// | 16 | 8 | arrival time of the first record, milliseconds |
/// | 24 | 8 | index of the first record of a batch that goes on in the next buffer; all ones when none does |
/// | 32 | 8 | one past the last ordinal, once the buffer is closed; 0 while it is open |
/// | 40 | 8 | for a raw block read from disk: byte offset of its payload in the segment; 0 otherwise |
/// | 48 | 8 | for a block that stands for more ordinals than it holds records of: how many those are, plus one; 0 otherwise |
/// | 56 | 8 | reserved |
/// | 64 | | payload, growing up: key and data of each record |
/// | end | | entries, growing down (`Directory`) |
///
/// Entries and payload below the log's published ordinal never change while the slot lives.
enum BufferLayout {
    static let baseOrdinalAt = 0, logAt = 8, firstArrivalAt = 16, unfinishedBatchAt = 24, endOrdinalAt = 32, mappedAt = 40, gapsAt = 48
    static let payloadAt = 64
    static let noUnfinishedBatch = UInt64.max

    /// Bytes of a slot that holds one record of so many bytes.
    static func slotByteCount(payload: Int, records: Int) -> Int { payloadAt + payload + records * Directory.entryByteCount }
}

extension AlignedMemory {
    private static let empty = AlignedMemory(byteCount: 0)
    /// No bytes at all, for a place that holds none yet.
    static var none: Memory { empty.memory }
}

/// Which buffers hold which ordinals, newest last: what readers and the cutter look up.
///
/// One writer (the role holder) appends; the count is published after the entry. Entries are overwritten `capacity`
/// appends later, so whoever follows one pins its slot and compares the base ordinal in it: a stale entry is harmless.
final class BufferRing: Sendable {
    let capacity: Int
    private let entries: AlignedMemory
    init(capacity: Int) {
        precondition(capacity.nonzeroBitCount == 1)
        self.capacity = capacity
        entries = AlignedMemory(byteCount: capacity * 16, alignment: 64)
        entries.memory.fill()
    }
    func set(_ index: UInt64, baseOrdinal: UInt64, slot: SlotReference) {
        let at = Int(index & UInt64(capacity - 1)) * 16
        entries.memory.storeRelease(baseOrdinal, at: at)
        entries.memory.storeRelease(slot.rawValue, at: at + 8)
    }
    func baseOrdinal(_ index: UInt64) -> UInt64 {
        entries.memory.loadAcquire(at: Int(index & UInt64(capacity - 1)) * 16)
    }
    func slot(_ index: UInt64) -> SlotReference {
        SlotReference(rawValue: entries.memory.loadAcquire(at: Int(index & UInt64(capacity - 1)) * 16 + 8))
    }
}
