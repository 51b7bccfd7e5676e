import MillraceTestKit
import Testing

/// Aim: what the stress runs judge by is itself right. Method: the pure parts, with known answers and with one thing wrong at a time.
@Suite struct SoakPartsTests {
    private func data(_ record: SoakRecord, seed: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        record.appendData(seed: seed, to: &bytes)
        return bytes
    }

    private func matches(_ record: SoakRecord, _ key: [UInt8], _ data: [UInt8], seed: UInt64) -> Bool {
        // Safe because the arrays stay in place while their spans are borrowed.
        unsafe record.matches(key: key.span.bytes, data: data.span.bytes, seed: seed)
    }

    @Test func `a soak record knows its own bytes, and those of no other seed, lane, life or index`() {
        for index in 0..<2000 as Range<UInt64> {
            let record = SoakRecord(lane: 7, life: 3, index: index)
            let bytes = data(record, seed: 99)
            #expect(bytes.count == record.dataByteCount(seed: 99))
            // Safe because the array stays in place while its span is borrowed.
            #expect(unsafe SoakRecord(data: bytes.span.bytes) == record)
            #expect(matches(record, record.key, bytes, seed: 99))
            let others = [
                SoakRecord(lane: 8, life: 3, index: index), SoakRecord(lane: 7, life: 4, index: index),
                SoakRecord(lane: 7, life: 3, index: index + 1),
            ]
            for other in others {
                #expect(!matches(other, other.key, bytes, seed: 99))
            }
        }
    }

    @Test func `one changed byte, a byte less or a byte more makes a record another`() {
        let record = SoakRecord(lane: 1, life: 1, index: 5)
        let bytes = data(record, seed: 4)
        #expect(bytes.count > 40)
        for place in bytes.indices {
            var changed = bytes
            changed[place] ^= 0x10
            #expect(!matches(record, record.key, changed, seed: 4), "byte \(place)")
        }
        #expect(!matches(record, record.key, bytes.dropLast(), seed: 4))
        #expect(!matches(record, record.key, bytes + [0], seed: 4))
        #expect(!matches(record, Array("L".utf8), bytes, seed: 4))
        let short = Array(bytes.prefix(15))
        // Safe because the array stays in place while its span is borrowed.
        #expect(unsafe SoakRecord(data: short.span.bytes) == nil)
    }

    @Test func `a lane's records come one after the other, or the check says which does not`() {
        var check = LaneCheck(from: [10, 0])
        #expect(check.take(SoakRecord(lane: 0, life: 1, index: 10)) == nil)
        #expect(check.take(SoakRecord(lane: 1, life: 1, index: 0)) == nil)
        #expect(check.take(SoakRecord(lane: 0, life: 2, index: 11)) == nil)
        #expect(check.missing(0..<2, upTo: [12, 1]).isEmpty)
        #expect(check.missing(0..<2, upTo: [13, 1]) == [0])
        for wrong in [
            SoakRecord(lane: 0, life: 2, index: 13), SoakRecord(lane: 0, life: 2, index: 11),
            SoakRecord(lane: 0, life: 1, index: 12), SoakRecord(lane: 2, life: 2, index: 0),
        ] {
            var again = check
            #expect(again.take(wrong) != nil, "\(wrong)")
        }
    }

    @Test func `a reader that comes in anywhere may begin late, never early, and misses nothing from there on`() {
        var check = LaneCheck(atOrAfter: [10])
        var early = check
        #expect(early.take(SoakRecord(lane: 0, life: 1, index: 9)) != nil)
        #expect(check.missing(0..<1, upTo: [20]).isEmpty)
        #expect(check.take(SoakRecord(lane: 0, life: 1, index: 14)) == nil)
        #expect(check.take(SoakRecord(lane: 0, life: 1, index: 16)) != nil)
        #expect(check.missing(0..<1, upTo: [20]) == [0])
    }

    @Test func `percentiles are at most an eighth above the truth and never below it`() {
        var counts = LatencyCounts()
        for value in 1...100_000 as ClosedRange<UInt64> { counts.record(value * 37) }
        for percent in [1.0, 50, 90, 99, 99.9, 100] {
            let truth = Double(37 * 100_000) * percent / 100
            let found = Double(counts.percentile(percent))
            #expect(found >= truth * 0.9999 && found <= truth * 1.1251, "\(percent): \(found) for \(truth)")
        }
        counts.record(.max)
        #expect(counts.percentile(100) == .max)
        #expect(LatencyCounts().percentile(99) == 0)
    }

    @Test func `a verdict is one line with its status`() {
        #expect(Verdict.passed("all well").line == "PASS: all well")
        #expect(Verdict.broken("seed 3:\nlost").line == "FAIL: seed 3: | lost")
        #expect(Verdict.cannotRun("no disk").line == "CANNOT RUN: no disk")
        #expect([Verdict.passed(""), .broken(""), .cannotRun("")].map(\.exitStatus) == [0, 1, 2])
    }
}
