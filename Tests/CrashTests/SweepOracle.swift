import MillraceIO
import MillraceLog
import MillraceTestKit
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Opens a damaged store, reads everything and compares with what must be there: the records of the blocks that were
/// hit are gaps, which name file and place, and every other record is there, byte for byte.
struct SweepOracle {
    let store: SweepStore

    enum Verdict: Equatable {
        case harmless
        case costly
        case wrongRecord(String)
        case violation(String)
    }

    /// What must be found after a fault.
    struct Expected {
        /// Blocks whose records are missing, each in a gap.
        var lost: [SweepStore.Block] = []
        /// Where the log ends early, without a gap: every record from here on.
        var cut: UInt64?
        /// The file that recovery must name, as damaged or cut.
        var named: String?
    }

    func expected(_ fault: SweepFault) -> Expected {
        let original = store.image.files[fault.path]!
        var expected = Expected()
        expected.lost = store.blocks.filter { $0.path == fault.path && fault.hits($0.bytes, original) }
        guard case .cut(let end) = fault.change, end < Format.blocksByteOffset else { return expected }
        // Such a file is no segment any more: the newest one is set aside, and the log ends before it, at the start of
        // the batch that went on in it (docs/DURABILITY.md, known gaps).
        if fault.path == store.image.segments.last {
            let before = store.blocks.last { $0.path != fault.path }
            expected.cut = before?.unfinished ?? before?.ordinals.upperBound ?? 0
            expected.lost = []
            expected.named = Self.leaf(fault.path)
        }
        return expected
    }

    static func leaf(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? "" }

    /// One fault on a copy of the disk. With `goesOn` records are appended afterwards, and everything is read once
    /// more.
    func judge(_ fault: SweepFault, verifies: Bool, goesOn: Bool = false) -> Verdict {
        do {
            let disk = store.disk.kill()
            try fault.apply(to: disk)
            if verifies, let problem = try verify(fault, disk) { return .violation(problem) }
            let verdict = try read(disk, fault, expected(fault))
            guard goesOn, verdict == .harmless || verdict == .costly else { return verdict }
            if let problem = try goOn(disk, fault) { return .violation("going on after it: \(problem)") }
            return verdict
        } catch { return .violation("\(error)") }
    }

    private func open(_ disk: ShadowIO) throws(LogError) -> LogStore {
        try LogStore(
            at: "/store", create: false, io: disk, clock: ManualClock(bootIdentity: (77, 77)),
            entropy: SeededEntropy(seed: 8), configuration: store.configuration)
    }

    /// Appends until the log is in its second new segment, and reads everything after each of two openings: what was
    /// there stays there.
    private func goOn(_ disk: ShadowIO, _ fault: SweepFault) throws -> String? {
        let first = try open(disk)
        let log = try first.log(1)
        let (before, gaps) = try log.readAll(level: .durable)
        let named = store.records.map(\.ordinal).filter { ordinal in
            gaps.contains { $0.from <= ordinal && ordinal < $0.to }
        }
        var added: [PlainRecord] = []
        for number in 0..<40 {
            let record = PlainRecord(
                key: Array("later".utf8), data: (0..<500).map { UInt8(truncatingIfNeeded: ($0 &* $0) ^ number) })
            try log.append(record, arrival: 2_000_000)
            added.append(record)
            while log.flushStep() == .progress {}
        }
        try first.close()
        for opening in 0..<2 {
            let again = try open(disk)
            let (found, gaps) = try again.log(1).readAll(level: .durable)
            try again.close()
            for ordinal in named where !gaps.contains(where: { $0.from <= ordinal && ordinal < $0.to }) {
                return "opening \(opening) steps over ordinal \(ordinal) silently; gaps \(gaps), of \(named.count) before"
            }
            if !found.prefix(before.count).elementsEqual(before, by: ==) {
                return "opening \(opening) does not find the \(before.count) records that were left"
            }
            if found.dropFirst(before.count).map(\.record) != added {
                return "opening \(opening) does not find what was appended"
            }
        }
        return nil
    }

    // MARK: Reading

    private func read(_ disk: ShadowIO, _ fault: SweepFault, _ expected: Expected) throws -> Verdict {
        let opened = try open(disk)
        defer { opened.abandon() }
        let log = try opened.log(1)
        var comparison = SweepComparison(store.records)
        var gaps: [Gap] = []
        var cursor = log.cursor(at: 0, level: .durable)
        var isMore = true
        while isMore {
            do throws(LogError) {
                let lent: Bool? = try cursor.withBatch { batch throws(LogError) in
                    while let record = batch.next() { comparison.take(record) }
                    return true
                }
                isMore = lent != nil
            } catch {
                guard case .gap(let gap) = error else { throw error }
                gaps.append(gap)
            }
        }
        if let wrong = comparison.wrong { return .wrongRecord(wrong) }
        if let problem = compare(comparison.missing(), gaps, fault, expected) {
            return .violation("\(problem); gaps \(gaps); \(log.recovery)")
        }
        if let named = expected.named,
            !log.recovery.damage.contains(where: { $0.file == named })
                && !log.recovery.discarded.contains(where: { $0.file == named })
        {
            return .violation("recovery does not name \(named): \(log.recovery)")
        }
        return gaps.isEmpty && expected.cut == nil ? .harmless : .costly
    }

    private func compare(
        _ missing: [UInt64], _ gaps: [Gap], _ fault: SweepFault, _ expected: Expected
    ) -> String? {
        let file = Self.leaf(fault.path)
        for ordinal in missing {
            if let cut = expected.cut, ordinal >= cut { continue }
            guard expected.lost.contains(where: { $0.ordinals.contains(ordinal) }) else {
                return "ordinal \(ordinal) is lost, though nothing of it was hit"
            }
            guard gaps.contains(where: { $0.from <= ordinal && ordinal < $0.to }) else {
                return "ordinal \(ordinal) is lost silently"
            }
        }
        let gone = Set(missing)
        if let cut = expected.cut,
            let back = store.records.first(where: { $0.ordinal >= cut && !gone.contains($0.ordinal) })
        {
            return "ordinal \(back.ordinal) is there, behind the cut at \(cut)"
        }
        for block in expected.lost where !gone.contains(block.ordinals.lowerBound) {
            return "ordinal \(block.ordinals.lowerBound) came out of a block that was hit"
        }
        for gap in gaps {
            guard case .corrupt(file, let byteOffset) = gap.cause else { return "\(gap) is not for damage of \(file)" }
            let hit = expected.lost.filter { $0.ordinals.overlaps(gap.from..<gap.to) }
            guard let first = hit.first, let last = hit.last else { return "\(gap) is for nothing that was hit" }
            // A file that ends too early for any block is named where it ends.
            if case .cut(let end) = fault.change, end < Format.blocksByteOffset, byteOffset == end { continue }
            if byteOffset < first.bytes.lowerBound || byteOffset > last.bytes.upperBound {
                return
                    "\(gap) names byte \(byteOffset), the damage is in \(first.bytes) to \(last.bytes)"
            }
        }
        return nil
    }

    // MARK: Verifying

    /// Damage to a byte that means something is found, where it is; the disk stays as it was.
    private func verify(_ fault: SweepFault, _ disk: ShadowIO) throws -> String? {
        let verification = try StoreVerification.run(at: "/store", io: disk)
        let original = store.image.files[fault.path]!
        let covered = store.covered(fault.path).filter { fault.hits($0, original) }
        if covered.isEmpty { return nil }
        let found = verification.findings.filter {
            $0.severity > .note && fault.path.hasSuffix($0.file) && $0.logID == 1
        }
        if found.isEmpty { return "verifying finds nothing: \(verification.findings)" }
        if case .put(let pieces) = fault.change, pieces.count == 1, pieces[0].bytes.count == 1,
            !found.contains(where: { $0.bytes?.contains(pieces[0].at) == true })
        {
            return "verifying does not find the place: \(found)"
        }
        let hit = store.blocks.filter { $0.path == fault.path && fault.hits($0.bytes, original) }
        for block in hit {
            let isNamed = found.contains { finding in
                guard let ordinals = finding.ordinals, finding.severity == .damage else { return false }
                return ordinals.lowerBound <= block.ordinals.lowerBound
                    && ordinals.upperBound >= block.ordinals.upperBound
            }
            if case .cut(let end) = fault.change, end < Format.blocksByteOffset { continue }
            if !isNamed { return "verifying does not name ordinals \(block.ordinals): \(found)" }
        }
        return nil
    }
}

/// Compares records with those that were put, in order and without copying.
struct SweepComparison {
    private let records: [SweepStore.Record]
    private var next = 0
    private var skipped: [UInt64] = []
    private(set) var wrong: String?

    init(_ records: [SweepStore.Record]) { self.records = records }

    mutating func take(_ record: RecordView) {
        while next < records.count, records[next].ordinal < record.ordinal {
            skipped.append(records[next].ordinal)
            next += 1
        }
        guard next < records.count, records[next].ordinal == record.ordinal else {
            wrong = wrong ?? "ordinal \(record.ordinal) is not the next of any that was put"
            return
        }
        if !record.key.isEqual(to: records[next].record.key) || !record.data.isEqual(to: records[next].record.data) {
            wrong = wrong ?? "ordinal \(record.ordinal) has other bytes than \(records[next].record)"
        }
        next += 1
    }

    /// The ordinals that did not come.
    func missing() -> [UInt64] { skipped + records[next...].map(\.ordinal) }
}

extension RawSpan {
    func isEqual(to bytes: [UInt8]) -> Bool {
        // Safe because the span is valid for its count while it is compared.
        unsafe byteCount == bytes.count
            && withUnsafeBytes { left in
                unsafe bytes.withUnsafeBytes { right in
                    unsafe left.isEmpty || memcmp(left.baseAddress!, right.baseAddress!, left.count) == 0
                }
            }
    }
}
