import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import MillraceTestKit
import MillraceTestSupport
import Testing

/// Aim: whatever single thing is wrong with the catalogue or the store file of a store that was closed cleanly, the
/// store opens with all its streams and every record, or says what is damaged and where; no stream is forgotten or made
/// up. Method: all of it: every bit, every length, every sector zeroed or another's. `MILLRACE_SWEEP_STRIDE` as for
/// SweepTests.
@Suite struct CatalogueSweepTests {
    static let log = "/store/logs/0000000000000000"
    static let storeFile = "/store/store"

    struct Base: Sendable {
        let image: DiskImage
        let disk: ShadowIO
        let names: [String]
        /// Data of the records of each stream, in order.
        let records: [String: [[UInt8]]]
        let catalogue: String
        let blocks: [SweepStore.Block]

        static func make() async throws -> Base {
            let disk = ShadowIO()
            let clock = ManualClock()
            let entropy = SeededEntropy(seed: 31)
            var records: [String: [[UInt8]]] = [:]
            for life in 0..<2 {
                let store = try open(disk, clock, entropy)
                for number in 0..<4 {
                    let name = "stream-\(life)-\(number)"
                    let stream = try await store.createStream(name, shards: 1)
                    for index in 0..<3 {
                        let data = Array("\(name) \(index)".utf8)
                        try stream.putBlocking(data.span, partitionKey: "k")
                        records[name, default: []].append(data)
                    }
                }
                try await store.close()
            }
            var image = DiskImage(disk)
            image.files = image.files.filter { $0.key.hasSuffix(".segment") || $0.key == storeFile }
            let catalogue = image.segments.first { $0.hasPrefix(CatalogueSweepTests.log) }!
            return Base(
                image: image, disk: try image.disk(), names: records.keys.sorted(), records: records,
                catalogue: catalogue,
                blocks: try SweepStore.findBlocks(image).filter { $0.path == catalogue })
        }

        static func open(_ disk: ShadowIO, _ clock: ManualClock, _ entropy: SeededEntropy) throws(KinesisError)
            -> StreamStore
        {
            try StreamStore(
                at: "/store", io: disk, clock: clock, entropy: entropy,
                configuration: SweepStore.configuration(isCompressing: false))
        }

        /// nil when the outcome of the fault is one that is allowed.
        func problem(_ fault: SweepFault, reading number: Int, seen: inout SweepCount) -> String? {
            do {
                let disk = self.disk.kill()
                try fault.apply(to: disk)
                // What the first opening did to the files may matter to the second one.
                let isCut = if case .cut = fault.change { true } else { false }
                for opening in 0..<(isCut || number % 16 == 0 ? 2 : 1) {
                    if let problem = try problem(disk, fault, reading: number, seen: &seen) {
                        return "opening \(opening): \(problem)"
                    }
                }
                return nil
            } catch { return "\(error)" }
        }

        private func problem(
            _ disk: ShadowIO, _ fault: SweepFault, reading number: Int, seen: inout SweepCount
        ) throws -> String? {
            let hit = blocks.filter { $0.path == fault.path && fault.hits($0.bytes, image.files[fault.path]!) }
            do throws(KinesisError) {
                let store = try Self.open(disk, ManualClock(bootIdentity: (77, 77)), SeededEntropy(seed: 9))
                defer { store.abandon() }
                if !hit.isEmpty {
                    return "a change of the catalogue that was hit is not missed: \(store.listStreams())"
                }
                if store.listStreams().map(\.text) != names { return "the streams are \(store.listStreams())" }
                let name = names[number % names.count]
                let found = try read(try store.stream(name).shards[0])
                if found != records[name] {
                    seen.wrongRecords += 1
                    return "\(name) holds \(found.map { String(decoding: $0, as: UTF8.self) })"
                }
                seen.harmless += 1
                return nil
            } catch {
                guard case .storage(let answer) = error else { throw error }
                seen.refused += 1
                return problem(answer, fault, hit)
            }
        }

        /// nil when the store may refuse to open with this answer.
        private func problem(_ answer: StorageError, _ fault: SweepFault, _ hit: [SweepStore.Block]) -> String? {
            switch answer {
            case .corrupt(let file, let byteOffset, _):
                guard !hit.isEmpty, file.hasPrefix(SweepOracle.leaf(fault.path)) else { return "refused: \(answer)" }
                if case .cut(let end) = fault.change, end < Format.blocksByteOffset { return nil }
                let isNamed = byteOffset >= hit[0].bytes.lowerBound && byteOffset <= hit.last!.bytes.upperBound
                return isNamed ? nil : "byte \(byteOffset) is named, the damage is in \(hit.map(\.bytes))"
            case .notAStore:
                // Only when no slot of the store file is left.
                let slots = [0..<4096, 4096..<8192].filter { !fault.hits($0, image.files[fault.path]!) }
                return fault.path == CatalogueSweepTests.storeFile && slots.isEmpty
                    ? nil : "the store is not taken for one"
            default: return "\(answer)"
            }
        }

        private func read(_ shard: Shard) throws(KinesisError) -> [[UInt8]] {
            var cursor = try shard.cursorBlocking(at: .trimHorizon)
            var found: [[UInt8]] = []
            while try cursor.withBatch({ batch throws(KinesisError) in
                while let record = batch.next() { found.append(record.data.bytes) }
            }) {}
            return found
        }
    }

    static func sweep(
        _ what: String, count: Int, rarity: Int = 1, _ fault: (Base, Int) -> SweepFault?
    ) async throws {
        let base = try await Base.make()
        var seen = SweepCount()
        var failures = 0
        let stride = max(1, SweepTests.stride / rarity)
        let parts = SweepTests.Part.numbers
        for number in Swift.stride(from: parts[0] * stride, to: count, by: (parts.count == 1 ? 2 : 1) * stride)
        where failures < 5 {
            guard let fault = fault(base, number) else { continue }
            seen.faults += 1
            if let problem = base.problem(fault, reading: number / stride, seen: &seen) {
                seen.otherViolations += 1
                failures += 1
                Issue.record("\(fault): \(problem)")
            }
        }
        seen.report(what)
        #expect(seen.faults > 0)
    }

    enum File: CaseIterable, Sendable { case catalogue, store }
    static func path(_ file: File, _ base: Base) -> String { file == .catalogue ? base.catalogue : storeFile }
    static func byteCount(_ file: File) -> Int { file == .catalogue ? 28 << 10 : StoreFile.byteCount }

    @Test func `the store has what the sweep is about`() async throws {
        let base = try await Base.make()
        // The first change is the store's own: its secret. The time is kept at the first close, and has not moved at the other.
        #expect(base.blocks.count == base.names.count + 2)
        #expect(base.image.files[base.catalogue]!.count == Self.byteCount(.catalogue))
        #expect(base.image.files[Self.storeFile]!.count == Self.byteCount(.store))
        var seen = SweepCount()
        let nothing = SweepFault(path: base.catalogue, change: .put([]), what: "nothing")
        for number in base.names.indices { #expect(base.problem(nothing, reading: number, seen: &seen) == nil) }
    }

    @Test(arguments: File.allCases) func `every bit`(file: File) async throws {
        try await Self.sweep("bits of \(file)", count: 8 * Self.byteCount(file)) { base, number in
            let path = Self.path(file, base)
            return .flip(bit: number, of: path, base.image.files[path]!)
        }
    }

    @Test(arguments: File.allCases) func `every length`(file: File) async throws {
        try await Self.sweep("lengths of \(file)", count: Self.byteCount(file), rarity: 8) { base, number in
            SweepFault(path: Self.path(file, base), change: .cut(number), what: "cut to \(number) bytes")
        }
    }

    @Test(arguments: File.allCases) func `every sector zeroed, or another's`(file: File) async throws {
        let sectors = Self.byteCount(file) / 512
        try await Self.sweep("sectors of \(file)", count: sectors * (sectors + 1), rarity: 40) { base, number in
            let path = Self.path(file, base)
            let bytes = base.image.files[path]!
            let at = 512 * (number / (sectors + 1))
            let source = number % (sectors + 1)
            let sector =
                source == sectors ? [UInt8](repeating: 0, count: 512) : Array(bytes[512 * source..<512 * source + 512])
            if sector == Array(bytes[at..<at + 512]) { return nil }
            return .put(sector, at: at, of: path, source == sectors ? "zeros" : "sector \(source)")
        }
    }
}
