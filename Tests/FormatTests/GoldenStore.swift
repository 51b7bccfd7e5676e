import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Testing

/// A store under `fixtures/format/v1`, and the life that makes it again: on a disk in memory, with time and chance by hand, so
/// that every run writes the same bytes.
struct GoldenStore: Sendable, CustomTestStringConvertible {
    /// One record as the fixture's `records.tsv` lists it.
    struct Line: Equatable, CustomStringConvertible {
        var ordinal: UInt64
        var arrivalMilliseconds: UInt64
        var key: String
        var byteCount: Int
        var checksum: UInt32

        var description: String { "\(ordinal)\t\(arrivalMilliseconds)\t\(key)\t\(byteCount)\t\(checksum)" }

        init?(_ text: Substring) {
            let parts = text.split(separator: "\t", omittingEmptySubsequences: false)
            guard parts.count == 5, let ordinal = UInt64(parts[0]), let arrival = UInt64(parts[1]),
                let byteCount = Int(parts[3]), let checksum = UInt32(parts[4])
            else { return nil }
            self.init(
                ordinal: ordinal, arrivalMilliseconds: arrival, key: String(parts[2]), byteCount: byteCount,
                checksum: checksum)
        }
        init(ordinal: UInt64, arrivalMilliseconds: UInt64, key: String, byteCount: Int, checksum: UInt32) {
            self.ordinal = ordinal
            self.arrivalMilliseconds = arrivalMilliseconds
            self.key = key
            self.byteCount = byteCount
            self.checksum = checksum
        }
    }

    let name: String
    let isCompressing: Bool
    private let life: @Sendable (Life) throws -> Void

    var path: String { "fixtures/format/v1/\(name)" }
    var testDescription: String { name }

    static let all = [oneRecord, raw, lz4]

    /// The segment that docs/FORMAT.md section 13 takes apart.
    static let oneRecord = GoldenStore(name: "one-record", isCompressing: false) { life in
        try life.open {
            try $0.append([PlainRecord("flight", "to Boston")], at: 250)
        }
    }

    /// Every kind of block that is not compressed: one record, many, a batch over two blocks, an empty record, two
    /// generations, two segments.
    static let raw = GoldenStore(name: "raw", isCompressing: false) { try everyKind($0, rounds: 12) }

    /// The same life with compression: LZ4 blocks, and raw ones where it does not pay.
    static let lz4 = GoldenStore(name: "lz4", isCompressing: true) { try everyKind($0, rounds: 30) }

    private static func everyKind(_ life: Life, rounds: Int) throws {
        try life.open {
            try $0.append([PlainRecord("first", "the first record")], at: 0)
            try $0.append([PlainRecord("", ""), PlainRecord("empty", ""), PlainRecord("", "no key")], at: 5)
            try $0.append((0..<40).map { PlainRecord("batch-\($0 % 4)", String(repeating: "row \($0 % 10), ", count: 18)) }, at: 20)
            try $0.append([PlainRecord(key: Array("noise".utf8), data: life.noise(700))], at: 21)
        }
        try life.open {
            for index in 0..<rounds {
                try $0.append(
                    [
                        PlainRecord("line-\(index)", String(repeating: "depart \(index) arrive \(index + 3); ", count: 40)),
                        PlainRecord(key: Array("noise".utf8), data: life.noise(600)),
                    ], at: UInt64(1000 + 250 * index))
            }
        }
    }

    // MARK: The life

    /// Opens, appends, closes; keeps what was appended.
    final class Life {
        private let harness: Harness
        private let draw = SeededEntropy(seed: 2013)
        private(set) var lines: [Line] = []
        private static let start: UInt64 = 1_735_689_600_000

        init(isCompressing: Bool) {
            var harness = Harness(seed: 1)
            harness.configuration.isCompressing = isCompressing
            harness.configuration.greatestSegmentByteCount = 32 << 10
            self.harness = harness
        }

        func noise(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: draw.next() >> 32) } }

        func open(_ body: (Opened) throws -> Void) throws {
            let store = try harness.open()
            let opened = Opened(life: self, log: try store.createLog(1))
            try body(opened)
            try store.close()
            harness.clock.advance(milliseconds: 60_000)
        }

        fileprivate func note(_ records: [PlainRecord], _ range: Range<UInt64>, arrival: UInt64) {
            for (record, ordinal) in zip(records, range) {
                lines.append(GoldenStore.line(record, ordinal: ordinal, arrival: arrival))
            }
        }

        struct Opened {
            let life: Life
            let log: ShardLog
            /// One batch, written at once; `time` in milliseconds since the life began.
            func append(_ records: [PlainRecord], at time: UInt64) throws {
                let range = try log.append(records, arrival: Life.start + time)
                while log.flushStep() == .progress {}
                _ = try log.syncStep()
                life.note(records, range, arrival: Life.start + time)
            }
        }

        /// The files that belong to a fixture: no lock, which names a process.
        var files: [String: [UInt8]] {
            var files: [String: [UInt8]] = [:]
            for (path, bytes) in DiskImage(harness.disk).files where !path.hasSuffix("/LOCK") {
                files[String(path.dropFirst("/store/".count))] = bytes
            }
            return files
        }
    }

    static func line(_ record: PlainRecord, ordinal: UInt64, arrival: UInt64) -> Line {
        Line(
            ordinal: ordinal, arrivalMilliseconds: arrival, key: String(decoding: record.key, as: UTF8.self),
            byteCount: record.data.count, checksum: CRC32C.of(unsafe record.data.span.bytes))
    }

    /// What today's writer makes.
    func make() throws -> (files: [String: [UInt8]], lines: [Line]) {
        let life = Life(isCompressing: isCompressing)
        try self.life(life)
        return (life.files, life.lines)
    }

    /// What the repository keeps.
    func read() throws -> (files: [String: [UInt8]], lines: [Line], lz4Version: String) {
        var files: [String: [UInt8]] = [:]
        for name in try Fixtures.list(path) where name == "store" || name.hasPrefix("logs/") {
            files[name] = try Fixtures.read("\(path)/\(name)")
        }
        let lines = try Fixtures.text("\(path)/records.tsv").split(separator: "\n").dropFirst().compactMap { Line($0) }
        let version = try Fixtures.text("\(path)/lz4-version").split(separator: "\n").first ?? ""
        return (files, lines, String(version))
    }

    func write(_ files: [String: [UInt8]], _ lines: [Line]) throws {
        for (name, bytes) in files { try Fixtures.write(bytes, to: "\(path)/\(name)") }
        let text = (["ordinal\tarrival\tkey\tbytes\tcrc32c"] + lines.map(\.description)).joined(separator: "\n") + "\n"
        try Fixtures.write(Array(text.utf8), to: "\(path)/records.tsv")
        try Fixtures.write(Array("\(LZ4.version)\n".utf8), to: "\(path)/lz4-version")
    }
}
