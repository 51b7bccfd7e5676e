package import MillraceModel

/// Which shards a list shows: the filter of ListShards, decided. A value.
package enum ShardSelection: Hashable, Sendable {
    case all
    case after(ShardID)
    case atTrimHorizon
    case atLatest
    case atTimestamp(UInt64)
    case fromTimestamp(UInt64)

    package init(_ filter: ShardFilter?) throws(KinesisError) {
        let milliseconds = UInt64(max(0, filter?.timestampMilliseconds ?? 0))
        switch filter?.type.flatMap(ShardFilterType.init) {
        case nil, .fromTrimHorizon: self = .all
        case .afterShardID: self = .after(try ShardID(filter?.shardID ?? ""))
        case .atTrimHorizon: self = .atTrimHorizon
        case .atLatest: self = .atLatest
        case .atTimestamp: self = .atTimestamp(milliseconds)
        case .fromTimestamp: self = .fromTimestamp(milliseconds)
        }
    }

    /// - Parameters:
    ///   - shards: those that are visible, in order of their indices.
    ///   - horizon: milliseconds since 1970 UTC; a time before it means it.
    package func select(_ shards: [ShardDescription], horizon: UInt64) -> [ShardDescription] {
        switch self {
        case .all: shards
        case .after(let id): shards.filter { $0.shardID > id }
        case .atLatest: shards.filter { $0.closing == nil }
        case .atTrimHorizon: Self.open(shards, at: max(horizon, Self.beginning(of: shards)))
        case .atTimestamp(let time): Self.open(shards, at: max(time, horizon))
        case .fromTimestamp(let time):
            shards.filter { $0.closing.map { $0.lastMillisecond >= max(time, horizon) } ?? true }
        }
    }

    private static func open(_ shards: [ShardDescription], at milliseconds: UInt64) -> [ShardDescription] {
        shards.filter { shard in
            shard.creationSecond * 1000 <= milliseconds && (shard.closing.map { milliseconds <= $0.lastMillisecond } ?? true)
        }
    }

    /// Before the oldest shard there was nothing that a horizon could lie in.
    private static func beginning(of shards: [ShardDescription]) -> UInt64 {
        (shards.map(\.creationSecond).min() ?? 0) * 1000
    }
}

/// Where a list of shards goes on. A value, kept in a token.
package struct ShardPage: Hashable, Sendable {
    /// The index of the last shard shown.
    package let after: UInt32?
    package let filter: ShardSelection

    package init(after: UInt32?, filter: ShardSelection) {
        self.after = after
        self.filter = filter
    }

    init(_ request: ListShardsRequest) throws(KinesisError) {
        after = try request.exclusiveStartShardID.map { text throws(KinesisError) in try ShardID(text).index }
        filter = try ShardSelection(request.shardFilter)
    }

    // The bytes of a token: index 4, kind 1, number 8.

    package var bytes: [UInt8] {
        let (kind, number): (UInt8, UInt64) =
            switch filter {
            case .all: (1, 0)
            case .after(let id): (2, UInt64(id.index))
            case .atTrimHorizon: (3, 0)
            case .atLatest: (4, 0)
            case .atTimestamp(let time): (5, time)
            case .fromTimestamp(let time): (6, time)
            }
        return CatalogueFields.bytes(of: after ?? .max) + [kind] + CatalogueFields.bytes(of: number)
    }

    package init?(_ bytes: [UInt8]) {
        guard bytes.count == 13 else { return nil }
        let index: UInt32 = bytes[...].word(0)
        let number: UInt64 = bytes[...].word(5)
        after = index == .max ? nil : index
        switch bytes[4] {
        case 1: filter = .all
        case 2: filter = .after(ShardID(index: UInt32(truncatingIfNeeded: number)))
        case 3: filter = .atTrimHorizon
        case 4: filter = .atLatest
        case 5: filter = .atTimestamp(number)
        case 6: filter = .fromTimestamp(number)
        default: return nil
        }
    }
}
