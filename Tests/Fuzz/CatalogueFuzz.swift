import Millrace
import MillraceModel

/// Records of the catalogue: an error, or a stream whose shards cover the hash ring once; written again it is the same.
enum CatalogueFuzz {
    static func run(_ input: Input) {
        var input = input
        _ = input.byte()
        let bytes = input.rest()
        guard let record = try? CatalogueRecord(bytes) else { return }
        let again = try? CatalogueRecord(record.bytes)
        require(again == record, "\(record) was written as \(String(describing: again))")
        require(record.bytes.count <= bytes.count, "\(record.bytes.count) bytes came out of \(bytes.count)")
        guard case .streamCreated(let stream) = record else { return }
        require(Limits.shardCount.contains(stream.shards.count), "\(stream.shards.count) shards")
        var next: UInt128? = 0
        for (index, shard) in stream.shards.enumerated() {
            require(
                Int(shard.shardID.index) == index && shard.hashKeyRange.starting.value == next, "shard \(index) follows"
            )
            next = shard.hashKeyRange.ending == .max ? nil : shard.hashKeyRange.ending.value + 1
        }
        require(next == nil, "the ring is covered to its end")
    }
}
