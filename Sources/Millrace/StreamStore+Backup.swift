import MillraceLog
public import MillraceModel

// Backups of a store that is open, while it is used.

extension StreamStore {
    /// Writes a backup of the store into a directory at `path`: a store that opens by itself. Puts, readings and
    /// reshards go on.
    ///
    /// When this returns the backup is there, whole and durable. Every record that was durable when the call began is
    /// in it, in each shard a prefix of the shard's records with batches whole; and the streams, shards and settings as
    /// of one moment in the call. Until then there is nothing at `path`; what a crash leaves beside it is named
    /// `<path>.partial-` and digits.
    ///
    /// Costs a copy of the file that each shard is writing, and a name or a copy for each older one (`BackupOptions`),
    /// and reading it all once with `verifies`. Files of streams that are deleted meanwhile go when it has ended.
    /// - Parameter path: what does not exist, in a directory that does, or an empty directory that is no mount point.
    /// - Throws: `storage` of
    ///   - `io` when something stands at `path`, or a call of the operating system fails, which it names,
    ///   - `permission`, `storageFull` of the destination, `corrupt` and `newerFormat` of the catalogue,
    ///   - `closed` when the store is closed before the end.
    ///
    ///   Then the store is what it was, and there is no backup, unless the very last sync failed: then it may be there.
    public func backup(
        to path: String, options: BackupOptions = BackupOptions()
    ) async throws(KinesisError) -> BackupReport {
        // A thread of its own: it may take long, and the store's readers are few.
        try await ReaderPool.runAlone { [self] () throws(KinesisError) in try backupBlocking(to: path, options: options) }
    }

    /// The same on the calling thread.
    public func backupBlocking(
        to path: String, options: BackupOptions = BackupOptions()
    ) throws(KinesisError) -> BackupReport {
        try core.checkOpen()
        var choices = BackupChoices()
        choices.isLinking = options.sharesFiles
        choices.isVerifying = options.verifies
        let backup: StoreBackup
        // Errors name the destination: the store is there, and read only.
        do throws(LogError) { backup = try core.log.beginBackup(to: path, choices) } catch { throw KinesisError(error, path: path) }
        defer { backup.discard() }
        // The catalogue first: it names logs that are all there by then, and a deletion from now on removes no files
        // before the end. A parent that it does not know as closed holds every record that was put into it, and its
        // children are not in the backup.
        var copied: UInt64?
        do throws(LogError) { copied = try backup.copyLog(LogStore.catalogueLogID) } catch { throw KinesisError(error, path: path) }
        guard let end = copied else { throw .storage(.closed) }
        let state = try catalogue.state(below: end)
        let logIDs = state.streams.values.flatMap { $0.shards.map(\.logID) }.sorted()
        for id in logIDs {
            try core.checkOpen()
            do throws(LogError) { try backup.copyLog(id) } catch { throw KinesisError(error, path: path) }
        }
        let contents: BackupContents
        do throws(LogError) { contents = try backup.finish() } catch { throw KinesisError(error, path: path) }
        return BackupReport(
            path: path, streamCount: state.streams.count, shardCount: logIDs.count, contents)
    }
}
