#if canImport(CLevelDB)
    import CLevelDB

    /// LevelDB as a log: ordinals as keys that sort, a write batch for each append, its write-ahead log, Snappy.
    @safe
    struct LevelDBLog: PeerLog, ~Copyable {
        static let engine = "leveldb"
        static let codec = "snappy"

        private let options: OpaquePointer
        private let database: OpaquePointer
        private let batch: OpaquePointer
        private let writing: OpaquePointer
        private let value = PackedRecord()
        private let durability: Durability

        static func setting(for durability: Durability) -> String {
            switch durability {
            case .written: "log, sync=false"
            case .synced: "log, sync=false, a write with sync=true every 10 ms"
            case .durable: "log, sync=true"
            }
        }

        init(in directory: String, durability: Durability) throws {
            // Safe because each of these is made here, and destroyed in `deinit` or where opening fails.
            let options = unsafe leveldb_options_create()!
            unsafe leveldb_options_set_create_if_missing(options, 1)
            // What is read in order wants larger blocks. A write buffer as RocksDB has it by itself, for fewer merges.
            unsafe leveldb_options_set_block_size(options, 64 << 10)
            unsafe leveldb_options_set_write_buffer_size(options, 64 << 20)
            unsafe leveldb_options_set_max_file_size(options, 64 << 20)
            var opened: OpaquePointer?
            do {
                try unsafe checked("leveldb_open", leveldb_free) {
                    unsafe opened = leveldb_open(options, directory, $0)
                }
            } catch {
                unsafe leveldb_options_destroy(options)
                throw error
            }
            unsafe self.options = options
            unsafe database = opened!
            unsafe batch = leveldb_writebatch_create()
            unsafe writing = leveldb_writeoptions_create()
            self.durability = durability
        }

        // Safe because nothing uses them any more; the database goes before what it was opened with.
        deinit {
            unsafe leveldb_writeoptions_destroy(writing)
            unsafe leveldb_writebatch_destroy(batch)
            unsafe leveldb_close(database)
            unsafe leveldb_options_destroy(options)
        }

        var version: String { "\(leveldb_major_version()).\(leveldb_minor_version())" }

        mutating func append(_ set: RecordSet, _ ordinals: Range<Int>, isSynced: Bool) throws {
            // Safe because the batch belongs to this log.
            unsafe leveldb_writebatch_clear(batch)
            set.forEach(ordinals) { ordinal, key, data in
                // Safe because LevelDB copies key and value.
                unsafe value.withBytes(key: key, data: data) { value in
                    unsafe withUnsafeBytes(of: PackedRecord.sortable(ordinal)) { name in
                        unsafe leveldb_writebatch_put(
                            batch, name.bindMemory(to: CChar.self).baseAddress, name.count,
                            value.bindMemory(to: CChar.self).baseAddress, value.count)
                    }
                }
            }
            unsafe leveldb_writeoptions_set_sync(writing, isSynced || durability == .durable ? 1 : 0)
            try unsafe checked("leveldb_write", leveldb_free) { unsafe leveldb_write(database, writing, batch, $0) }
        }

        func scan(_ body: (RawSpan, RawSpan) -> Void) throws {
            // Safe because what is made here is destroyed here, and a value stays until its iterator moves.
            let reading = unsafe leveldb_readoptions_create()
            defer { unsafe leveldb_readoptions_destroy(reading) }
            unsafe leveldb_readoptions_set_fill_cache(reading, 0)
            let iterator = unsafe leveldb_create_iterator(database, reading)
            defer { unsafe leveldb_iter_destroy(iterator) }
            unsafe leveldb_iter_seek_to_first(iterator)
            while unsafe leveldb_iter_valid(iterator) != 0 {
                var byteCount = 0
                let value = unsafe leveldb_iter_value(iterator, &byteCount)
                try unsafe PackedRecord.read(UnsafeRawBufferPointer(start: value, count: byteCount), body)
                unsafe leveldb_iter_next(iterator)
            }
            try unsafe checked("leveldb_iter_next", leveldb_free) { unsafe leveldb_iter_get_error(iterator, $0) }
        }
    }
#endif
