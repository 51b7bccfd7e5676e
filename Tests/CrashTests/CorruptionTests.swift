import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Testing

/// Aim: damage never yields a wrong record and never a trap; it is named with file and position, costs the blocks it hit, and
/// nothing else. Method: every kind of damage to every segment of a store whose content is known, one at a time: at the block walk
/// every bit, at the store as many as fit. `MILLRACE_FAULTS=n` sets how many bits are turned at the store for each of the two ways it
/// ended; each failure names file and place.
@Suite struct CorruptionTests {
    enum Ending: CaseIterable, Sendable { case clean, unclean }
    static let clean = Result { try CorruptStore.make(isClean: true) }
    static let unclean = Result { try CorruptStore.make(isClean: false) }
    static func store(_ ending: Ending) throws -> CorruptStore { try (ending == .clean ? clean : unclean).get() }

    /// Reads the store with one file changed; records an issue when the outcome is not allowed. False then.
    @discardableResult
    static func check(
        _ store: CorruptStore, _ path: String, _ bytes: [UInt8], hit: Range<Int>, _ what: @autoclosure () -> String
    ) -> Bool {
        var image = store.image
        image.files[path] = bytes
        let problem: String?
        do { problem = store.violation(try store.read(image), path: path, hit: hit) } catch { problem = "\(error)" }
        if let problem { Issue.record("\(what()) of \(path): \(problem)") }
        return problem == nil
    }

    @Test(arguments: Ending.allCases) func `an undamaged store gives every record that was durable`(ending: Ending) throws {
        let store = try Self.store(ending)
        #expect(store.image.segments.count >= 4)
        let outcome = try store.read(store.image)
        #expect(outcome.gaps.isEmpty)
        #expect(store.violation(outcome, path: "", costs: []) == nil)
        #expect(outcome.recovery.wasClean == (ending == .clean))
        if ending == .clean { #expect(outcome.records.count == store.records.count) }
    }

    @Test(arguments: Ending.allCases) func `a turned bit costs the block it is in, and nothing when it is in none`(ending: Ending) throws {
        let store = try Self.store(ending)
        let entropy = SeededEntropy(seed: 31)
        let segments = store.image.segments
        var failures = 0
        for _ in 0..<(Fixtures.number("MILLRACE_FAULTS") ?? 2500) where failures < 3 {
            let path = segments[entropy.next(below: segments.count)]
            var bytes = store.image.files[path]!
            // Half of them where something stands, a quarter in the index and the footer's first fields.
            let at =
                switch entropy.next(below: 4) {
                case 0: entropy.next(below: bytes.count)
                case 1: bytes.count - 8192 + entropy.next(below: 4096 + 80)
                default: entropy.next(below: 2) == 0 ? 4096 * entropy.next(below: 3) + entropy.next(below: 116)
                    : 12_288 + entropy.next(below: 16_384)
                }
            let bit = entropy.next(below: 8)
            bytes[at] ^= 1 << UInt8(bit)
            if !Self.check(store, path, bytes, hit: at..<at + 1, "bit \(bit) of byte \(at)") { failures += 1 }
        }
    }

    @Test(arguments: Ending.allCases) func `a sector of zeros costs the blocks it touches`(ending: Ending) throws {
        let store = try Self.store(ending)
        for path in store.image.segments {
            for at in stride(from: 0, to: store.image.files[path]!.count, by: 512) {
                var bytes = store.image.files[path]!
                for position in at..<at + 512 { bytes[position] = 0 }
                if bytes == store.image.files[path] { continue }
                Self.check(store, path, bytes, hit: at..<at + 512, "zeros at \(at)")
            }
        }
    }

    @Test(arguments: Ending.allCases) func `two sectors that changed places cost the blocks they touch`(ending: Ending) throws {
        let store = try Self.store(ending)
        let entropy = SeededEntropy(seed: 32)
        for path in store.image.segments {
            let original = store.image.files[path]!
            for _ in 0..<120 {
                var bytes = original
                let first = 512 * entropy.next(below: bytes.count / 512), second = 512 * entropy.next(below: bytes.count / 512)
                for position in 0..<512 { bytes.swapAt(first + position, second + position) }
                // Two faults in one: without header and note a segment does not say who it is, and what its note alone
                // knew to be durable is a torn tail without it.
                if bytes == original || min(first, second) < Format.blocksByteOffset { continue }
                var image = store.image
                image.files[path] = bytes
                let costs = store.blocks.filter {
                    $0.path == path && ($0.bytes.overlaps(first..<first + 512) || $0.bytes.overlaps(second..<second + 512))
                }
                let outcome = try store.read(image)
                if let problem = store.violation(outcome, path: path, costs: costs) {
                    Issue.record("sectors at \(first) and \(second) of \(path): \(problem)")
                }
            }
        }
    }

    @Test(arguments: Ending.allCases) func `a sector or page of another segment in the same place is never taken for one's own`(ending: Ending) throws {
        let store = try Self.store(ending)
        let segments = store.image.segments
        for (number, path) in segments.enumerated() {
            let other = store.image.files[segments[(number + 1) % segments.count]]!
            for (step, byteCount) in [(512, 512), (4096, 4096), (4096, 8192)] {
                // Not header and note at once: the segment would not say any more who it is.
                for at in stride(from: byteCount == 8192 ? 4096 : 0, to: 32_768 - byteCount + 1, by: step * (byteCount == 512 ? 3 : 1)) {
                    var bytes = store.image.files[path]!
                    bytes.replaceSubrange(at..<at + byteCount, with: other[at..<at + byteCount])
                    if bytes == store.image.files[path] { continue }
                    Self.check(store, path, bytes, hit: at..<at + byteCount, "\(byteCount) foreign bytes at \(at)")
                }
            }
        }
    }

    @Test(arguments: Ending.allCases) func `a block of the same segment in another block's place is never taken for it`(ending: Ending) throws {
        let store = try Self.store(ending)
        let entropy = SeededEntropy(seed: 33)
        for _ in 0..<300 {
            let target = store.blocks[entropy.next(below: store.blocks.count)]
            let source = store.blocks[entropy.next(below: store.blocks.count)]
            let count = min(target.bytes.count, source.bytes.count)
            var bytes = store.image.files[target.path]!
            let start = target.bytes.lowerBound
            bytes.replaceSubrange(
                start..<start + count,
                with: store.image.files[source.path]![source.bytes.lowerBound..<source.bytes.lowerBound + count])
            Self.check(
                store, target.path, bytes, hit: start..<start + count,
                "the block at \(source.bytes.lowerBound) of \(source.path) at \(start)")
        }
    }

    @Test(arguments: Ending.allCases) func `a file cut short costs the blocks that are gone`(ending: Ending) throws {
        let store = try Self.store(ending)
        for path in store.image.segments {
            for count in stride(from: Format.blocksByteOffset, to: 32_768, by: 512) {
                let bytes = Array(store.image.files[path]!.prefix(count))
                Self.check(store, path, bytes, hit: count..<32_768, "cut at \(count)")
            }
        }
    }

    @Test(arguments: Ending.allCases) func `a file too short for any block costs its own blocks`(ending: Ending) throws {
        let store = try Self.store(ending)
        for path in store.image.segments.dropLast() { Self.checkShort(store, path) }
    }

    /// With its header and notes the newest segment takes the only word of what was durable in it: what is left ends like a
    /// torn tail, before the batch that went on in it, and the report names the file.
    @Test(arguments: Ending.allCases)
    func `a newest segment too short for any block costs itself and the batch that went on in it`(ending: Ending) throws {
        let store = try Self.store(ending)
        let path = store.image.segments.last!
        let last = try #require(store.blocks.filter { $0.path != path }.max { $0.ordinals.lowerBound < $1.ordinals.lowerBound })
        for count in stride(from: 0, to: Format.blocksByteOffset, by: 512) {
            var image = store.image
            image.files[path] = Array(store.image.files[path]!.prefix(count))
            let outcome = try store.read(image)
            let kept = store.records.keys.filter { $0 < last.ordinals.lowerBound && $0 < store.durable }.sorted()
            #expect(outcome.records.map(\.ordinal).starts(with: kept), "cut at \(count)")
            #expect(outcome.records.allSatisfy { store.records[$0.ordinal] == $0.record }, "cut at \(count)")
            #expect(outcome.recovery.damage.contains { path.hasSuffix($0.file) })
        }
    }

    private static func checkShort(_ store: CorruptStore, _ path: String) {
        for count in stride(from: 0, to: Format.blocksByteOffset, by: 512) {
            check(store, path, Array(store.image.files[path]!.prefix(count)), hit: 0..<32_768, "cut at \(count)")
        }
    }

    @Test(arguments: Ending.allCases) func `header page, index and footer cost nothing, whatever stands there`(ending: Ending) throws {
        let store = try Self.store(ending)
        let entropy = SeededEntropy(seed: 34)
        for path in store.image.segments {
            let count = store.image.files[path]!.count
            let blocksEnd = store.blocks.filter { $0.path == path }.map(\.bytes.upperBound).max()!
            let indexAt = Format.alignPage(blocksEnd)
            for range in [0..<4096, indexAt..<count - 4096, count - 4096..<count, indexAt..<count] where !range.isEmpty {
                for fill in 0..<3 {
                    var bytes = store.image.files[path]!
                    for at in range {
                        bytes[at] = fill == 0 ? 0 : fill == 1 ? 0xFF : UInt8(truncatingIfNeeded: entropy.next())
                    }
                    Self.check(store, path, bytes, hit: 0..<0, "bytes \(range) overwritten")
                }
            }
        }
    }

    @Test func `a damaged footer does not bring back what recovery cut`() throws {
        // A segment sealed by recovery at its cut, with bytes behind that still validate: a lost block, then good ones.
        let store = try CorruptStore.make(isClean: false)
        let path = store.image.segments.last!
        let lost = try #require(store.blocks.filter { $0.path == path && $0.ordinals.lowerBound >= store.durable }.dropFirst(2).first)
        var image = store.image
        for at in lost.bytes { image.files[path]![at] = 0 }
        let disk = try image.disk()
        var harness = Harness(disk: disk, seed: 40)
        harness.configuration.greatestSegmentByteCount = 32 << 10
        harness.clock.restart(bootIdentity: (9, 9))
        let opened = try harness.open(create: false)
        let log = try opened.log(1)
        #expect(log.recovery.endOrdinal == lost.ordinals.lowerBound)
        try log.append(PlainRecord("after", "the cut"))
        let expected = try log.readAll(level: .published).records.map(\.ordinal)
        try opened.close()
        var after = DiskImage(disk)
        for at in 32_768 - 4096..<32_768 { after.files[path]![at] = 0 }
        let again = try Harness(disk: try after.disk(), seed: 41).open(create: false).log(1)
        let (records, gaps) = try again.readAll(level: .durable)
        #expect(gaps.isEmpty)
        #expect(records.map(\.ordinal) == expected)
    }

    @Test(arguments: Ending.allCases) func `with the footer gone too, a lost last block is still a gap`(ending: Ending) throws {
        let store = try Self.store(ending)
        for path in store.image.segments.dropLast() {
            let last = store.blocks.last { $0.path == path }!
            var bytes = store.image.files[path]!
            for at in bytes.count - 4096..<bytes.count { bytes[at] = 0 }
            bytes[last.bytes.lowerBound + 9] ^= 1
            Self.check(store, path, bytes, hit: last.bytes, "footer and last block")
        }
    }

    @Test func `the walk of a segment finds every turned bit, and every other block`() throws {
        let store = try Self.store(.clean)
        for path in store.image.segments {
            let blocks = store.blocks.filter { $0.path == path }
            let original = store.image.files[path]!
            let file = AlignedMemory(byteCount: original.count)
            file.memory.copy(unsafe original.span.bytes, at: 0)
            try file.withMemory { memory in
                let (header, checksum) = try #require(try SegmentHeader.decode(memory.slice(0, 4096), file: path))
                for block in blocks {
                    for bit in 8 * block.bytes.lowerBound..<8 * block.bytes.upperBound {
                        let byte = memory.load(UInt8.self, at: bit / 8)
                        memory.store(byte ^ 1 << UInt8(bit % 8), at: bit / 8)
                        var walk = BlockWalk(memory, identity: header.identity, headerChecksum: checksum)
                        walk.runThroughDamage()
                        memory.store(byte, at: bit / 8)
                        let isLast = block.bytes == blocks.last!.bytes
                        let found = (0..<walk.index.count).count { !walk.index[$0].isHole }
                        let isRight =
                            found == blocks.count - 1
                            && (isLast ? walk.damage.isEmpty && walk.nextOrdinal == block.ordinals.lowerBound
                                : walk.damage.count == 1 && blocks.allSatisfy {
                                        $0.ordinals == block.ordinals
                                            ? walk.damage[0].ordinals.contains($0.ordinals)
                                            : !walk.damage[0].ordinals.overlaps($0.ordinals)
                                    }
                                    && walk.damage[0].bytes.lowerBound == block.bytes.lowerBound
                                    && walk.damage[0].bytes.upperBound == Format.align8(block.bytes.upperBound))
                        if !isRight {
                            Issue.record("\(path), bit \(bit % 8) of byte \(bit / 8): \(found) of \(blocks.count) blocks, \(walk.damage)")
                            return
                        }
                    }
                }
            }
        }
    }
}
