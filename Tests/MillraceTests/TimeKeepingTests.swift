import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import MillraceTestKit
import Testing

/// Aim: what was too old to be seen stays so over a close and later openings, what is put while the clock is behind is seen, and
/// keeping the time harms nothing else. Method: time by hand, set back and ahead around every kind of end; a drawn life of
/// puts, periods, clocks and openings; each call of a close failing.
@Suite(.timeLimit(.minutes(2))) struct TimeKeepingTests {
    private static let hour: Int64 = 3_600_000

    /// A disk in memory, time by hand, no threads.
    private struct World {
        var disk = ShadowIO()
        let clock = ManualClock()
        let entropy = SeededEntropy(seed: 1)

        func open() throws(KinesisError) -> StreamStore {
            var configuration = Harness.smallConfiguration
            configuration.greatestRecordByteCount = 11 << 20
            return try StreamStore(at: "/store", io: disk, clock: clock, entropy: entropy, configuration: configuration)
        }
        func pass(hours: Int64) { clock.advance(milliseconds: hours * hour) }
        func set(hours: Int64) { clock.setWall(nanoseconds: clock.wallNanoseconds() + hours * hour * 1_000_000) }
    }

    private static func put(_ store: StreamStore, _ text: String, _ name: String = "s") throws {
        try store.stream(name).putBlocking(text.utf8Span.span, partitionKey: "k")
    }
    private static func seen(_ store: StreamStore, _ name: String = "s") throws -> [String] {
        try store.stream(name).readAll().map(\.text)
    }

    @Test func `what a close has put out of sight stays so in every stream, whatever its period and the clock`() throws {
        let world = World()
        var store = try world.open()
        try store.make("s")
        try store.make("long")
        try store.answer(IncreaseStreamRetentionPeriodRequest(stream: "long", retentionPeriodHours: 72))
        for index in 0..<4 {
            try Self.put(store, "\(index)")
            try Self.put(store, "\(index)", "long")
            world.pass(hours: 20)
        }
        // Ages: 80, 60, 40, 20 hours. Nobody has looked at anything.
        try store.closeBlocking()
        for _ in 0..<3 {
            world.set(hours: -100)
            store = try world.open()
            #expect(try Self.seen(store) == ["3"])
            #expect(try Self.seen(store, "long") == ["1", "2", "3"])
            try store.closeBlocking()
        }
    }

    @Test func `a record put while the clock is behind is seen at once, and in later openings`() throws {
        let world = World()
        var store = try world.open()
        try store.make("s")
        world.pass(hours: 100)
        try store.closeBlocking()
        world.set(hours: -90)
        store = try world.open()
        // A stream that is made then is put to, too; and one whose period is made shorter.
        try store.make("new")
        try store.make("short")
        try store.answer(IncreaseStreamRetentionPeriodRequest(stream: "short", retentionPeriodHours: 48))
        for name in ["s", "new", "short"] { try Self.put(store, "late", name) }
        try store.answer(DecreaseStreamRetentionPeriodRequest(stream: "short", retentionPeriodHours: 24))
        try Self.put(store, "later", "short")
        for isLater in [false, true, true] {
            if isLater {
                try store.closeBlocking()
                store = try world.open()
            }
            #expect(try Self.seen(store) == ["late"])
            #expect(try Self.seen(store, "new") == ["late"])
            #expect(try Self.seen(store, "short").last == "later")
        }
        try store.closeBlocking()
    }

    @Test func `a stream that was looked at while the clock was ahead keeps that, and another one's records are seen`() throws {
        let world = World()
        var store = try world.open()
        for name in ["s", "other"] {
            try store.make(name)
            try Self.put(store, "old", name)
        }
        try store.closeBlocking()
        // A day and more ahead when it is opened, so that nobody can tell.
        world.set(hours: 30)
        store = try world.open()
        #expect(try Self.seen(store).isEmpty)
        world.set(hours: -30)
        for name in ["s", "other"] { try Self.put(store, "new", name) }
        #expect(try Self.seen(store) == ["new"])
        for _ in 0..<2 {
            try store.closeBlocking()
            store = try world.open()
            #expect(try Self.seen(store) == ["new"])
            #expect(try Self.seen(store, "other") == ["old", "new"])
        }
        try store.closeBlocking()
    }

    @Test func `the time that is kept by hand survives a kill, and what passes after it does not`() throws {
        var world = World()
        var store = try world.open()
        try store.make("s")
        try Self.put(store, "a")
        world.pass(hours: 25)
        try store.noteTime()
        try Self.put(store, "b")
        world.pass(hours: 25)
        #expect(try Self.seen(store).isEmpty)
        store.abandon()
        world.disk = world.disk.kill()
        world.set(hours: -50)
        store = try world.open()
        #expect(try Self.seen(store) == ["b"])
        // Noting an earlier time changes nothing.
        let kept = store.keptMilliseconds
        try store.noteTime()
        #expect(store.keptMilliseconds == kept)
        try store.closeBlocking()
    }

    @Test func `a clock far ahead is not kept`() throws {
        let world = World()
        var store = try world.open()
        try store.make("s")
        try Self.put(store, "a")
        world.set(hours: 100_000)
        try store.noteTime()
        try store.closeBlocking()
        world.set(hours: -100_000)
        store = try world.open()
        #expect(try Self.seen(store) == ["a"])
        #expect(store.keptMilliseconds <= UInt64(world.clock.wallNanoseconds() / 1_000_000 + Self.hour))
        try store.closeBlocking()
    }

    @Test func `a store that is opened years ahead keeps and removes nothing by that, until it has been open for a day`() throws {
        let world = World()
        var store = try world.open()
        try store.make("s")
        try Self.put(store, "a")
        try store.split(0)
        try store.closeBlocking()
        let years = Int64(50 * 8766)
        for _ in 0..<2 {
            world.set(hours: years)
            store = try world.open()
            #expect(try Self.seen(store).isEmpty)
            #expect(try store.sweepBlocking().expiredShardCount == 0)
            try store.noteTime()
            try store.closeBlocking()
            world.set(hours: -years)
            store = try world.open()
            #expect(try Self.seen(store) == ["a"])
            try store.closeBlocking()
        }
        world.set(hours: years)
        store = try world.open()
        world.pass(hours: 23)
        #expect(try store.sweepBlocking().expiredShardCount == 0)
        world.pass(hours: 1)
        #expect(try store.sweepBlocking().expiredShardCount == 1)
        try store.closeBlocking()
        world.set(hours: -years)
        store = try world.open()
        #expect(try Self.seen(store).isEmpty)
        try store.closeBlocking()
    }

    @Test func `closing writes nothing to the catalogue while the time has not moved`() throws {
        let world = World()
        var store = try world.open()
        try store.closeBlocking()
        store = try world.open()
        let tip = try store.engine.log(0).tip(.published)
        try store.closeBlocking()
        #expect(store.engine.openLogs.first?.tip(.published) == tip)
    }

    @Test func `closing succeeds whichever call of keeping the time fails, and loses no record`() throws {
        for code in [5, 28] as [Int32] {
            var failed = 0
            for stop in 1...40 {
                var world = World()
                var store = try world.open()
                try store.make("s")
                try Self.put(store, "a")
                world.pass(hours: 1)
                // Everything but what closing adds is durable and noted.
                for log in store.engine.openLogs { while try log.idleStep() {} }
                let left = Guarded(stop)
                let hits = Guarded(0)
                world.disk.fault = { operation, _, _ in
                    guard [.write, .sync, .syncDirectory, .createFile, .allocate, .rename].contains(operation) else { return nil }
                    guard left.withLock({ $0 -= 1; return $0 == 0 }) else { return nil }
                    hits.withLock { $0 += 1 }
                    return code
                }
                // The first two calls are the time's own record: its write and its sync.
                let refusal = refusal { () throws(KinesisError) in try store.closeBlocking() }
                world.disk.fault = nil
                if hits.withLock({ $0 }) == 0 { break }
                failed += 1
                if stop <= 2 { #expect(refusal == nil, "call \(stop), error \(code)") }
                store.abandon()
                world.disk = world.disk.kill()
                store = try world.open()
                #expect(try Self.seen(store) == ["a"], "call \(stop), error \(code)")
                try store.closeBlocking()
            }
            #expect(failed > 2)
        }
    }

    @Test func `closing on a full disk, or after the catalogue failed, says no more than it did before`() throws {
        var world = World()
        var store = try world.open()
        try store.make("s")
        try Self.put(store, "a")
        world.pass(hours: 1)
        world.disk.capacityByteCount = 0
        try store.closeBlocking()
        world.disk.capacityByteCount = 1 << 40
        store = try world.open()
        // A change that fails freezes the catalogue.
        world.disk.fault = { operation, _, _ in operation == .sync ? 5 : nil }
        #expect(refusal { () throws(KinesisError) in try store.answer(AddTagsToStreamRequest(stream: "s", tags: ["a": "b"])) } != nil)
        world.disk.fault = nil
        let before = try store.engine.log(0).tip(.published)
        world.pass(hours: 1)
        #expect(refusal { () throws(KinesisError) in try store.closeBlocking() } != nil)
        #expect(store.engine.openLogs.first?.tip(.published) == before)
        world.disk = world.disk.kill()
        store = try world.open()
        #expect(try Self.seen(store) == ["a"])
        try store.closeBlocking()
    }

    @Test func `in any life, what is out of sight stays so and what is put is seen`() throws {
        let seed = TestSeed.draw("time")
        for life in 0..<60 {
            let dice = SeededEntropy(seed: seed &+ UInt64(life))
            let world = World()
            var store = try world.open()
            try store.make("s")
            var (count, gone) = (0, Set<String>())
            for step in 0..<40 {
                let what = "seed \(seed), life \(life), step \(step)"
                switch dice.next(below: 7) {
                case 0, 1:
                    try Self.put(store, "\(count)")
                    #expect(try Self.seen(store).last == "\(count)", "\(what)")
                    count += 1
                case 2: world.pass(hours: Int64(dice.next(below: 30)))
                case 3: world.set(hours: Int64(dice.next(below: 80)) - 40)
                case 4:
                    let hours = 24 + dice.next(below: 3) * 24
                    try? store.answer(IncreaseStreamRetentionPeriodRequest(stream: "s", retentionPeriodHours: hours))
                    try? store.answer(DecreaseStreamRetentionPeriodRequest(stream: "s", retentionPeriodHours: hours))
                case 5: try store.noteTime()
                default:
                    try store.closeBlocking()
                    store = try world.open()
                }
                let seen = try Self.seen(store)
                #expect(gone.isDisjoint(with: seen), "\(what): \(seen) are seen again")
                gone = Set((0..<count).map(String.init)).subtracting(seen)
            }
            try store.closeBlocking()
        }
    }
}
