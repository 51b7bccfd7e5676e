import MillraceIO
import MillraceLog
import MillraceTestKit
import Testing

/// Aim: verifying says of each thing that is not right what it is. Method: a footer that is valid and lies, one number at a time, and
/// directories with what does not belong there.
@Suite struct VerifyWordsTests {
    /// The store of the corruption tests with its first segment's footer changed, under a right checksum.
    private func image(_ change: (inout [UInt8]) -> Void) throws -> DiskImage {
        let store = try CorruptionTests.store(.clean)
        var image = store.image
        let path = try #require(image.segments.first)
        let disk = try image.disk()
        let root = try disk.openDirectory(at: "/store", create: false)
        let logs = try disk.openDirectory("logs", in: root, create: false)
        let log = try disk.openDirectory("0000000000000001", in: logs, create: false)
        let name = try #require(path.split(separator: "/").last.map(String.init))
        let identity = try SegmentInspection.read(file: name, in: log, io: disk).header.identity
        let footerAt = image.files[path]!.count - Format.pageByteCount
        var page = Array(image.files[path]![footerAt...])
        change(&page)
        let sealed = AlignedMemory(byteCount: Format.pageByteCount)
        sealed.withMemory { memory in
            for (at, byte) in page.enumerated() { memory.store(byte, at: at) }
            let checksum = CRC32C.of(memory.slice(0, 4092), continuing: identity.positioned(footerAt))
            memory.store(checksum, at: 4092)
        }
        image.files[path]!.replaceSubrange(footerAt..., with: sealed.withMemory { $0.bytes })
        return image
    }

    @Test(arguments: [
        (32, "the footer ends at ordinal"), (40, "the footer's greatest arrival time is not the blocks'"),
        (48, "the footer counts"), (56, "the footer counts"), (68, "the footer names another last block"),
        (64, "the index does not match its checksum"),
    ])
    func `a footer that is valid and says something else than the blocks is named`(byteOffset: Int, words: String) throws {
        let findings = try VerifyTests.verify(image { $0[byteOffset] ^= 2 }).findings
        #expect(findings.contains { $0.detail.contains(words) }, "\(findings)")
    }

    @Test func `a footer as it was written is no finding after it was sealed again`() throws {
        #expect(try VerifyTests.verify(image { _ in }).findings.isEmpty)
    }

    @Test func `what does not belong into a store is named, and a store without logs is none the worse`() throws {
        let store = try CorruptionTests.store(.clean)
        var image = store.image
        image.files["/store/JOURNAL"] = [0]
        image.files["/store/letter.txt"] = [1]
        image.files["/store/pool/letter.txt"] = [1]
        image.files["/store/logs/letters/a"] = [1]
        let verification = try VerifyTests.verify(image)
        #expect(!verification.findings.contains { $0.severity > .warning })
        let warned = Set(verification.findings.filter { $0.severity == .warning }.map(\.file))
        #expect(warned == ["JOURNAL", "letter.txt", "pool/letter.txt", "logs/letters"])
        image = DiskImage(files: ["/store/store": try #require(store.image.files["/store/store"])])
        let empty = try VerifyTests.verify(image)
        #expect(empty.isClean)
        #expect(empty.findings.contains { $0.detail == "there is no log yet" })
    }

    @Test func `a segment of a later version ends the verification by its name`() throws {
        let store = try CorruptionTests.store(.clean)
        var image = store.image
        let path = try #require(image.segments.first)
        var page = Array(image.files[path]![..<Format.pageByteCount])
        // Least version that can read it: 2. The header page's checksum has no seed.
        page[10] = 2
        let sealed = AlignedMemory(byteCount: Format.pageByteCount)
        sealed.withMemory { memory in
            for (at, byte) in page.enumerated() { memory.store(byte, at: at) }
            memory.store(CRC32C.of(memory.slice(0, 4092)), at: 4092)
        }
        image.files[path]!.replaceSubrange(..<Format.pageByteCount, with: sealed.withMemory { $0.bytes })
        let disk = try image.disk()
        do throws(LogError) {
            _ = try StoreVerification.run(at: "/store", io: disk)
            Issue.record("read a version that it does not know")
        } catch {
            guard case .newerFormat(let file, let version, _) = error else { throw error }
            #expect(path.hasSuffix(file) && version == 2)
        }
    }
}
