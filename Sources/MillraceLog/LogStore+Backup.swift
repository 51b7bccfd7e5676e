import MillraceIO

/// What a backup of an open store needs of it.
extension LogStore {
    /// Begins a backup of the store into a directory at `path`, which must not exist or be empty. Writing and reading
    /// go on.
    ///
    /// The caller says which logs belong to the backup, one `copyLog` for each, and ends it with `finish` or `discard`.
    /// What was durable when a log's `copyLog` is called is in it. Until the end no log's files are removed.
    /// - Throws: `io`, `storageFull`, `closed`: then nothing is left.
    package func beginBackup(
        to path: String, _ choices: BackupChoices = BackupChoices()
    ) throws(LogError) -> StoreBackup {
        let logs = try directory()
        let target = try BackupTarget(path: path, io: shared.io, entropy: shared.entropy)
        return StoreBackup(.open(self), logs: logs, target: target, choices)
    }

    /// Lets `body` copy a log's files: with the log when somebody has it open, else with nil, and then nobody opens it
    /// meanwhile.
    func withLogForCopying<Answer>(
        _ id: UInt64, _ body: (ShardLog?) throws(LogError) -> Answer
    ) throws(LogError) -> Answer {
        while true {
            _ = try directory()
            let key = copied.prepare()
            let claim: (log: ShardLog?, isClaimed: Bool) = logs.withLock { logs in
                if let open = logs.open[id] { return (open, false) }
                return (nil, logs.copying.insert(id).inserted)
            }
            guard claim.log != nil || claim.isClaimed else {
                copied.wait(key)
                continue
            }
            copied.cancel()
            defer {
                if claim.isClaimed {
                    logs.withLock { _ = $0.copying.remove(id) }
                    copied.notify()
                }
            }
            return try body(claim.log)
        }
    }

    /// Whether the files of a log that is being removed stay for now: `endHold` removes them.
    func holdsFiles(of id: UInt64) -> Bool {
        logs.withLock { logs in
            guard shared.holds.isHeld else { return false }
            logs.held.insert(id)
            return true
        }
    }

    func beginHold() { shared.holds.take() }

    func endHold() {
        // Under the lock under which it is asked: no removal is put off behind the last one's back.
        let held = logs.withLock { logs -> Set<UInt64> in
            guard shared.holds.giveBack() else { return [] }
            defer { logs.held = [] }
            return logs.held
        }
        // What cannot be removed now is removed when the store is opened: no list has these logs any more.
        for id in held.sorted() { _ = try? removeLog(id) }
    }
}
