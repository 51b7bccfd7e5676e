#if canImport(CSQLite)
    import CSQLite

    /// An open SQLite database. One thread only.
    @safe
    struct Database: ~Copyable {
        fileprivate let handle: OpaquePointer

        init(path: String) throws {
            var opened: OpaquePointer?
            // Safe because SQLite copies the path and `opened` outlives the call.
            let status = unsafe sqlite3_open(path, &opened)
            guard status == SQLITE_OK, let opened = unsafe opened else {
                throw BenchError("sqlite3_open \(path): status \(status)")
            }
            unsafe handle = opened
        }

        // Closing the last connection checkpoints, and removes the write-ahead log.
        deinit { unsafe _ = sqlite3_close_v2(handle) }

        func execute(_ sql: String) throws {
            // Safe because the text outlives the call and nothing is called back.
            guard unsafe sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw failure(sql) }
        }

        func failure(_ what: String) -> BenchError {
            // Safe because the message stays until the next call on this handle.
            BenchError("sqlite: \(what): \(unsafe String(cString: sqlite3_errmsg(handle)))")
        }

        static var version: String {
            // Safe because the version is a constant string.
            unsafe String(cString: sqlite3_libversion())
        }
    }

    /// A prepared statement. It must not outlive its database.
    @safe
    struct Statement: ~Copyable {
        private let handle: OpaquePointer

        init(_ sql: String, of database: borrowing Database) throws {
            var prepared: OpaquePointer?
            // Safe because SQLite copies the text and `prepared` outlives the call.
            guard unsafe sqlite3_prepare_v2(database.handle, sql, -1, &prepared, nil) == SQLITE_OK,
                let prepared = unsafe prepared
            else { throw database.failure(sql) }
            unsafe handle = prepared
        }

        deinit { unsafe _ = sqlite3_finalize(handle) }

        /// Runs a statement that returns no row, so that it can run again.
        func run(_ database: borrowing Database) throws {
            unsafe _ = sqlite3_step(handle)
            guard unsafe sqlite3_reset(handle) == SQLITE_OK else { throw database.failure("step") }
        }

        func insert(_ ordinal: Int, key: RawSpan, data: RawSpan, _ database: borrowing Database) throws {
            // Safe because the spans outlive the step, after which SQLite has copied what it keeps (a null destructor
            // means that it does not own them).
            try unsafe key.withUnsafeBytes { key in
                try unsafe data.withUnsafeBytes { data in
                    unsafe sqlite3_bind_int64(handle, 1, Int64(ordinal))
                    unsafe sqlite3_bind_text(
                        handle, 2, key.bindMemory(to: CChar.self).baseAddress, Int32(key.count), nil)
                    unsafe sqlite3_bind_blob(handle, 3, data.baseAddress, Int32(data.count), nil)
                    try run(database)
                }
            }
        }

        /// Steps through the rows of a query whose first two columns are key and data.
        func forEachRecord(_ database: borrowing Database, _ body: (RawSpan, RawSpan) -> Void) throws {
            while true {
                switch unsafe sqlite3_step(handle) {
                case SQLITE_ROW:
                    // Safe because a column's bytes stay until the next step, and the closure cannot keep a span.
                    let key = unsafe UnsafeRawBufferPointer(
                        start: sqlite3_column_text(handle, 0), count: Int(sqlite3_column_bytes(handle, 0)))
                    let data = unsafe UnsafeRawBufferPointer(
                        start: sqlite3_column_blob(handle, 1), count: Int(sqlite3_column_bytes(handle, 1)))
                    unsafe body(key.bytes, data.bytes)
                case SQLITE_DONE: return
                default: throw database.failure("step")
                }
            }
        }
    }
#endif
