import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Testing

/// Aim: whatever single thing is wrong with a file of a store that was closed cleanly, no wrong record is read, what
/// was not hit is read in full, and what was hit is named with file, place and ordinals. Method: all of it: every bit,
/// every length, every sector and block put in the place of others. `MILLRACE_SWEEP_STRIDE=n` takes every n-th bit or
/// length (997) and as many more of the rarer faults; the lane `corruption` takes all of them. Each failure names the
/// fault.
@Suite struct SweepTests {
    static let stride = max(1, Fixtures.number("MILLRACE_SWEEP_STRIDE") ?? 997)

    enum Kind: String, CaseIterable, Sendable { case raw, lz4 }
    static let raw = Result { try SweepStore.make(isCompressing: false, rounds: 22, end: .clean) }
    static let lz4 = Result { try SweepStore.make(isCompressing: true, rounds: 26, end: .clean) }
    static func store(_ kind: Kind) throws -> SweepStore { try (kind == .raw ? raw : lz4).get() }

    /// One half of a sweep, so that two processors have something to do. `MILLRACE_SWEEP_PART=0` or 1 runs that half
    /// alone, for two processes at once: in one they would wait for each other to map and unmap memory.
    struct Part: Sendable, CustomTestStringConvertible {
        let kind: Kind
        let number: Int
        var testDescription: String { "\(kind.rawValue) \(number)" }
        static let numbers = Fixtures.number("MILLRACE_SWEEP_PART").map { [$0] } ?? [0, 1]
        static let all = Kind.allCases.flatMap { kind in numbers.map { Part(kind: kind, number: $0) } }
    }

    /// Runs the faults that the stride and the part leave; `faults` makes the n-th of `count`.
    static func sweep(
        _ part: Part, _ what: String, count: Int, verifyEach: Int, goOnEach: Int = 512, rarity: Int = 1,
        _ fault: (SweepStore, Int) -> SweepFault?
    ) throws {
        let base = try store(part.kind)
        // Each part has a disk of its own: copying locks it.
        let store = SweepStore(
            disk: try base.image.disk(), image: base.image, records: base.records, blocks: base.blocks,
            acknowledged: base.acknowledged, configuration: base.configuration, olderLife: base.olderLife)
        let oracle = SweepOracle(store: store)
        var seen = SweepCount()
        var failures = 0
        let stride = max(1, stride / rarity)
        for number in Swift.stride(from: part.number * stride, to: count, by: 2 * stride) {
            guard let fault = fault(store, number) else { continue }
            seen.faults += 1
            let turn = number / (2 * stride)
            switch oracle.judge(fault, verifies: turn % verifyEach == 0, goesOn: turn % goOnEach == 0) {
            case .harmless: seen.harmless += 1
            case .costly: seen.costly += 1
            case .wrongRecord(let problem):
                seen.wrongRecords += 1
                failures += 1
                Issue.record("\(part.testDescription), \(fault): \(problem)")
            case .violation(let problem):
                seen.otherViolations += 1
                failures += 1
                Issue.record("\(part.testDescription), \(fault): \(problem)")
            }
            if failures >= 5 { break }
        }
        seen.report("\(what), \(part.testDescription)")
        #expect(seen.faults > 0)
    }

    @Test(arguments: Kind.allCases) func `the stores have what the sweep is about`(kind: Kind) throws {
        let store = try Self.store(kind)
        #expect(store.image.segments.count == 2)
        #expect(store.image.segments.allSatisfy { store.blocks(of: $0).count >= 4 })
        #expect(store.blocks.contains { $0.unfinished != nil })
        let newest = Set(
            store.blocks(of: store.image.segments.last!).map { Ordinal.generation($0.ordinals.lowerBound) })
        #expect(newest.count == 2, "damage at the step between generations")
        #expect(newest.max()! < Ordinal.generation(store.acknowledged), "a generation that appended nothing")
        #expect(store.olderLife.segments == store.image.segments)
        #expect(store.olderLife.files != store.image.files)
        let untouched = SweepFault(path: store.image.segments[0], change: .put([]), what: "nothing")
        #expect(SweepOracle(store: store).judge(untouched, verifies: false) == .harmless)
        #expect(try StoreVerification.run(at: "/store", io: store.disk).isClean)
    }

    @Test(arguments: Part.all) func `every bit of every segment`(part: Part) throws {
        let store = try Self.store(part.kind)
        let byteCount = store.image.files[store.image.segments[0]]!.count
        try Self.sweep(part, "bits", count: store.image.segments.count * byteCount * 8, verifyEach: 8) {
            store, number in
            let path = store.image.segments[number / (8 * byteCount)]
            return .flip(bit: number % (8 * byteCount), of: path, store.image.files[path]!)
        }
    }

    @Test(arguments: Part.all) func `every length of every segment`(part: Part) throws {
        let store = try Self.store(part.kind)
        let byteCount = store.image.files[store.image.segments[0]]!.count
        try Self.sweep(part, "lengths", count: store.image.segments.count * byteCount, verifyEach: 4, goOnEach: 8) {
            store, number in
            let path = store.image.segments[number / byteCount]
            return SweepFault(path: path, change: .cut(number % byteCount), what: "cut to \(number % byteCount) bytes")
        }
    }

    @Test(arguments: Kind.allCases) func `a file that ends in a block's pad keeps that block`(kind: Kind) throws {
        let store = try Self.store(kind)
        let oracle = SweepOracle(store: store)
        var count = 0
        for block in store.blocks {
            for end in block.bytes.upperBound..<Format.align8(block.bytes.upperBound) {
                let fault = SweepFault(path: block.path, change: .cut(end), what: "cut to \(end) bytes")
                let verdict = oracle.judge(fault, verifies: true, goesOn: count % 8 == 0)
                if verdict != .costly && verdict != .harmless { Issue.record("\(fault): \(verdict)") }
                count += 1
            }
        }
        #expect(count > 20)
    }

    @Test(arguments: Kind.allCases) func `a newest file that lost only what no block is in costs nothing, now or later`(
        kind: Kind
    ) throws {
        let store = try Self.store(kind)
        let oracle = SweepOracle(store: store)
        let path = store.image.segments.last!
        let end = store.blocks.last!.bytes.upperBound
        for count in [
            end, Format.align8(end), end + 100, Format.alignPage(end), Format.alignPage(end) + 4096, (28 << 10) - 1,
        ] {
            let fault = SweepFault(path: path, change: .cut(count), what: "cut to \(count) bytes")
            let verdict = oracle.judge(fault, verifies: true, goesOn: true)
            if verdict != .harmless { Issue.record("\(fault): \(verdict)") }
        }
    }

    @Test(arguments: Part.all) func `every sector zeroed, or another segment's or an older life's in its place`(
        part: Part
    ) throws {
        let store = try Self.store(part.kind)
        let sectors = store.image.files[store.image.segments[0]]!.count / 512
        let count = store.image.segments.count
        try Self.sweep(part, "sectors", count: count * sectors * (count + 2), verifyEach: 1, rarity: 50) {
            store, number in
            let paths = store.image.segments
            let path = paths[number / (sectors * (count + 2))]
            let at = 512 * (number / (count + 2) % sectors)
            let source = number % (count + 2)
            let bytes: [UInt8]
            switch source {
            case 0: bytes = [UInt8](repeating: 0, count: 512)
            case 1: bytes = Array(store.olderLife.files[path]![at..<at + 512])
            default:
                if paths[source - 2] == path { return nil }
                bytes = Array(store.image.files[paths[source - 2]]![at..<at + 512])
            }
            if bytes == Array(store.image.files[path]![at..<at + 512]) { return nil }
            return .put(
                bytes, at: at, of: path,
                source == 0 ? "zeros" : source == 1 ? "an older life's sector" : "another segment's sector")
        }
    }

    @Test(arguments: Part.all) func `every two sectors of a segment that changed places`(part: Part) throws {
        let store = try Self.store(part.kind)
        let sectors = store.image.files[store.image.segments[0]]!.count / 512
        try Self.sweep(part, "swaps", count: store.image.segments.count * sectors * sectors, verifyEach: 1, rarity: 10)
        { store, number in
            let path = store.image.segments[number / (sectors * sectors)]
            let first = number / sectors % sectors
            let second = number % sectors
            let bytes = store.image.files[path]!
            let one = Array(bytes[512 * first..<512 * first + 512])
            let two = Array(bytes[512 * second..<512 * second + 512])
            if first >= second || one == two { return nil }
            return SweepFault(
                path: path, change: .put([(512 * first, two), (512 * second, one)]),
                what: "sectors \(first) and \(second)")
        }
    }

    @Test(arguments: Part.all) func `every block with any other, or an older life's, in its place`(part: Part) throws {
        let store = try Self.store(part.kind)
        let blocks = store.blocks
        let older = try SweepStore.findBlocks(store.olderLife)
        let sources = blocks.map { ($0, store.image) } + older.map { ($0, store.olderLife) }
        try Self.sweep(part, "blocks", count: blocks.count * sources.count, verifyEach: 1, rarity: 10) {
            store, number in
            let target = blocks[number / sources.count]
            let (source, image) = sources[number % sources.count]
            let bytes = Array(image.files[source.path]![source.bytes].prefix(target.bytes.count))
            if bytes == Array(store.image.files[target.path]![target.bytes].prefix(bytes.count)) { return nil }
            return .put(bytes, at: target.bytes.lowerBound, of: target.path, "the block of \(source.ordinals)")
        }
    }
}
