import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Testing

/// A damaged store under `fixtures/corrupt`, what must come of it, and how it was made: a small store of known content,
/// and one thing done to it.
struct KeptDamage: Sendable, CustomTestStringConvertible {
    let name: String
    /// What is wrong, in words.
    let what: String
    private let end: SweepStore.End
    private let damage: @Sendable (inout DiskImage, SweepStore) -> Void

    var testDescription: String { name }
    var path: String { "fixtures/corrupt/\(name)" }

    static let all = [
        KeptDamage(name: "turned-bit", what: "one bit of a block's payload, in a sealed segment", end: .clean) {
            image, store in
            let block = store.blocks[3]
            image.files[block.path]![block.bytes.upperBound - 9] ^= 0x10
        },
        KeptDamage(name: "zeroed-sector", what: "a sector of zeros over two blocks", end: .clean) { image, store in
            let path = store.image.segments[0]
            let at = 12_288 + 1024
            for place in at..<at + 512 { image.files[path]![place] = 0 }
        },
        KeptDamage(
            name: "lost-end-of-generation", what: "the last block of a generation, in the newest segment", end: .clean
        ) { image, store in
            let newest = store.blocks(of: store.image.segments.last!)
            let next = newest.firstIndex {
                Ordinal.generation($0.ordinals.lowerBound) > Ordinal.generation(newest[0].ordinals.lowerBound)
            }!
            for place in newest[next - 1].bytes { image.files[newest[0].path]![place] = 0 }
        },
        KeptDamage(name: "cut-short", what: "the newest file ends within its blocks", end: .clean) { image, store in
            let path = store.image.segments.last!
            let block = store.blocks(of: path)[2]
            image.files[path]!.removeLast(image.files[path]!.count - block.bytes.lowerBound - 30)
        },
        KeptDamage(name: "no-header", what: "the header page of one segment, the footer of another", end: .clean) {
            image, store in
            let paths = store.image.segments
            for place in 0..<4096 { image.files[paths[1]]![place] = 0xFF }
            for place in 4096..<8192 { image.files[paths[0]]![image.files[paths[0]]!.count - 8192 + place] = 0 }
        },
        KeptDamage(name: "older-life", what: "a block of the file's former life in place of its own", end: .clean) {
            image, store in
            let block = store.blocks[5]
            let stale = store.olderLife.files[block.path]![block.bytes]
            image.files[block.path]!.replaceSubrange(block.bytes, with: stale)
        },
        KeptDamage(
            name: "torn-tail", what: "a block behind the last note, in a store that was left open",
            end: .unclean(hasNote: true, isKilled: false)
        ) { image, store in
            let block = store.blocks.dropLast(2).last!
            for place in block.bytes.dropFirst(512) { image.files[block.path]![place] = 0 }
        },
    ]

    /// The store of the fixtures.
    static func store(_ end: SweepStore.End) throws -> SweepStore {
        try SweepStore.make(isCompressing: false, rounds: 34, end: end)
    }

    /// What today's writer and the damage make. Never compressed, so that it is the same with every release of LZ4.
    func make() throws -> [String: [UInt8]] {
        let store = try Self.store(end)
        var image = store.image
        damage(&image, store)
        return Dictionary(
            uniqueKeysWithValues: image.files.map { (String($0.key.dropFirst("/store/".count)), $0.value) })
    }

    /// What the repository keeps.
    func read() throws -> DiskImage {
        var files: [String: [UInt8]] = [:]
        for name in try Fixtures.list(path) where name == "store" || name.hasPrefix("logs/") {
            files["/store/\(name)"] = try Fixtures.read("\(path)/\(name)")
        }
        return DiskImage(files: files)
    }

    func write() throws {
        for (name, bytes) in try make() { try Fixtures.write(bytes, to: "\(path)/\(name)") }
        try Fixtures.write(Array(try outcome(of: read()).utf8), to: "\(path)/expected.txt")
    }

    // MARK: What comes of it

    /// Everything that verifying, opening after a restart and reading say, in lines to compare and to review.
    func outcome(of image: DiskImage) throws -> String {
        var lines = ["damage: \(what)"]
        for finding in try StoreVerification.run(at: "/store", io: try image.disk()).findings {
            let place = finding.bytes.map { " bytes \($0)" } ?? ""
            let ordinals = finding.ordinals.map { " ordinals \($0)" } ?? ""
            lines.append("verify: \(finding.severity.rawValue) \(finding.file)\(place)\(ordinals): \(finding.detail)")
        }
        let disk = try image.disk()
        for opening in 1...2 {
            let store = try LogStore(
                at: "/store", create: false, io: disk, clock: ManualClock(bootIdentity: (77, 77)),
                entropy: SeededEntropy(seed: 8),
                configuration: SweepStore.configuration(isCompressing: false))
            let log = try store.log(1)
            for damage in log.recovery.damage {
                lines.append(
                    "recovery \(opening): damage \(damage.file) bytes \(damage.bytes) ordinals \(damage.ordinals)")
            }
            for cut in log.recovery.discarded {
                lines.append("recovery \(opening): cut \(cut.file) at \(cut.byteOffset)")
            }
            let (records, gaps) = try log.readAll(level: .durable)
            for gap in gaps {
                guard case .corrupt(let file, let byteOffset) = gap.cause else { continue }
                lines.append("read \(opening): gap \(gap.from)..<\(gap.to) \(file) byte \(byteOffset)")
            }
            lines += runs(records).map { "read \(opening): records \($0)" }
            store.abandon()
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Stretches of ordinals without a break, each with a checksum over its keys and data.
    private func runs(_ records: [(ordinal: UInt64, record: PlainRecord)]) -> [String] {
        var runs: [(first: UInt64, end: UInt64, checksum: UInt32)] = []
        for (ordinal, record) in records {
            if runs.last?.end != ordinal { runs.append((ordinal, ordinal, 0)) }
            runs[runs.count - 1].end += 1
            for part in [record.key, record.data] {
                let memory = AlignedMemory(byteCount: part.count, alignment: 8)
                memory.memory.copy(unsafe part.span.bytes, at: 0)
                runs[runs.count - 1].checksum = memory.withMemory { CRC32C.of($0, continuing: runs.last!.checksum) }
            }
        }
        return runs.map { "\($0.first)..<\($0.end) crc32c \($0.checksum)" }
    }
}
