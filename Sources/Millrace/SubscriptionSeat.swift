import MillraceIO
package import MillraceModel
import Synchronization

/// The place that one subscription has in its registry: whoever takes it over ends the subscription through it.
///
/// A class because the registry, the subscription and its tasks share it. It holds none of them.
final class SubscriptionSeat: Sendable {
    let key: SubscriptionKey
    /// By the steady clock.
    let startNanoseconds: Int64
    let bell = Doorbell()
    /// Release, acquire: what was done before the end is seen by who learns of it. The ring comes after.
    private let ended = Atomic<Bool>(false)
    /// How often a sleeping task of the subscription woke. Relaxed: a count for tests and metrics.
    private let wakes = Atomic<Int>(0)

    init(_ key: SubscriptionKey, startNanoseconds: Int64) {
        self.key = key
        self.startNanoseconds = startNanoseconds
    }

    var isEnded: Bool { ended.load(ordering: .acquiring) }
    var wakeCount: Int { wakes.load(ordering: .relaxed) }

    func end() {
        ended.store(true, ordering: .releasing)
        bell.ring()
    }

    func countWake() { wakes.add(1, ordering: .relaxed) }
}

/// One consumer on one shard.
package struct SubscriptionKey: Hashable, Sendable {
    /// What tells consumers of all streams of the store apart: the ARN, which names the stream as well.
    package let consumer: String
    /// The stream's identity, which a later stream of the same name does not share.
    package let streamID: UInt64
    package let shardID: ShardID

    package init(consumer: String, streamID: UInt64, shardID: ShardID) {
        self.consumer = consumer
        self.streamID = streamID
        self.shardID = shardID
    }
}
