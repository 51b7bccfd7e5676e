package import MillraceLog
package import MillraceModel

/// Sizes, times and threads of a store. Every number has a unit; the defaults are for a machine with a few cores and a
/// gigabyte to spare. Nothing here is written to disk: a store may be opened with other numbers each time.
public struct StoreConfiguration: Hashable, Sendable {
    /// Memory for records: being written, cached and lent, in bytes; at least 64 MiB. Seven twelfths of it belong to
    /// writers, so that no reader can hold them up. Resident only as far as it is used.
    public var memoryByteCount = 384 << 20
    /// Size of a shard's first segment file in bytes, 64 KiB up to `greatestSegmentByteCount`; later ones grow with the traffic.
    public var firstSegmentByteCount = 1 << 20
    /// Size of the largest segment file in bytes, up to 1 GiB.
    public var greatestSegmentByteCount = 64 << 20
    /// Whether records are compressed where that saves a quarter of them or more.
    public var isCompressing = true
    /// Milliseconds for which published records wait for company before they are written, when nobody waits for them; 0 or more.
    public var lingerMilliseconds = 2
    /// Milliseconds for which written records wait for a sync, when nobody waits for them; 0 or more. So long a record
    /// that was put with a lower level may need to reach a reader of a durable stream.
    public var syncIntervalMilliseconds = 100
    /// Threads that encode and write, 1 to 64: as many as there are cores, or fewer.
    public var workerCount = 2
    /// Threads for what may wait for the disk while no task may: recovery, old records. 1 to 64, started when needed.
    public var readerThreadCount = 2

    /// The account that ARNs and errors name: twelve digits.
    public var accountID = ServiceOptions().accountID
    /// The region that ARNs name.
    public var region = ServiceOptions().region
    /// Milliseconds for which a stream shows that it is CREATING, UPDATING or DELETING, and a consumer that it is CREATING,
    /// as it would at AWS; 0 to 3,600,000. The change itself is made at once.
    public var transitionMilliseconds = 0
    /// What is done about AWS's limits of throughput and of calls. Cursors, and sequences of records, are never
    /// limited.
    public var capacity = CapacityEnforcement.off
    /// Whether a thread of the store takes away by itself what has become too old to be seen, within an hour: it runs while
    /// there is something that will. Without it `StreamStore.sweep` does so when it is called.
    public var isSweeping = true
    /// Bytes of segment files that a shard keeps, whatever its stream's period; nil: all that the period does. Older segments go while those
    /// behind them have at least so many: a shard keeps less than one segment more. At least 1 MiB.
    public var retainedBytesPerShard: Int?
    /// The same for all shards together: the oldest segments go first, and the newest of each shard stays. At least 1 MiB.
    public var retainedBytesPerStore: Int?
    /// Whether a thread of the store merges small blocks and segments, and compresses cold ones better, while there is something to
    /// merge. Without it `StreamStore.compact` does so when it is called.
    public var isCompacting = true
    /// Bytes of records a second that this thread writes anew at most, 1 MiB to 16 GiB; it takes a quarter of a core at most, and a
    /// twentieth of all cores while the process keeps them busy.
    public var compactionBytesPerSecond = 32 << 20
    /// Milliseconds after which records count as cold, 0 to a year.
    public var coldMilliseconds = 3_600_000

    public init() {}

    /// What the service answers and enforces.
    ///
    /// - Throws: `KinesisError.invalidArgument`, naming what cannot be used.
    package func serviceOptions() throws(KinesisError) -> ServiceOptions {
        try check(transitionMilliseconds, in: 0...3_600_000, "transitionMilliseconds")
        var options = ServiceOptions()
        options.accountID = accountID
        options.region = region
        options.transitionMilliseconds = UInt64(transitionMilliseconds)
        options.capacity = capacity
        for (limit, name) in [
            (retainedBytesPerShard, "retainedBytesPerShard"), (retainedBytesPerStore, "retainedBytesPerStore"),
        ] { if let limit { try check(limit, in: 1 << 20...Int.max, name) } }
        try check(compactionBytesPerSecond, in: 1 << 20...16 << 30, "compactionBytesPerSecond")
        try check(coldMilliseconds, in: 0...366 * 86_400_000, "coldMilliseconds")
        options.retainedBytesPerShard = retainedBytesPerShard
        options.retainedBytesPerStore = retainedBytesPerStore
        options.compactionBytesPerSecond = compactionBytesPerSecond
        options.coldMilliseconds = UInt64(coldMilliseconds)
        try options.check()
        return options
    }

    /// What the engine takes.
    ///
    /// - Throws: `KinesisError.invalidArgument`, naming the number that is out of its range.
    package func logConfiguration() throws(KinesisError) -> LogConfiguration {
        try check(memoryByteCount, in: 64 << 20...1 << 40, "memoryByteCount")
        try check(greatestSegmentByteCount, in: 64 << 10...1 << 30, "greatestSegmentByteCount")
        try check(firstSegmentByteCount, in: 64 << 10...greatestSegmentByteCount, "firstSegmentByteCount")
        try check(lingerMilliseconds, in: 0...60_000, "lingerMilliseconds")
        try check(syncIntervalMilliseconds, in: 0...60_000, "syncIntervalMilliseconds")
        try check(workerCount, in: 1...64, "workerCount")
        try check(readerThreadCount, in: 1...64, "readerThreadCount")
        var configuration = LogConfiguration()
        configuration.memoryByteCount = memoryByteCount
        // As in the engine's own defaults: 224 of 384 MiB for writers, 208 of which one shard may fill.
        configuration.writeShareByteCount = memoryByteCount / 12 * 7
        configuration.unwrittenByteLimit = memoryByteCount / 24 * 13
        configuration.firstSegmentByteCount = firstSegmentByteCount
        configuration.greatestSegmentByteCount = greatestSegmentByteCount
        configuration.isCompressing = isCompressing
        configuration.lingerMilliseconds = lingerMilliseconds
        configuration.syncIntervalMilliseconds = syncIntervalMilliseconds
        configuration.workerCount = workerCount
        return configuration
    }

    private func check(_ value: Int, in range: ClosedRange<Int>, _ name: String) throws(KinesisError) {
        guard range.contains(value) else {
            throw .invalidArgument("\(name) is \(value); it must be \(range.lowerBound) to \(range.upperBound)")
        }
    }
}
