#if Tools
    import MillraceIO

    /// How often what happened in a retention run. A class because all threads count.
    final class RetentionTally: Sendable {
        enum Event: Int, CaseIterable {
            case sweep, retired, recycled, compaction, gap, replay, reshard, expiredShard, kill, fullDisk, refusal, backup
        }
        private let counts: Guarded<[Int]>

        init() { counts = Guarded(Array(repeating: 0, count: Event.allCases.count)) }

        func add(_ event: Event, _ count: Int = 1) { counts.withLock { $0[event.rawValue] += count } }
        subscript(_ event: Event) -> Int { counts.withLock { $0[event.rawValue] } }

        /// One line.
        var summary: String {
            "\(self[.sweep]) sweeps, \(self[.retired]) segments retired (\(self[.recycled]) used again), "
                + "\(self[.compaction]) compactions, \(self[.reshard]) reshards, \(self[.expiredShard]) shards expired, "
                + "\(self[.kill]) kills, \(self[.fullDisk]) full disks (\(self[.refusal]) puts refused), \(self[.backup]) backups, "
                + "\(self[.replay]) replays, \(self[.gap]) gaps declared"
        }
    }
#endif
