import MillraceIO
import MillraceLog
import MillraceTestKit
import Testing

/// Aim: a segment that was closed cleanly, gone on with, and lost power is no clean one. Method: states that power loss may leave
/// of it, each opened, closed with nothing appended, and opened again.
@Suite struct ResumeTests {
    @Test(arguments: 1...100)
    func `what a power loss left behind a clean end does not come back when nothing was appended there`(seed: UInt64) throws {
        var harness = Harness()
        harness.configuration.isCompressing = false
        harness.configuration.firstSegmentByteCount = 64 << 10
        var store = try harness.open()
        var log = try store.createLog(1)
        let kept = PlainRecord("k", "acknowledged before the clean end")
        try log.append(kept)
        try store.close()
        store = try harness.open()
        log = try store.log(1)
        // Blocks of more than a page each, so that power loss may keep a later one without the one before.
        for number in 0..<4 {
            try log.append(PlainRecord("k", String(repeating: "\(number)", count: 5000)))
            #expect(log.flushStep() == .progress)
        }
        var found: Int?
        let left = Harness(disk: harness.disk.crash(entropy: SeededEntropy(seed: seed)))
        left.clock.restart(bootIdentity: (2, 2))
        for opening in 1...3 {
            let again = try left.open()
            let log = try again.log(1)
            let (records, gaps) = try log.readAll(level: .durable)
            #expect(gaps.isEmpty, "seed \(seed), opening \(opening): \(log.recovery)")
            #expect(log.recovery.damage.isEmpty, "seed \(seed), opening \(opening): \(log.recovery)")
            #expect(records.first?.record == kept)
            #expect(records.count == found ?? records.count, "seed \(seed), opening \(opening): \(log.recovery)")
            found = records.count
            try again.close()
        }
    }
}
