import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Testing

/// Aim: below D damage costs its own block and no acknowledged record behind it, however the store ended; at or above D
/// bad bytes are a torn tail, which is cut and reported. Method: every block of a store that was closed, left or
/// killed, with a bit of its header turned, with one of its body, and zeroed. D is worked out here from the blocks that
/// were not hit and the notes, by docs/FORMAT.md section 10.
@Suite struct TailSweepTests {
    struct Ending: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let end: SweepStore.End
        /// The boot identity that the next opening finds; the store ran under (1, 1).
        let boot: (UInt64, UInt64)

        static let all = [
            Ending(testDescription: "closed", end: .clean, boot: (77, 77)),
            Ending(
                testDescription: "left behind a note, then restarted", end: .unclean(hasNote: true, isKilled: false),
                boot: (77, 77)),
            Ending(
                testDescription: "left without a note, then restarted", end: .unclean(hasNote: false, isKilled: false),
                boot: (77, 77)),
            Ending(testDescription: "killed behind a note", end: .unclean(hasNote: true, isKilled: true), boot: (1, 1)),
            Ending(
                testDescription: "killed without a note", end: .unclean(hasNote: false, isKilled: true), boot: (1, 1)),
        ]
    }

    /// Where the tail rule puts the border: below it bad bytes are damage.
    static func border(_ store: SweepStore, without hit: SweepStore.Block, boot: (UInt64, UInt64)) throws -> UInt64 {
        var border = store.blocks.filter { $0.ordinals != hit.ordinals }.map(\.durable).max() ?? 0
        for path in store.image.segments {
            let bytes = store.image.files[path]!
            let head = AlignedMemory(byteCount: Format.blocksByteOffset)
            head.memory.copy(unsafe bytes.span.bytes.extracting(0..<Format.blocksByteOffset), at: 0)
            try head.withMemory { head in
                let (header, _) = try #require(try SegmentHeader.decode(head.slice(0, 4096), file: path))
                guard let note = DurableNote.newest(in: head, identity: header.identity) else { return }
                border = max(border, note.durableOrdinal)
                if (note.bootLow, note.bootHigh) == boot { border = max(border, note.writtenOrdinal) }
            }
        }
        return border
    }

    struct Outcome {
        var found: [UInt64] = []
        var wrong: String?
        var gaps: [Gap] = []
        var recovery: RecoveryReport
    }

    static func read(_ store: SweepStore, _ fault: SweepFault, boot: (UInt64, UInt64)) throws -> Outcome {
        let disk = store.disk.kill()
        try fault.apply(to: disk)
        let opened = try LogStore(
            at: "/store", create: false, io: disk, clock: ManualClock(bootIdentity: boot),
            entropy: SeededEntropy(seed: 8),
            configuration: store.configuration)
        defer { opened.abandon() }
        let log = try opened.log(1)
        var outcome = Outcome(recovery: log.recovery)
        let (records, gaps) = try log.readAll(level: .durable)
        outcome.gaps = gaps
        let known = Dictionary(uniqueKeysWithValues: store.records.map { ($0.ordinal, $0.record) })
        for (ordinal, record) in records {
            outcome.found.append(ordinal)
            if known[ordinal] != record || outcome.found.dropLast().last.map({ $0 >= ordinal }) ?? false {
                outcome.wrong = "ordinal \(ordinal) is \(record)"
            }
        }
        return outcome
    }

    /// nil when the outcome is the one that the tail rule asks for.
    static func problem(_ store: SweepStore, _ block: SweepStore.Block, _ outcome: Outcome, border: UInt64) -> String? {
        if let wrong = outcome.wrong { return wrong }
        let found = Set(outcome.found)
        let file = SweepOracle.leaf(block.path)
        if !found.isDisjoint(with: block.ordinals) { return "a record came out of the block that was hit" }
        if block.ordinals.upperBound <= border {
            // Damage: everything else that was acknowledged is there, and what is missing is named.
            for record in store.records
            where record.ordinal < store.acknowledged && !block.ordinals.contains(record.ordinal) {
                if !found.contains(record.ordinal) {
                    return "ordinal \(record.ordinal) is lost behind damage below \(border)"
                }
            }
            for ordinal in block.ordinals where !outcome.gaps.contains(where: { $0.from <= ordinal && ordinal < $0.to })
            {
                return "ordinal \(ordinal) is lost silently"
            }
            let isNamed = outcome.gaps.allSatisfy { gap in
                guard case .corrupt(file, let byteOffset) = gap.cause else { return false }
                return byteOffset >= block.bytes.lowerBound && byteOffset <= block.bytes.upperBound
            }
            return isNamed ? nil : "\(outcome.gaps) do not name the place"
        }
        // A torn tail: the log ends where the block was, or where the batch began that went on in it.
        let before = store.blocks.last { $0.ordinals.upperBound <= block.ordinals.lowerBound }
        let cut = before?.unfinished ?? block.ordinals.lowerBound
        let kept = store.records.map(\.ordinal).filter { $0 < cut }
        if outcome.found != kept { return "the log ends at \(outcome.found.last ?? 0), and not before \(cut)" }
        if !outcome.gaps.isEmpty { return "\(outcome.gaps) for a torn tail" }
        let isReported = outcome.recovery.discarded.contains {
            $0.file == file && $0.byteOffset <= block.bytes.lowerBound
        }
        return isReported ? nil : "the cut is not reported"
    }

    @Test(arguments: Ending.all, [false, true])
    func `every block with a bit turned in header or body, or zeroed`(ending: Ending, isCompressing: Bool) throws {
        let store = try SweepStore.make(isCompressing: isCompressing, rounds: 34, end: ending.end)
        var seen = SweepCount()
        var below = 0
        var above = 0
        for block in store.blocks {
            let bytes = store.image.files[block.path]!
            let faults = [
                SweepFault.flip(bit: 8 * (block.bytes.lowerBound + 9) + 3, of: block.path, bytes),
                SweepFault.flip(bit: 8 * (block.bytes.upperBound - 1) + 6, of: block.path, bytes),
                SweepFault.put(
                    [UInt8](repeating: 0, count: block.bytes.count), at: block.bytes.lowerBound, of: block.path, "zeros"
                ),
            ]
            let border = try Self.border(store, without: block, boot: ending.boot)
            if block.ordinals.upperBound <= border { below += 1 } else { above += 1 }
            for fault in faults {
                seen.faults += 1
                let outcome = try Self.read(store, fault, boot: ending.boot)
                if outcome.wrong != nil { seen.wrongRecords += 1 }
                if outcome.gaps.isEmpty { seen.harmless += 1 } else { seen.costly += 1 }
                if let problem = Self.problem(store, block, outcome, border: border) {
                    seen.otherViolations += 1
                    Issue.record(
                        "\(ending.testDescription), \(fault): \(problem); D \(border), \(outcome.gaps), \(outcome.recovery)"
                    )
                }
            }
        }
        seen.report("blocks of a store \(ending.testDescription), \(isCompressing ? "lz4" : "raw")")
        #expect(below > 10)
        if case .unclean = ending.end { #expect(above > 2) } else { #expect(above == 0) }
    }
}
