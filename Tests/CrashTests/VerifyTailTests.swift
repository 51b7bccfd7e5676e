import MillraceIO
import MillraceLog
import MillraceTestKit
import Testing

/// Aim: verifying tells what power cut, and nobody was promised, from damage to what was durable. Method: states that power loss may
/// leave of a log over several unsynced segments, where nothing is damage; and files changed by hand where something is.
@Suite struct VerifyTailTests {
    private static func record(_ number: Int) -> PlainRecord {
        PlainRecord(key: Array("k".utf8), data: (0..<3000).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761 &+ number) >> 7) })
    }

    /// A log of several segments: so many records durable, together or each by itself, so many behind them that are written and not synced.
    private static func log(durable: Int, written: Int, isEachSynced: Bool = false) throws -> Harness {
        let harness = Harness()
        let store = try harness.open()
        let log = try store.createLog(1)
        for number in 0..<durable + written {
            try log.append(record(number))
            _ = log.flushStep()
            if number == durable - 1 || (isEachSynced && number < durable) { try log.wait(.durable, below: log.tip(.published)) }
        }
        return harness
    }

    private static func damage(_ finding: StoreVerification.Finding) -> Bool { finding.severity == .damage }

    @Test(arguments: [0, 1, 12, 40])
    func `no state that power loss may leave of a log is damaged`(durable: Int) throws {
        let harness = try Self.log(durable: durable, written: 60)
        var begun = 0, torn = 0, cut = 0
        for seed in 0..<300 as Range<UInt64> {
            // With every name and with some of them only.
            let options = CrashOptions(names: seed % 2 == 0 ? .all : .either)
            let state = harness.disk.crash(options, entropy: SeededEntropy(seed: seed))
            let found = try StoreVerification.run(at: "/store", io: state).findings
            if found.contains(where: Self.damage) { Issue.record("seed \(seed): \(found.filter(Self.damage))") }
            begun += found.count { $0.detail.contains("begun when the power failed") }
            torn += found.count { $0.detail.contains("the next opening sets it aside") }
            cut += found.count { $0.detail.contains("it ends before this segment") }
            // The rule is recovery's: it finds no damage to a record either, and what was durable is there.
            let again = Harness(disk: state)
            again.clock.restart(bootIdentity: (seed + 2, 2))
            let log = try again.open().log(1)
            let read = try log.readAll(level: .durable)
            #expect(read.gaps.isEmpty && read.records.count >= durable, "seed \(seed)")
        }
        #expect(begun > 0)
        #expect(torn > 0)
        #expect(cut > 0)
    }

    @Test func `a segment that lost its first pages is damaged where a later one says that it was durable`() throws {
        let harness = try Self.log(durable: 60, written: 0, isEachSynced: true)
        let whole = DiskImage(harness.disk)
        #expect(whole.segments.count > 2)
        for (number, path) in whole.segments.enumerated() {
            var image = whole
            for at in 0..<Format.blocksByteOffset { image.files[path]![at] = 0 }
            let found = try VerifyTests.verify(image)
            // Of the newest nothing else on the disk tells.
            let isLast = number == whole.segments.count - 1
            #expect(found.findings.contains(where: Self.damage) != isLast, "\(path): \(found.findings)")
            #expect(found.isClean == isLast)
        }
    }

    @Test func `a newest segment whose first pages hold something else is a warning, one that is too short is damage`() throws {
        let whole = DiskImage(try Self.log(durable: 60, written: 0).disk)
        let path = try #require(whole.segments.last)
        var image = whole
        for at in 0..<Format.blocksByteOffset { image.files[path]![at] = 7 }
        let found = try VerifyTests.verify(image).findings.filter { $0.severity > .note }
        #expect(found.map(\.severity) == [.warning])
        #expect(found.first?.detail.contains("the next opening sets it aside") == true)
        for byteCount in [0, 100, Format.blocksByteOffset - 1] {
            image = whole
            image.files[path]!.removeSubrange(byteCount...)
            #expect(try VerifyTests.verify(image).findings.contains(where: Self.damage), "\(byteCount)")
        }
    }

    @Test func `what is missing at the end of the segment before one that was only begun is damage when it was durable`() throws {
        let harness = try Self.log(durable: 60, written: 0)
        // Says in the newest segment's notes how far everything was durable.
        let store = Harness(disk: harness.disk.kill())
        let opened = try store.open()
        _ = try opened.log(1)
        try opened.close()
        var image = DiskImage(store.disk)
        let last = try #require(image.segments.last)
        let base = try #require(FileNames.baseOrdinal(last.split(separator: "/").last.map(String.init) ?? ""))
        // A file that a later opening had begun, behind it.
        let begun = last.replacing(FileNames.segment(base), with: FileNames.segment(Ordinal.first(ofGeneration: 3)))
        image.files[begun] = [UInt8](repeating: 0, count: 32 << 10)
        #expect(try VerifyTests.verify(image).isClean)
        let segment = try #require(image.files[last])
        for at in Format.blocksByteOffset..<segment.count - Format.pageByteCount { image.files[last]![at] = 0 }
        #expect(try VerifyTests.verify(image).findings.contains(where: Self.damage))
    }
}
