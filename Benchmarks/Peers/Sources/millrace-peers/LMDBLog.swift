#if canImport(CLMDB)
    import CLMDB

    /// LMDB as a log: integer keys, appended at the end of its tree without a search, values written in place.
    @safe
    struct LMDBLog: PeerLog, ~Copyable {
        static let engine = "lmdb"
        /// Address space, and the most that the file can hold.
        private static let mapByteCount = 8 << 30

        private let environment: OpaquePointer
        private let database: MDB_dbi

        static func setting(for durability: Durability) -> String {
            switch durability {
            case .written: "MDB_NOSYNC"
            case .synced: "MDB_NOSYNC, mdb_env_sync every 10 ms on another thread"
            case .durable: "synced by each commit"
            }
        }

        init(in directory: String, durability: Durability) throws {
            var made: OpaquePointer?
            // Safe because what is passed outlives the calls, and the environment is closed when opening it fails.
            try unsafe check(mdb_env_create(&made), "mdb_env_create")
            guard let made = unsafe made else { throw BenchError("lmdb: no environment") }
            do {
                try unsafe check(mdb_env_set_mapsize(made, Self.mapByteCount), "mdb_env_set_mapsize")
                // Without MDB_WRITEMAP, which was faster only where 100 B are synced every 10 ms, and half as fast where
                // nothing is synced or each commit.
                let flags = durability == .durable ? 0 : MDB_NOSYNC
                try unsafe check(mdb_env_open(made, directory, UInt32(flags), 0o644), "mdb_env_open")
                database = try unsafe Self.transaction(in: made, flags: 0) { transaction in
                    var opened = MDB_dbi()
                    try unsafe check(mdb_dbi_open(transaction, nil, UInt32(MDB_INTEGERKEY), &opened), "mdb_dbi_open")
                    return opened
                }
            } catch {
                unsafe mdb_env_close(made)
                throw error
            }
            unsafe environment = made
        }

        // Safe because every transaction has ended.
        deinit { unsafe mdb_env_close(environment) }

        var version: String {
            var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
            // Safe because the numbers outlive the call; the text is not used.
            unsafe _ = mdb_version(&major, &minor, &patch)
            return "\(major).\(minor).\(patch)"
        }

        var synchronise: (@Sendable () throws -> Void)? {
            // Safe because LMDB lets any thread sync, and the caller stops before the environment is closed.
            nonisolated(unsafe) let environment = unsafe environment
            return { try unsafe check(mdb_env_sync(environment, 1), "mdb_env_sync") }
        }

        mutating func append(_ set: RecordSet, _ ordinals: Range<Int>, isSynced: Bool) throws {
            try unsafe Self.transaction(in: environment, flags: 0) { transaction in
                var cursor: OpaquePointer?
                // Safe because the cursor is used within its transaction and closed before that ends.
                try unsafe check(mdb_cursor_open(transaction, database, &cursor), "mdb_cursor_open")
                defer { unsafe mdb_cursor_close(cursor) }
                try set.forEach(ordinals) { ordinal, key, data in
                    var number = ordinal
                    // Safe because LMDB copies the number and lends the room that it was asked for until the next call.
                    try unsafe withUnsafeMutableBytes(of: &number) { number in
                        var name = unsafe MDB_val(mv_size: number.count, mv_data: number.baseAddress)
                        var value = unsafe MDB_val(
                            mv_size: PackedRecord.byteCount(key: key, data: data), mv_data: nil)
                        try unsafe check(
                            mdb_cursor_put(cursor, &name, &value, UInt32(MDB_APPEND | MDB_RESERVE)), "mdb_cursor_put")
                        unsafe PackedRecord.write(key: key, data: data, to: value.mv_data)
                    }
                }
            }
        }

        func scan(_ body: (RawSpan, RawSpan) -> Void) throws {
            try unsafe Self.transaction(in: environment, flags: UInt32(MDB_RDONLY)) { transaction in
                var cursor: OpaquePointer?
                // Safe because the cursor is used within its transaction, and values stay in the map until that ends.
                try unsafe check(mdb_cursor_open(transaction, database, &cursor), "mdb_cursor_open")
                defer { unsafe mdb_cursor_close(cursor) }
                var name = unsafe MDB_val()
                var value = unsafe MDB_val()
                while true {
                    let status = unsafe mdb_cursor_get(cursor, &name, &value, MDB_NEXT)
                    if status == MDB_NOTFOUND { return }
                    try check(status, "mdb_cursor_get")
                    try unsafe PackedRecord.read(
                        UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size), body)
                }
            }
        }

        /// Does `work` in a transaction, which is committed, or aborted when it throws.
        private static func transaction<Result>(
            in environment: OpaquePointer, flags: UInt32, _ work: (OpaquePointer) throws -> Result
        ) throws -> Result {
            var begun: OpaquePointer?
            // Safe because the transaction ends here, whichever way.
            try unsafe check(mdb_txn_begin(environment, nil, flags, &begun), "mdb_txn_begin")
            guard let transaction = unsafe begun else { throw BenchError("lmdb: no transaction") }
            let result: Result
            do {
                result = try unsafe work(transaction)
            } catch {
                unsafe mdb_txn_abort(transaction)
                throw error
            }
            try unsafe check(mdb_txn_commit(transaction), "mdb_txn_commit")
            return result
        }
    }

    @inline(__always)
    private func check(_ status: Int32, _ call: String) throws {
        // Safe because the message is a constant string, or stays until the next call on this thread.
        guard status == 0 else { throw BenchError("\(call): \(unsafe String(cString: mdb_strerror(status)))") }
    }
#endif
