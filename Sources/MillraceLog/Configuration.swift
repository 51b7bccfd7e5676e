/// Sizes and times of a store's engine. Every number has a unit and a reason; the defaults are for a machine with a few cores and a
/// gigabyte to spare.
package struct LogConfiguration: Sendable {
    /// Payload of an ordinary buffer, the unit of compression. A little above 65,547 bytes, where LZ4 changes to
    /// tables that find 17 % more in JSON records of 300 bytes (docs/decisions/0002).
    package var bufferByteCount = 72 * 1024
    /// Key and data of one record. 10 MiB is the stream API's greatest record, 1 KiB the longest key.
    package var greatestRecordByteCount = (10 << 20) + 1024
    /// Memory of all images: open, in flight, cached, pinned. Resident only as far as it is used.
    package var memoryByteCount = 384 << 20
    /// The part of it that belongs to writers: 192 MiB hold a burst of 128 MiB of records with their entries.
    package var writeShareByteCount = 224 << 20
    /// How much of recent buffers and decoded blocks is kept before memory is reused, as long as there is more to be had.
    package var cacheByteCount = 64 << 20
    /// What one log may hold unwritten before its producers wait.
    package var unwrittenByteLimit = 208 << 20
    /// Records of producers waiting for a log's writer role.
    package var handOffByteLimit = 8 << 20
    package var firstSegmentByteCount = 1 << 20
    package var greatestSegmentByteCount = 64 << 20
    /// Files of segments that retention has let go are kept for new ones from this size on, and so many bytes of them at most.
    package var leastRecycledByteCount = 16 << 20
    package var recycledByteLimit = 256 << 20
    package var isCompressing = true
    /// After so many records in one opening a log takes a new generation: what 40 bits hold, less the largest batch.
    package var ordinalsPerGeneration: UInt64 = (1 << 40) - (1 << 24)
    /// How long published records wait for company before they are written, when nobody waits for them.
    package var lingerMilliseconds = 2
    /// How long written records wait for a sync, when nobody waits for them.
    package var syncIntervalMilliseconds = 100
    /// How much may be written beyond the last sync before the next one starts by itself.
    package var unsyncedByteLimit = 4 << 20
    /// How long a log is quiet before its durable note is written and its buffer let go. The note stands within twice this
    /// of the last record: at most 1 s (FORMAT 4.2).
    package var idleMilliseconds = 500
    /// The commit journal's size: made when several logs are to become durable at once. Half of it is filled before their own files
    /// are synced: large enough that many commits share those syncs, small enough to be copied at a reopening. 0: there is none.
    package var commitJournalByteCount = 32 << 20
    /// Space kept in a file that is given up when the disk is full, so that trims and deletes can go on.
    package var reserveByteCount = 1 << 20
    /// Threads that encode and write; 0 starts none: the caller drives the steps.
    package var workerCount = 2
    /// Two, so that one log with much to sync does not keep others waiting.
    package var syncThreadCount = 2
    /// Open segment files of sealed segments, least recently used closed first.
    package var openSegmentLimit = 1024

    package init() {}
}
