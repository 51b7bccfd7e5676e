#if canImport(CRocksDB)
    import CRocksDB
    import Foundation

    /// RocksDB as a log: ordinals as keys that sort, a write batch for each append, its write-ahead log, LZ4.
    @safe
    struct RocksDBLog: PeerLog, ~Copyable {
        static let engine = "rocksdb"
        static let codec = "lz4"

        private let options: OpaquePointer
        private let database: OpaquePointer
        private let batch: OpaquePointer
        private let writing: OpaquePointer
        private let value = PackedRecord()
        let version: String

        static func setting(for durability: Durability) -> String {
            switch durability {
            case .written: "WAL, sync=false"
            case .synced: "WAL, sync=false, the WAL synced every 10 ms on another thread"
            case .durable: "WAL, sync=true"
            }
        }

        init(in directory: String, durability: Durability) throws {
            // Safe because each of these is made here, and destroyed in `deinit` or where opening fails.
            let options = unsafe rocksdb_options_create()!
            unsafe rocksdb_options_set_create_if_missing(options, 1)
            unsafe rocksdb_options_set_compression(options, Int32(rocksdb_lz4_compression))
            unsafe rocksdb_options_increase_parallelism(options, Int32(ProcessInfo.processInfo.activeProcessorCount))
            // What is read in order wants larger blocks.
            let table = unsafe rocksdb_block_based_options_create()
            unsafe rocksdb_block_based_options_set_block_size(table, 64 << 10)
            unsafe rocksdb_options_set_block_based_table_factory(options, table)
            unsafe rocksdb_block_based_options_destroy(table)
            var opened: OpaquePointer?
            do {
                try unsafe checked("rocksdb_open", rocksdb_free) {
                    unsafe opened = rocksdb_open(options, directory, $0)
                }
            } catch {
                unsafe rocksdb_options_destroy(options)
                throw error
            }
            unsafe self.options = options
            unsafe database = opened!
            unsafe batch = rocksdb_writebatch_create()
            unsafe writing = rocksdb_writeoptions_create()
            unsafe rocksdb_writeoptions_set_sync(writing, durability == .durable ? 1 : 0)
            version = Self.version(in: directory)
        }

        // Safe because nothing uses them any more; the database goes before what it was opened with.
        deinit {
            unsafe rocksdb_writeoptions_destroy(writing)
            unsafe rocksdb_writebatch_destroy(batch)
            unsafe rocksdb_close(database)
            unsafe rocksdb_options_destroy(options)
        }

        var synchronise: (@Sendable () throws -> Void)? {
            // Safe because RocksDB lets any thread sync, and the caller stops before the database is closed.
            nonisolated(unsafe) let database = unsafe database
            return {
                try unsafe checked("rocksdb_flush_wal", rocksdb_free) { unsafe rocksdb_flush_wal(database, 1, $0) }
            }
        }

        mutating func append(_ set: RecordSet, _ ordinals: Range<Int>, isSynced: Bool) throws {
            // Safe because the batch belongs to this log.
            unsafe rocksdb_writebatch_clear(batch)
            set.forEach(ordinals) { ordinal, key, data in
                // Safe because RocksDB copies key and value.
                unsafe value.withBytes(key: key, data: data) { value in
                    unsafe withUnsafeBytes(of: PackedRecord.sortable(ordinal)) { name in
                        unsafe rocksdb_writebatch_put(
                            batch, name.bindMemory(to: CChar.self).baseAddress, name.count,
                            value.bindMemory(to: CChar.self).baseAddress, value.count)
                    }
                }
            }
            try unsafe checked("rocksdb_write", rocksdb_free) { unsafe rocksdb_write(database, writing, batch, $0) }
        }

        func scan(_ body: (RawSpan, RawSpan) -> Void) throws {
            // Safe because what is made here is destroyed here, and a value stays until its iterator moves.
            let reading = unsafe rocksdb_readoptions_create()
            defer { unsafe rocksdb_readoptions_destroy(reading) }
            unsafe rocksdb_readoptions_set_fill_cache(reading, 0)
            unsafe rocksdb_readoptions_set_readahead_size(reading, 2 << 20)
            let iterator = unsafe rocksdb_create_iterator(database, reading)
            defer { unsafe rocksdb_iter_destroy(iterator) }
            unsafe rocksdb_iter_seek_to_first(iterator)
            while unsafe rocksdb_iter_valid(iterator) != 0 {
                var byteCount = 0
                let value = unsafe rocksdb_iter_value(iterator, &byteCount)
                try unsafe PackedRecord.read(UnsafeRawBufferPointer(start: value, count: byteCount), body)
                unsafe rocksdb_iter_next(iterator)
            }
            try unsafe checked("rocksdb_iter_next", rocksdb_free) { unsafe rocksdb_iter_get_error(iterator, $0) }
        }

        /// As its file of options has it: the C interface does not say.
        private static func version(in directory: String) -> String {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
            let name = names.first { $0.hasPrefix("OPTIONS-") } ?? ""
            let text = (try? String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8)) ?? ""
            return text.firstMatch(of: /rocksdb_version=([0-9.]+)/).map { String($0.1) } ?? "unknown"
        }
    }
#endif
