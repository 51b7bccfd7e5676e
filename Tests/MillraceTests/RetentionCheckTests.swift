import MillraceIO
import MillraceLog
import MillraceTestKit
import Testing

/// Aim: the checker of `millrace-stress retention` reports what it is there for. Method: records handed to it by hand, with one thing
/// wrong at a time; and a real log that is swept too early.
@Suite struct RetentionCheckTests {
    private static let seed: UInt64 = 77
    private static let period: UInt64 = 1000

    /// A board of one lane and a clock by hand, with so many records put, one each 100 ms.
    private struct Desk {
        let clock = ManualClock()
        let board: RetentionBoard

        init(laneCount: Int = 1) {
            board = RetentionBoard(
                seed: RetentionCheckTests.seed, laneCount: laneCount, periodMilliseconds: RetentionCheckTests.period, clock: clock)
        }

        func put(_ count: Int, lane: Int = 0, level: Level = .durable) {
            for _ in 0..<count {
                board.say(.begun(lane: lane, count: 1, byteCount: 100, milliseconds: board.now))
                board.say(.acknowledged(lane: lane, below: board.next(lane), level))
                clock.advance(milliseconds: 100)
            }
        }
    }

    /// Hands record `index` to the check, as the log's record at that ordinal.
    private static func take(
        _ check: inout RetentionCheck, _ index: UInt64, at ordinal: UInt64? = nil, lane: UInt32 = 0, life: UInt32 = 1,
        arrival: UInt64 = 5, spoilt place: Int? = nil
    ) -> String? {
        let record = SoakRecord(lane: lane, life: life, index: index)
        var data: [UInt8] = []
        record.appendData(seed: seed, to: &data)
        if let place { data[place % data.count] ^= 0x04 }
        let key = record.key
        // Safe because the arrays stay in place while their spans are borrowed.
        return unsafe check.take(ordinal: ordinal ?? index, arrival: arrival, key: key.span.bytes, data: data.span.bytes)
    }

    private static func check(_ desk: Desk, _ source: RetentionCheck.Source = .log, since: UInt64 = 0) -> RetentionCheck {
        RetentionCheck(desk.board, source, lanes: 0..<desk.board.laneCount, since: since)
    }

    @Test func `everything in its order is right, and everything is there then`() {
        let desk = Desk()
        desk.put(20)
        var check = Self.check(desk)
        // Ten periods' tenths are inside: the first ten may be gone.
        for index in 10..<20 as Range<UInt64> { #expect(Self.take(&check, index) == nil) }
        #expect(check.missing(upTo: [20]) == nil && check.hasReached([20]) && check.count == 10)
        #expect(check.missing(upTo: [21]) != nil && !check.hasReached([21]))
    }

    @Test func `a lost record inside retention is reported, at the beginning, in the middle and at the end`() throws {
        let desk = Desk()
        desk.put(20)
        var late = Self.check(desk)
        #expect(try #require(Self.take(&late, 11)).contains("records 0..<11 are missing; those from 10 on are young enough"))
        var hole = Self.check(desk)
        #expect(Self.take(&hole, 10) == nil)
        #expect(try #require(Self.take(&hole, 12, at: 11)).contains("records 11..<12 are missing; no gap was declared"))
        var end = Self.check(desk)
        for index in 10..<19 as Range<UInt64> { #expect(Self.take(&end, index) == nil) }
        #expect(try #require(end.missing(upTo: [20])).contains("records 19..<20 are missing"))
    }

    @Test func `a declared gap excuses what is too old, and nothing that is young enough`() {
        let desk = Desk()
        desk.put(20)
        for first in 10...12 as ClosedRange<UInt64> {
            var check = Self.check(desk)
            #expect(check.take(Gap(.trimmed, from: 3, to: first), horizon: first) == nil)
            #expect((Self.take(&check, first) == nil) == (first == 10), "\(first)")
        }
        // Once a record has come behind the gap, it excuses no other.
        var check = Self.check(desk)
        #expect(check.take(Gap(.trimmed, from: 3, to: 9), horizon: 9) == nil)
        #expect(Self.take(&check, 9) == nil)
        desk.put(20)
        #expect(Self.take(&check, 20, at: 10) != nil)
    }

    @Test func `one wrong byte anywhere is reported`() {
        let desk = Desk()
        desk.put(1)
        for place in 0..<40 {
            var check = Self.check(desk)
            #expect(Self.take(&check, 0, spoilt: place) != nil, "byte \(place)")
        }
    }

    @Test func `ordinals have no holes but those that were declared, and steps to the beginning of a generation`() throws {
        let desk = Desk()
        desk.put(20)
        let first = Ordinal.first(ofGeneration: 3)
        func begun() -> RetentionCheck {
            var check = Self.check(desk)
            #expect(Self.take(&check, 10, at: first + 4) == nil)
            return check
        }
        var check = begun()
        #expect(try #require(Self.take(&check, 11, at: first + 6)).contains("in place of \(first + 5), without a gap"))
        check = begun()
        #expect(Self.take(&check, 11, at: Ordinal.first(ofGeneration: 5)) == nil)
        check = begun()
        #expect(Self.take(&check, 11, at: Ordinal.first(ofGeneration: 5) + 1) != nil)
        check = begun()
        #expect(check.take(Gap(.trimmed, from: first + 5, to: first + 9), horizon: first + 9) == nil)
        #expect(Self.take(&check, 11, at: first + 9) == nil)
        check = begun()
        #expect(check.take(Gap(.trimmed, from: first + 5, to: first + 9), horizon: first + 9) == nil)
        #expect(Self.take(&check, 11, at: first + 10) != nil)
    }

    @Test func `a gap that goes back, lies behind the horizon or is damage is reported`() {
        let desk = Desk()
        desk.put(20)
        var check = Self.check(desk)
        #expect(Self.take(&check, 10) == nil)
        for (gap, horizon) in [
            (Gap(.trimmed, from: 10, to: 12), 12), (Gap(.trimmed, from: 11, to: 11), 11), (Gap(.trimmed, from: 11, to: 13), 12),
            (Gap(.corrupt(file: "a", byteOffset: 0), from: 11, to: 12), 20),
        ] as [(Gap, UInt64)] {
            var again = check
            #expect(again.take(gap, horizon: horizon) != nil, "\(gap)")
        }
    }

    @Test func `a record twice, out of order, of an earlier life, not put yet, or that arrived before the last is reported`() {
        let desk = Desk(laneCount: 2)
        desk.put(20)
        desk.put(10, lane: 1)
        var check = Self.check(desk)
        #expect(Self.take(&check, 19, life: 2, arrival: 50) == nil)
        let wrong: [(inout RetentionCheck) -> String?] = [
            { Self.take(&$0, 19, life: 2, arrival: 50) }, { Self.take(&$0, 18, at: 20, life: 2, arrival: 50) },
            { Self.take(&$0, 20, life: 2, arrival: 50) }, { Self.take(&$0, 0, at: 20, lane: 1, arrival: 49) },
            { Self.take(&$0, 0, at: 20, lane: 2, arrival: 50) },
        ]
        for (number, wrong) in wrong.enumerated() {
            var again = check
            #expect(wrong(&again) != nil, "\(number)")
        }
        desk.put(1)
        var again = check
        #expect(Self.take(&again, 20, life: 1, arrival: 50) != nil)
        again = check
        #expect(Self.take(&again, 20, life: 2, arrival: 50) == nil)
    }

    @Test func `what a refused put leaves open may be there or not, and nothing beside it may be missing`() {
        let desk = Desk()
        desk.put(20)
        desk.board.say(.doubtful(lane: 0, 12..<14))
        desk.board.say(.doubtful(lane: 0, 14..<15))
        for next in 12...16 as ClosedRange<UInt64> {
            var check = Self.check(desk)
            #expect(Self.take(&check, 10) == nil && Self.take(&check, 11) == nil)
            #expect((Self.take(&check, next, at: 12) == nil) == (next < 16), "\(next)")
        }
    }

    @Test func `a reader that begins at a time must get what arrived from then on`() {
        let desk = Desk()
        desk.put(20)
        let start = desk.board.now - 500
        for (first, isRight) in [(14, true), (15, true), (16, false)] as [(UInt64, Bool)] {
            var check = Self.check(desk, since: start)
            #expect((Self.take(&check, first) == nil) == isRight, "\(first)")
        }
        var anywhere = Self.check(desk, since: .max)
        #expect(Self.take(&anywhere, 19) == nil && anywhere.missing(upTo: [20]) == nil)
    }

    @Test func `a stream's shards come and go without a word, and what is young enough is missed all the same`() {
        let desk = Desk()
        desk.put(20)
        var check = Self.check(desk, .stream)
        #expect(Self.take(&check, 2, at: 100) == nil)
        #expect(Self.take(&check, 10, at: 200) == nil)
        #expect(Self.take(&check, 12, at: 201) != nil)
        #expect(Self.take(&check, 13, at: 201) != nil, "the same ordinal twice")
    }

    @Test func `an opening that lost what was acknowledged is reported, and one that lost less goes on where it ends`() {
        for (end, isRight) in [(17, false), (18, true), (20, true)] as [(UInt64, Bool)] {
            let desk = Desk()
            desk.put(18, level: .written)
            desk.put(2, level: .published)
            var check = Self.check(desk)
            for index in 10..<end { #expect(Self.take(&check, index) == nil) }
            #expect((check.settle(acknowledgedAt: .written) == nil) == isRight, "\(end)")
            if isRight { #expect(desk.board.next(0) == end && desk.board.acknowledged(.durable) == [end]) }
        }
    }

    @Test func `a lane that was silent for longer than the period goes on behind what was put`() {
        let desk = Desk()
        desk.put(5, level: .written)
        desk.put(2, level: .published)
        desk.clock.advance(milliseconds: 5000)
        let empty = Self.check(desk)
        var check = empty
        #expect(check.settle(acknowledgedAt: .written) == nil && desk.board.next(0) == 7)
        desk.put(1)
        #expect(Self.take(&check, 7) == nil)
    }

    @Test func `a horizon that goes back is reported, and after a kill only what was kept holds`() {
        var watch = HorizonWatch()
        #expect(watch.see(10, log: 1) == nil && watch.see(10, log: 1) == nil && watch.see(12, log: 1) == nil && watch.see(3, log: 2) == nil)
        var back = watch
        #expect(back.see(11, log: 1) == "the horizon of log 1 went back from 12 to 11")
        watch.keep(below: 11, log: 1)
        watch.reopen()
        back = watch
        #expect(back.see(10, log: 1) != nil)
        #expect(watch.see(11, log: 1) == nil && watch.see(0, log: 2) == nil)
    }

    @Test func `segments that take too much room, and a segment that should have gone, are reported`() {
        let space = SpaceBound(spanMilliseconds: 100, greatestSegmentByteCount: 1000, mergedByteCount: 500)
        var limits = RetentionLimits()
        limits.expiredBefore = 5000
        var outcome = SweepOutcome()
        (outcome.keptSegmentCount, outcome.keptByteCount, outcome.oldestArrival) = (2, 9000, 5000)
        #expect(space.judge(outcome, limits, greatestByteCount: 9000) == nil)
        #expect(space.judge(outcome, limits, greatestByteCount: 8999) != nil)
        outcome.oldestArrival = 4999
        #expect(space.judge(outcome, limits, greatestByteCount: 9000) != nil)
        outcome.isMore = true
        #expect(space.judge(outcome, limits, greatestByteCount: 9000) == nil)
        (outcome.isMore, outcome.keptSegmentCount) = (false, 1)
        #expect(space.judge(outcome, limits, greatestByteCount: 9000) == nil)
        // By hand: 8,000 and an eighth; 1,000, 100 and 2,000 ms of spans of 100 ms, and one; two and an opening; 500.
        #expect(space.limit(recordByteCount: 8000, period: 1000, openings: 1) == 9000 + (31 + 1 + 3) * 1000 + 500)
    }

    @Test func `the board knows what is inside without keeping more than a bound`() {
        let desk = Desk()
        for _ in 0..<20_000 {
            desk.board.say(.begun(lane: 0, count: 1, byteCount: 10, milliseconds: desk.board.now))
            desk.clock.advance(milliseconds: 1)
        }
        let now = desk.board.now
        for age in [1, 10, 999, 1000, 2000, 3999] as [UInt64] {
            let first = desk.board.firstIndex(0, since: now - age)
            #expect(first >= 20_000 - age && first <= 20_000 - age + 2, "\(age): \(first)")
            let bytes = desk.board.byteCount(since: now - age)
            #expect(bytes >= Int(age) * 10 && bytes <= Int(age) * 10 + 20, "\(age): \(bytes)")
        }
        // Far behind, too much is excused and never too little.
        #expect(desk.board.firstIndex(0, since: 0) > 0)
    }

    @Test func `what a writer says comes out of a line as it went in, and other lines say nothing`() {
        for event in [
            .begun(lane: 3, count: 5, byteCount: 700, milliseconds: 99), .acknowledged(lane: 0, below: 12, .written),
            .doubtful(lane: 2, 4..<9),
        ] as [RetentionEvent] { #expect(RetentionEvent(line: event.line) == event) }
        for line in ["", "H 1 2", "E it failed", "B 1 2 3", "A 0 1 4", "A 0 x 1", "D 1 9 4", "B -1 2 3 4"] {
            #expect(RetentionEvent(line: line) == nil, "\(line)")
        }
    }

    @Test func `a scaled clock runs so many times faster, with both hands`() {
        let base = ManualClock()
        let clock = ScaledClock(base, factor: 8640, startWallNanoseconds: 1000)
        let steady = clock.steadyNanoseconds()
        base.advance(milliseconds: 10_000)
        #expect(clock.wallNanoseconds() == 1000 + 86_400_000_000_000)
        #expect(clock.steadyNanoseconds() - steady == 86_400_000_000_000)
    }

    // MARK: A real log

    /// Puts, sweeps by an age, and reads everything; what the checker says.
    private static func live(sweptAfter milliseconds: UInt64) throws -> String? {
        let harness = Harness()
        let store = try harness.open()
        defer { store.abandon() }
        let log = try store.createLog(1)
        let board = RetentionBoard(seed: seed, laneCount: 1, periodMilliseconds: period, clock: harness.clock)
        for index in 0..<400 as Range<UInt64> {
            let record = SoakRecord(lane: 0, life: 1, index: index)
            var data: [UInt8] = []
            record.appendData(seed: seed, to: &data)
            board.say(.begun(lane: 0, count: 1, byteCount: data.count, milliseconds: board.now))
            let ordinal = try log.append(PlainRecord(key: record.key, data: data), arrival: board.now)
            try log.wait(.durable, below: ordinal + 1)
            board.say(.acknowledged(lane: 0, below: index + 1, .durable))
            harness.clock.advance(milliseconds: 10)
        }
        var limits = RetentionLimits()
        limits.expiredBefore = board.now - milliseconds
        #expect(try log.sweep(limits).removedSegmentCount > 0)
        var check = RetentionCheck(board, .log, lanes: 0..<1)
        var cursor = log.cursor(at: 0, level: .durable)
        var what: String?
        while what == nil {
            let some: Bool? = try cursor.withBatch { batch throws(LogError) in
                while what == nil, let record = batch.next() {
                    what = check.take(
                        ordinal: record.ordinal, arrival: record.arrivalMilliseconds, key: record.key, data: record.data)
                }
                return true
            }
            if some == nil { break }
        }
        return what ?? check.missing(upTo: board.acknowledged(.durable))
    }

    @Test func `a log that is swept by its period is right, one that is swept too early is not`() throws {
        #expect(try Self.live(sweptAfter: Self.period) == nil)
        #expect(try #require(try Self.live(sweptAfter: Self.period / 2)).contains("are young enough"))
    }
}
