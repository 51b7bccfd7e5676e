import MillraceIO
import MillraceLog
public import MillraceModel

/// A stream of an open store: put records into it, read them from it.
///
/// A class because it is the stream's shared identity. All methods may be called from any task or thread; records that one
/// task puts under one key, each after the one before it returned, keep that order, also over splits and merges.
public final class StoredStream: Sendable {
    public let name: StreamName
    /// How far a put waits unless it says otherwise, and from when on readers see a record unless they ask for more.
    public let ackLevel: AckLevel
    /// When the stream was created, in seconds since 1970 UTC.
    public let creationSecond: UInt64
    package let streamID: UInt64
    let core: StoreCore
    let terms: StreamTerms
    private let versions: Versions<StreamVersion>
    /// Notified when there is another version, or a reshard was given up.
    private let changes = EventCount()

    init(_ description: StreamDescription, core: StoreCore) {
        name = description.name
        ackLevel = description.ackLevel
        creationSecond = description.creationSecond
        streamID = description.streamID
        self.core = core
        let terms = StreamTerms(description.name, description.settings, keptMilliseconds: core.keptMilliseconds)
        self.terms = terms
        let shards = description.shards.map { shard in
            Shard(shard, ackLevel: description.ackLevel, terms: terms, core: core)
        }
        versions = Versions(StreamVersion(description, shards: shards))
    }

    /// The shards there are, in order of their indices: those that take records, and closed ones that keep theirs.
    public var shards: [Shard] { version.shards }
    /// The shards that take records, in order of their places on the ring.
    public var openShards: [Shard] { version.openShards }

    var version: StreamVersion { versions.value }

    /// The shard that takes records of that key now.
    ///
    /// - Throws: `validation` when the key is empty or longer than 256 characters.
    public func shard(forPartitionKey partitionKey: String) throws(KinesisError) -> Shard {
        version.route(try PartitionKey(partitionKey), nil)
    }

    // MARK: Changes

    /// Makes what the catalogue knows now hold here. Called by the catalogue, one change at a time.
    func take(_ description: StreamDescription) {
        // Both in order of their indices: new ones come behind, and expired ones are left out.
        var old = version.shards[...]
        var gone: [Shard] = []
        let shards = description.shards.map { state in
            while let first = old.first, first.id < state.shardID { gone.append(old.removeFirst()) }
            return old.first?.id == state.shardID
                ? old.removeFirst() : Shard(state, ackLevel: ackLevel, terms: terms, core: core)
        }
        terms.take(description.settings, keptMilliseconds: core.keptMilliseconds)
        for shard in shards { shard.takeMark() }
        versions.replace(with: StreamVersion(description, shards: shards))
        for shard in shards { shard.throttle?.setGreatestRecord(byteCount: description.settings.maximumRecordByteCount) }
        // After that: whoever sees that a shard is closed finds its children.
        for (shard, state) in zip(shards, description.shards) {
            if let closing = state.closing, !shard.isClosed { shard.close(closing) }
        }
        for shard in gone { shard.expire() }
        changes.notify()
    }

    /// The stream was deleted: whoever puts or reads learns of it.
    func end() {
        versions.replace(with: version.deleted())
        changes.notify()
    }

    /// A reshard was given up, and its parents take records again.
    func reshardEnded() { changes.notify() }

    // MARK: Puts that meet a reshard

    /// - Throws: `resourceNotFound` when the stream was deleted, `closed` when the store was.
    func check(_ version: StreamVersion) throws(KinesisError) {
        if version.isDeleted { throw core.words.streamNotFound(name.text) }
        try core.checkOpen()
    }

    /// What a call answers that met `error`: that the stream was deleted, if it was, and with it what the call was about.
    func failure(_ error: KinesisError) -> KinesisError {
        version.isDeleted ? core.words.streamNotFound(name.text) : error
    }

    /// Waits a moment for the end of the reshard that closed a shard of `version`: at most 10 ms, then the caller looks again.
    /// - Throws: `resourceNotFound`, `closed`; `storageFull` when a full disk holds the reshard up; the catalogue's error when it
    ///   failed, so that no reshard will end.
    func waitForReshard(after version: StreamVersion) throws(KinesisError) {
        try check(version)
        try core.settleCatalogue()
        let key = changes.prepare()
        guard self.version === version else { return changes.cancel() }
        changes.wait(key, nanoseconds: 10_000_000)
    }
}
