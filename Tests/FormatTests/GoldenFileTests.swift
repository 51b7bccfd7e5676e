import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Testing

/// Aim: files of format version 1 are read by every later version, and today's writer makes them bit for bit. Method: the stores
/// under `fixtures/format/v1`. `MILLRACE_WRITE_GOLDEN=1` writes them anew, which only a new fixture justifies.
@Suite(.serialized) struct GoldenFileTests {
    init() throws {
        guard Fixtures.isSet("MILLRACE_WRITE_GOLDEN") else { return }
        for golden in GoldenStore.all {
            let (files, lines) = try golden.make()
            try golden.write(files, lines)
        }
    }

    static func disk(_ files: [String: [UInt8]]) throws -> ShadowIO {
        try DiskImage(files: Dictionary(uniqueKeysWithValues: files.map { ("/store/" + $0.key, $0.value) })).disk()
    }

    @Test(arguments: GoldenStore.all) func `every record of a kept store is read as it was put`(golden: GoldenStore) throws {
        let (files, lines, _) = try golden.read()
        #expect(!lines.isEmpty)
        let store = try Harness(disk: try Self.disk(files)).open(create: false)
        #expect(try store.logIDs() == [1])
        let log = try store.log(1)
        #expect(log.recovery.wasClean)
        #expect(log.recovery.damage.isEmpty)
        var cursor = log.cursor(at: 0, level: .durable)
        var found: [GoldenStore.Line] = []
        while let _: Void = try cursor.withBatch({ batch throws(LogError) in
            while let record = batch.next() {
                found.append(
                    GoldenStore.line(
                        PlainRecord(key: record.key.bytes, data: record.data.bytes), ordinal: record.ordinal,
                        arrival: record.arrivalMilliseconds))
            }
        }) {}
        #expect(found == lines)
    }

    @Test(arguments: GoldenStore.all) func `today's writer makes the kept store bit for bit`(golden: GoldenStore) throws {
        let (files, lines, version) = try golden.read()
        let made = try golden.make()
        #expect(made.lines == lines)
        #expect(made.files.keys.sorted() == files.keys.sorted())
        // Another release of the LZ4 library may find shorter matches: then the reader above is the witness.
        guard !golden.isCompressing || version == LZ4.version else { return }
        for (name, bytes) in files {
            let made = made.files[name] ?? []
            let at = zip(bytes, made).enumerated().first { $0.element.0 != $0.element.1 }?.offset
            #expect(made.count == bytes.count && at == nil, "\(golden.name)/\(name) differs at byte \(at ?? -1)")
        }
    }

    @Test func `the kept stores show every kind of block`() throws {
        var codecs: Set<BlockCodec> = [], hasUnfinishedBatch = false, generations: Set<UInt64> = []
        for golden in [GoldenStore.raw, .lz4] {
            let (files, _, _) = try golden.read()
            let segments = files.keys.filter { $0.hasSuffix(".segment") }
            #expect(segments.count >= 2)
            for segment in segments {
                let bytes = Bytes(copying: files[segment]!)
                try bytes.lend { memory in
                    let (header, checksum) = try #require(
                        try SegmentHeader.decode(memory.slice(0, Format.pageByteCount), file: segment))
                    var walk = BlockWalk(memory, identity: header.identity, headerChecksum: checksum)
                    walk.run()
                    for number in 0..<walk.index.count {
                        let block = try #require(
                            BlockHeader.decode(
                                memory, at: walk.index[number].byteOffset, limit: memory.byteCount,
                                identity: header.identity))
                        codecs.insert(block.codec)
                        generations.insert(Ordinal.generation(block.firstOrdinal))
                        if block.unfinishedBatchIndex != nil { hasUnfinishedBatch = true }
                    }
                }
            }
        }
        #expect(codecs == [.raw, .lz4])
        #expect(hasUnfinishedBatch)
        #expect(generations == [1, 2])
    }
}
