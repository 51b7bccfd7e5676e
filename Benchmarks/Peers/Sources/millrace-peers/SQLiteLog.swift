#if canImport(CSQLite)
    /// SQLite as people use it for a log: one table, its rows in order of an integer key, write-ahead logging.
    struct SQLiteLog: PeerLog, ~Copyable {
        static let engine = "sqlite"

        private let database: Database
        private let insert: Statement
        private let begin: Statement
        private let commit: Statement
        private let durability: Durability

        /// NORMAL syncs nothing at a commit and what is needed at a checkpoint, so that a power cut takes the last
        /// records and no more: what `written` says. OFF might lose the database.
        static func setting(for durability: Durability) -> String {
            switch durability {
            case .written: "WAL, synchronous=NORMAL"
            case .synced: "WAL, synchronous=NORMAL, a FULL commit every 10 ms"
            case .durable: "WAL, synchronous=FULL"
            }
        }

        init(in directory: String, durability: Durability) throws {
            let database = try Database(path: "\(directory)/log.sqlite")
            // Larger pages and fewer checkpoints than it has by itself, and no other process to agree with.
            for pragma in [
                "page_size=8192", "locking_mode=EXCLUSIVE", "journal_mode=WAL", "wal_autocheckpoint=4000",
                "cache_size=-65536", "mmap_size=8589934592",
                "synchronous=\(durability == .durable ? "FULL" : "NORMAL")",
            ] {
                try database.execute("PRAGMA \(pragma)")
            }
            try database.execute(
                "CREATE TABLE IF NOT EXISTS records"
                    + "(ordinal INTEGER PRIMARY KEY, key TEXT NOT NULL, data BLOB NOT NULL)")
            let insert = try Statement("INSERT INTO records VALUES(?,?,?)", of: database)
            let begin = try Statement("BEGIN", of: database)
            let commit = try Statement("COMMIT", of: database)
            self.database = database
            self.insert = insert
            self.begin = begin
            self.commit = commit
            self.durability = durability
        }

        var version: String { Database.version }

        mutating func append(_ set: RecordSet, _ ordinals: Range<Int>, isSynced: Bool) throws {
            // Which of the two it is can only change outside a transaction.
            if isSynced { try database.execute("PRAGMA synchronous=FULL") }
            try begin.run(database)
            try set.forEach(ordinals) { try insert.insert($0, key: $1, data: $2, database) }
            try commit.run(database)
            if isSynced && durability != .durable { try database.execute("PRAGMA synchronous=NORMAL") }
        }

        func scan(_ body: (RawSpan, RawSpan) -> Void) throws {
            let query = try Statement("SELECT key, data FROM records ORDER BY ordinal", of: database)
            try query.forEachRecord(database, body)
        }
    }
#endif
