import MillraceModel

/// Streams that a reshard may have changed in a way that no answer told. A value.
struct ReshardTarget {
    let streams: [Int]
    /// How many shards it wanted; nil when that was the store's to say.
    let count: Int?

    init?(_ action: StreamAction, _ actor: StreamActor) {
        switch action {
        case .updateShardCount(let stream, let choice):
            guard let count = actor.count(choice, stream) else { return nil }
            (streams, self.count) = ([stream], count)
        case .scale:
            let names = actor.model.streams.filter { $0.value.mode == .onDemand }.keys.sorted()
            (streams, count) = (names.map { Int($0.dropFirst()) ?? 0 }, nil)
        default: return nil
        }
    }
}
