import MillraceIO

/// What the writer tells the rest of its log.
struct SegmentContext: Sendable {
    let clock: any Clock
    let entropy: any Entropy
    let greatestSegmentByteCount: Int
    /// The store's own log may use the space kept for it when the disk is full.
    let mayUseReserve: Bool
    let durableOrdinal: @Sendable () -> UInt64
    /// What retention has taken: see `DurableNote.trimmedOrdinal`.
    let trimmedOrdinal: @Sendable () -> UInt64
    let writtenOrdinal: @Sendable () -> UInt64
    /// The file holds bytes that the next sync must cover. Told when they are written, and before anybody hears of it: a sync that began
    /// before covers none of them.
    let didWrite: @Sendable (OpenSegment) -> Void
    /// The same of blocks.
    let didWriteBlocks: @Sendable (SyncGate.Stretch) -> Void
    /// A name in the log's directory has changed; told as of bytes.
    let didChangeNames: @Sendable (OpenDirectory) -> Void
    /// In place of one of the same name, when that held no record.
    let segmentStarted: @Sendable (Segment) -> Void
    let wantsSpare: @Sendable (Int) -> Void
    /// How much later than its first record a segment's last one may have arrived, in milliseconds.
    let segmentMilliseconds: @Sendable () -> UInt64
    /// Whether segment files are to be written with zeros first: when producers wait for durability.
    let isZeroed: @Sendable () -> Bool
}
