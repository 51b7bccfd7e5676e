import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import Testing

/// Aim: what an on-demand stream was used in its last 30 days outlives the process. Method: minutes by hand; ends of each kind.
@Suite(.timeLimit(.minutes(1))) struct PeakKeepingTests {
    private static func minute(_ store: StreamStore, _ test: TestStore, puts: Int = 1) throws {
        for index in 0..<puts {
            try store.stream("d").putBlocking("x".utf8Span.span, partitionKey: "\(index)", ack: .published)
        }
        test.clock.advance(milliseconds: 60_000)
        try store.scaleStep()
    }

    private static func open(_ test: TestStore) throws -> StreamStore {
        var test = test
        test.configuration.workerCount = 0
        return try test.open()
    }

    @Test func `a peak survives a close, and a later opening goes on from it`() throws {
        let test = TestStore()
        var store = try Self.open(test)
        try store.make("d", shards: nil) { $0.streamModeDetails = StreamModeDetails(.onDemand) }
        try Self.minute(store, test, puts: 300)
        let peaks = try store.peaks(of: store.stream("d"))
        #expect(peaks.peak > 0)
        for day in 0..<3 {
            try store.closeBlocking()
            test.clock.advance(milliseconds: 86_400_000)
            store = try Self.open(test)
            if day == 0 { #expect(try store.peaks(of: store.stream("d")) == peaks) }
            try Self.minute(store, test)
            let now = try store.peaks(of: store.stream("d"))
            #expect(now.peak == peaks.peak)
            #expect(now.newestDay == peaks.newestDay + day + 1)
        }
        // After 31 days it counts no more.
        test.clock.advance(milliseconds: 31 * 86_400_000)
        try Self.minute(store, test)
        #expect(try store.peaks(of: store.stream("d")).peak < peaks.peak)
        try store.closeBlocking()
    }

    @Test func `a kill forgets no more than an hour, and peaks are written no more often`() throws {
        let test = TestStore()
        var store = try Self.open(test)
        try store.make("d", shards: nil) { $0.streamModeDetails = StreamModeDetails(.onDemand) }
        let tip = try store.engine.log(0).tip(.published)
        for minute in 1...59 { try Self.minute(store, test, puts: minute) }
        #expect(try store.engine.log(0).tip(.published) == tip)
        try Self.minute(store, test)
        #expect(try store.engine.log(0).tip(.published) == tip + 1)
        let kept = try store.peaks(of: store.stream("d"))
        try Self.minute(store, test, puts: 500)
        #expect(try store.peaks(of: store.stream("d")) != kept)
        store.abandon()
        store = try Self.open(test)
        #expect(try store.peaks(of: store.stream("d")) == kept)
        // Nothing that changed, nothing to be written.
        let before = try store.engine.log(0).tip(.published)
        for _ in 0..<125 { try Self.minute(store, test, puts: 0) }
        #expect(try store.engine.log(0).tip(.published) == before)
        try store.closeBlocking()
    }
}
