import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Testing

/// Aim: verifying a store finds every kind of damage, names it, changes nothing, and finds nothing where nothing is wrong. Method: the
/// stores of the corruption tests, on a disk in memory.
@Suite struct VerifyTests {
    static func verify(_ image: DiskImage) throws -> StoreVerification {
        let disk = try image.disk()
        let verification = try StoreVerification.run(at: "/store", io: disk)
        #expect(DiskImage(disk) == image, "verifying changed something")
        return verification
    }

    @Test func `a store that was closed cleanly has no finding at all, and every record is counted`() throws {
        let store = try CorruptionTests.store(.clean)
        let verification = try Self.verify(store.image)
        #expect(verification.findings.isEmpty)
        #expect(verification.isClean)
        #expect(verification.activeWriter == nil)
        #expect(verification.logCount == 1)
        #expect(verification.segmentCount == store.image.segments.count)
        #expect(verification.blockCount == store.blocks.count)
        #expect(verification.recordCount == store.records.count)
        #expect(verification.store?.generation == 2)
    }

    @Test func `a store that was left open is clean, with a note that it will be recovered`() throws {
        let verification = try Self.verify(try CorruptionTests.store(.unclean).image)
        #expect(verification.isClean)
        #expect(verification.findings.map(\.severity) == [.note])
        #expect(verification.findings[0].detail.contains("not closed cleanly"))
    }

    @Test func `an open store names its writer`() throws {
        let harness = Harness()
        let store = try harness.open()
        try store.createLog(1).append(PlainRecord("k", "v"))
        let verification = try StoreVerification.run(at: "/store", io: harness.disk)
        #expect(verification.activeWriter == "\(ProcessIdentity.current)")
        #expect(verification.isClean)
        store.abandon()
        #expect(try StoreVerification.run(at: "/store", io: harness.disk).activeWriter == nil)
    }

    @Test func `every turned bit of a block, header, index or footer is found, in the right place`() throws {
        let store = try CorruptionTests.store(.clean)
        let entropy = SeededEntropy(seed: 51)
        for _ in 0..<1500 {
            let path = store.image.segments[entropy.next(below: store.image.segments.count)]
            let isLast = path == store.image.segments.last
            var image = store.image
            let block = store.blocks.filter { $0.path == path }[entropy.next(below: 5)]
            let footerAt = image.files[path]!.count - 4096
            let at =
                switch entropy.next(below: 4) {
                case 0: entropy.next(below: 4096)
                case 1: isLast ? 4096 + entropy.next(below: 4096) : footerAt + entropy.next(below: 4096)
                default: block.bytes.lowerBound + entropy.next(below: block.bytes.count)
                }
            image.files[path]![at] ^= 1 << UInt8(entropy.next(below: 8))
            let findings = try Self.verify(image).findings
            let isFound = findings.contains {
                path.hasSuffix($0.file) && $0.severity > .note && $0.bytes?.contains(at) == true && $0.logID == 1
            }
            if !isFound { Issue.record("byte \(at) of \(path): \(findings)") }
            if findings.filter({ $0.severity == .damage }).count > 1 { Issue.record("byte \(at) of \(path): \(findings)") }
        }
    }

    @Test func `a damaged block is reported with its ordinals`() throws {
        let store = try CorruptionTests.store(.clean)
        let block = store.blocks[7]
        var image = store.image
        image.files[block.path]![block.bytes.lowerBound + 70] ^= 0x40
        let damage = try Self.verify(image).findings.filter { $0.severity == .damage }
        #expect(damage.count == 1)
        #expect(damage.first?.ordinals == block.ordinals)
        #expect(damage.first?.bytes?.lowerBound == block.bytes.lowerBound)
    }

    @Test func `a segment that is missing, cut short or of another log is found`() throws {
        let store = try CorruptionTests.store(.clean)
        let path = store.image.segments[1]
        var missing = store.image
        missing.files[path] = nil
        #expect(try Self.verify(missing).findings.contains { $0.severity == .damage && $0.detail.contains("segment 2") })
        for count in [0, 512, 4096, 12_288, 20_480, 32_256] {
            var short = store.image
            short.files[path] = Array(short.files[path]!.prefix(count))
            #expect(try !Self.verify(short).isClean, "\(count) bytes")
        }
        var swapped = store.image
        (swapped.files[path], swapped.files[store.image.segments[2]]) = (swapped.files[store.image.segments[2]], swapped.files[path])
        #expect(try Self.verify(swapped).findings.filter { $0.severity == .damage }.count >= 2)
    }

    @Test func `the last records of a closed log cannot vanish unnoticed`() throws {
        let store = try CorruptionTests.store(.clean)
        let last = store.blocks.last!
        var image = store.image
        for at in last.bytes { image.files[last.path]![at] = 0 }
        let damage = try Self.verify(image).findings.filter { $0.severity == .damage }
        #expect(damage.map(\.ordinals) == [last.ordinals])
    }

    @Test func `files that belong to no store are named`() throws {
        var image = try CorruptionTests.store(.clean).image
        let log = "/store/logs/0000000000000001"
        for path in ["/store/notes.txt", "/store/logs/xyz/1", "\(log)/1.segment", "\(log)/a.segment.damaged", "/store/pool/x"] {
            image.files[path] = [1]
        }
        image.files["/store/pool/32768-7.spare"] = [0]
        let findings = try Self.verify(image).findings
        #expect(findings.map(\.file).sorted() == [
            "logs/0000000000000001/1.segment", "logs/0000000000000001/a.segment.damaged", "logs/xyz", "notes.txt", "pool/x",
        ])
        #expect(findings.allSatisfy { $0.severity == .warning })
    }

    @Test func `a damaged slot of the store file is a warning, a missing store file is no store`() throws {
        var image = try CorruptionTests.store(.clean).image
        image.files["/store/store"]![60] ^= 1
        #expect(try Self.verify(image).findings.map(\.file) == ["store"])
        image.files["/store/store"]![4096 + 60] ^= 1
        #expect(throws: LogError.notAStore(detail: "the file `store` holds no valid identity")) { try Self.verify(image) }
        image.files["/store/store"] = nil
        #expect(throws: LogError.notAStore(detail: "there is no file `store`")) { try Self.verify(image) }
    }
}
