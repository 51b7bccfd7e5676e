import Millrace
import MillraceModel

/// Records of the catalogue: an error, or a change that is the same when it is written again, and whatever sequence of them
/// is applied, the open shards of every stream cover the hash ring once.
enum CatalogueFuzz {
    static func run(_ input: Input) {
        var input = input
        guard Options(rawValue: input.byte()).repairs else {
            let bytes = input.rest()
            guard let record = try? CatalogueRecord(bytes) else { return }
            return check(record, bytes.count)
        }
        var state = CatalogueState()
        while !input.isEmpty {
            let bytes = input.take(Int(input.number(UInt16.self)))
            guard let record = try? CatalogueRecord(bytes) else { continue }
            check(record, bytes.count)
            let before = state
            do { try state.apply(record) } catch {
                require(state == before, "a change that does not fit leaves the rest as it was")
            }
            for stream in state.streams.values { check(stream) }
        }
    }

    private static func check(_ record: CatalogueRecord, _ byteCount: Int) {
        let again = try? CatalogueRecord(record.bytes)
        require(again == record, "\(record) was written as \(String(describing: again))")
        require(record.bytes.count <= byteCount, "\(record.bytes.count) bytes came out of \(byteCount)")
        if case .streamCreated(let stream) = record { check(stream) }
    }

    private static func check(_ stream: StreamDescription) {
        var next: UInt128? = 0
        for shard in stream.openShards {
            require(shard.hashKeyRange.starting.value == next, "\(shard.shardID) follows")
            next = shard.hashKeyRange.ending == .max ? nil : shard.hashKeyRange.ending.value + 1
        }
        require(next == nil, "the ring is covered to its end")
        for (shard, following) in zip(stream.shards, stream.shards.dropFirst()) {
            require(shard.shardID < following.shardID, "\(shard.shardID) has a number of its own")
        }
        for shard in stream.shards {
            for parent in shard.parents {
                guard let parent = stream.shard(parent) else { continue }
                require(parent.creationSecond < shard.creationSecond, "\(shard.shardID) is younger than its parents")
                require(parent.closing != nil, "\(parent.shardID) is closed")
            }
        }
    }
}
