import Millrace
import MillraceIO
import MillraceModel
import Testing

/// Aim: a subscription that is polled on one thread says what one that is awaited says, and waits for nothing.
/// Method: a shard made up for the purpose, and time by hand.
@Suite struct SubscriptionPollTests {
    private typealias Stage = SubscriptionTests.Stage

    private static func texts(_ standing: Subscription.Standing) -> [String]? {
        if case .event(let event) = standing { event.texts } else { nil }
    }
    private static func due(_ standing: Subscription.Standing) -> Int64? {
        if case .waiting(let due) = standing { due } else { nil }
    }
    private static func isEnded(_ standing: Subscription.Standing) -> Bool {
        if case .ended = standing { true } else { false }
    }

    @Test func `polling pushes each record once and in order, and waits for the end when there is none`() throws {
        let stage = Stage()
        let start = stage.time.clock.steadyNanoseconds()
        let subscription = try stage.subscribe { $0.eventRecordCount = 2 }
        for text in ["a", "b", "c"] { try stage.shard.put(text) }
        #expect(Self.texts(try subscription.poll()) == ["a", "b"])
        #expect(Self.texts(try subscription.poll()) == ["c"])
        for _ in 0..<2 { #expect(Self.due(try subscription.poll()) == start + 300_000_000_000) }
        try stage.shard.put("d")
        #expect(Self.texts(try subscription.poll()) == ["d"])
        stage.time.advance(milliseconds: 299_999)
        #expect(Self.due(try subscription.poll()) != nil)
        stage.time.advance(milliseconds: 1)
        #expect(Self.isEnded(try subscription.poll()))
        #expect(stage.registry.count == 0)
    }

    @Test func `polling gives a heartbeat when it is due, and tells when the next is`() throws {
        let stage = Stage()
        let start = stage.time.clock.steadyNanoseconds()
        let subscription = try stage.subscribe { $0.heartbeatNanoseconds = 5_000_000_000 }
        #expect(Self.due(try subscription.poll()) == start + 5_000_000_000)
        stage.time.advance(milliseconds: 5_000)
        #expect(Self.texts(try subscription.poll()) == [])
        #expect(Self.due(try subscription.poll()) == start + 10_000_000_000)
    }

    @Test func `polling waits until what was pushed is paid for`() throws {
        let stage = Stage()
        let start = stage.time.clock.steadyNanoseconds()
        let subscription = try stage.subscribe {
            $0.eventRecordCount = 1
            $0.budget = { _, _ in 1_000_000_000 }
        }
        for text in ["a", "b"] { try stage.shard.put(text) }
        #expect(Self.texts(try subscription.poll()) == ["a"])
        #expect(Self.due(try subscription.poll()) == start + 1_000_000_000)
        stage.time.advance(milliseconds: 1_000)
        #expect(Self.texts(try subscription.poll()) == ["b"])
    }

    @Test func `polling tells the children once, and then that it is over; so it does after a take-over`() throws {
        let stage = Stage()
        let subscription = try stage.subscribe()
        stage.shard.close([])
        guard case .event(let event) = try subscription.poll() else {
            Issue.record("the shard's end was not told")
            return
        }
        #expect(event.continuationSequenceNumber == nil && event.records.isEmpty)
        #expect(Self.isEnded(try subscription.poll()))
        stage.time.advance(milliseconds: 5_000)
        let next = try stage.subscribe()
        stage.time.advance(milliseconds: 5_000)
        let last = try stage.subscribe()
        #expect(Self.isEnded(try next.poll()))
        #expect(!Self.isEnded(try last.poll()))
    }
}
