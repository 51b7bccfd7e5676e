/// The engines that can be measured, by the names that rows and the command line have.
enum PeerEngine: String, CaseIterable {
    case sqlite, lmdb, rocksdb, leveldb, redis, nats

    func measure(_ run: PeerRun) throws -> [Row] {
        switch self {
        case .sqlite:
            #if canImport(CSQLite)
                return try run.measure(SQLiteLog.self)
            #else
                throw NotOffered("built without libsqlite3-dev")
            #endif
        case .lmdb:
            #if canImport(CLMDB)
                return try run.measure(LMDBLog.self)
            #else
                throw NotOffered("built without liblmdb-dev")
            #endif
        case .rocksdb:
            #if canImport(CRocksDB)
                return try run.measure(RocksDBLog.self)
            #else
                throw NotOffered("built without librocksdb-dev")
            #endif
        case .leveldb:
            #if canImport(CLevelDB)
                return try run.measure(LevelDBLog.self)
            #else
                throw NotOffered("built without libleveldb-dev")
            #endif
        case .redis:
            #if canImport(CHiredis)
                return try run.measure(RedisLog.self)
            #else
                throw NotOffered("built without libhiredis-dev")
            #endif
        case .nats:
            #if canImport(CNATS)
                return try run.measure(NATSLog.self)
            #else
                throw NotOffered("built without libnats-dev")
            #endif
        }
    }
}
