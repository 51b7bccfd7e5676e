import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Testing

/// Aim: whatever bytes stand in a file, decoding them ends in an error or in what was written, never in something else and never
/// in a trap. Method: the kept files, changed at random a few places at once; then blocks changed at random under checksums
/// made right again, where only a trap can fail. `MILLRACE_MUTATIONS=n` sets how many, `MILLRACE_SEED=n` which.
@Suite struct MutationTests {
    static let count = Fixtures.number("MILLRACE_MUTATIONS") ?? 400_000
    static let seed = UInt64(Fixtures.number("MILLRACE_SEED") ?? 61)

    /// One to four places changed: a bit, a byte, a stretch of one byte, or a stretch copied from elsewhere.
    static func mutate(_ bytes: Bytes, _ entropy: SeededEntropy, from start: Int, to end: Int) -> [Range<Int>] {
        (0...entropy.next(below: 4)).map { _ in
            let at = start + entropy.next(below: end - start)
            let count = min(1 + entropy.next(below: 64), end - at)
            switch entropy.next(below: 4) {
            case 0:
                bytes.flip(bit: 8 * at + entropy.next(below: 8))
                return at..<at + 1
            case 1:
                bytes.put(UInt8(truncatingIfNeeded: entropy.next()), at: at)
                return at..<at + 1
            case 2:
                let byte: UInt8 = [0, 0xFF, 0x7F, 0x80][entropy.next(below: 4)]
                bytes.lend { $0.slice(at, count).fill(byte) }
            default:
                let source = Bytes(copying: bytes.lend { $0.slice(start + entropy.next(below: end - start - count + 1), count).bytes })
                source.lend { source in bytes.lend { $0.copy(source, at: at) } }
            }
            return at..<at + count
        }
    }

    @Test func `a changed segment yields its own blocks, notes and footer, or none`() throws {
        let entropy = SeededEntropy(seed: Self.seed)
        for golden in GoldenStore.all {
            let (files, _, _) = try golden.read()
            for name in files.keys.filter({ $0.hasSuffix(".segment") }).sorted() {
                let original = Bytes(copying: files[name]!)
                let changed = Bytes(copying: files[name]!)
                let page = original.lend { $0.slice(0, Format.pageByteCount) }
                let (header, checksum) = try #require(try SegmentHeader.decode(page, file: name))
                let identity = header.identity
                let footerAt = original.count - Format.pageByteCount
                let footer = original.lend { SegmentFooter.decode($0.slice(footerAt, 4096), at: footerAt, identity: identity) }
                var places: [Int: BlockHeader] = [:]
                var end = 0
                original.lend { memory in
                    var walk = BlockWalk(memory, identity: identity, headerChecksum: checksum)
                    walk.run()
                    end = walk.byteOffset
                    for number in 0..<walk.index.count {
                        let at = walk.index[number].byteOffset
                        places[at] = BlockHeader.decode(memory, at: at, limit: memory.byteCount, identity: identity)
                    }
                }
                for round in 0..<Self.count / 6 {
                    let isHead = round % 4 == 0, isFooter = round % 8 == 1
                    let hit = Self.mutate(
                        changed, entropy, from: isFooter ? footerAt - 4096 : isHead ? 0 : Format.blocksByteOffset,
                        to: isFooter ? original.count : isHead ? Format.blocksByteOffset : end)
                    let problem: String? = changed.lend { memory in
                        if isHead {
                            let decoded = try? SegmentHeader.decode(memory.slice(0, 4096), file: name)
                            if let decoded, decoded.header != header { return "another header" }
                            if let note = DurableNote.newest(in: memory, identity: identity) {
                                let at = DurableNote.byteOffset(ofSequence: note.sequence)
                                let old = original.lend { DurableNote.decode($0.slice(at, 4096), at: at, identity: identity) }
                                if note != old { return "another note" }
                            }
                            return nil
                        }
                        if isFooter {
                            guard let found = SegmentFooter.decode(memory.slice(footerAt, 4096), at: footerAt, identity: identity)
                            else { return nil }
                            if found != footer { return "another footer" }
                            let index = memory.slice(found.indexByteOffset, found.blockCount * Format.indexEntryByteCount)
                            let isRead = found.readIndex(index, identity: identity) != nil
                            let isSame = original.lend { index.isEqual(to: $0.slice(found.indexByteOffset, index.byteCount)) }
                            return isRead && !isSame ? "another index" : nil
                        }
                        var walk = BlockWalk(memory, identity: identity, headerChecksum: checksum)
                        walk.runThroughDamage()
                        for number in 0..<walk.index.count where !walk.index[number].isHole {
                            let at = walk.index[number].byteOffset
                            let found = BlockHeader.decode(memory, at: at, limit: memory.byteCount, identity: identity)
                            guard let found, found == places[at] else { return "another block at \(at)" }
                            let count = found.headerByteCount + found.bodyByteCount
                            let isSame = original.lend { memory.slice(at, count).isEqual(to: $0.slice(at, count)) }
                            if !isSame { return "a block of other bytes at \(at)" }
                        }
                        return nil
                    }
                    if let problem {
                        Issue.record("seed \(Self.seed), round \(round) of \(golden.name)/\(name): \(problem), changed \(hit)")
                        return
                    }
                    for range in hit {
                        original.lend { original in changed.lend { $0.copy(original.slice(range.lowerBound, range.count), at: range.lowerBound) } }
                    }
                }
                #expect(changed.array == original.array)
            }
        }
    }

    @Test func `a changed store file yields one of its slots, or none`() throws {
        let entropy = SeededEntropy(seed: Self.seed)
        let original = try GoldenStore.raw.read().files["store"]!
        let slots = try [0, 4096].map { at in
            try Bytes(copying: Array(original[at..<at + 4096])).lend { try StoreFile.decode($0) }
        }
        for round in 0..<Self.count / 10 {
            let changed = Bytes(copying: original)
            let hit = Self.mutate(changed, entropy, from: 0, to: round % 2 == 0 ? 8192 : 80)
            let found = try? changed.lend { try StoreFile.decode($0) }
            if let found, !slots.contains(found) { Issue.record("seed \(Self.seed), round \(round): \(found), changed \(hit)") }
        }
    }

    @Test func `blocks changed under right checksums are inspected to their end without a trap`() throws {
        let entropy = SeededEntropy(seed: Self.seed)
        let (files, _, _) = try GoldenStore.lz4.read()
        let name = files.keys.filter { $0.hasSuffix(".segment") }.sorted()[0]
        let disk = try GoldenFileTests.disk(files)
        let root = try disk.openDirectory(at: "/store", create: false)
        let logs = try disk.openDirectory("logs", in: root, create: false)
        let log = try disk.openDirectory(FileNames.log(1), in: logs, create: false)
        let leaf = String(name.split(separator: "/").last!)
        let file = try disk.openFile(leaf, in: log, writable: true)
        let inspection = try SegmentInspection.read(file: leaf, in: log, io: disk)
        let identity = inspection.header.identity
        let original = files[name]!
        var accepted = 0, faults = 0
        for _ in 0..<Self.count / 20 {
            let block = inspection.blocks[entropy.next(below: inspection.blocks.count)]
            let changed = Bytes(copying: original)
            // A header field, or the directory's heads, or anything in the body; then both checksums over it.
            let body = block.byteOffset + block.header.headerByteCount
            switch entropy.next(below: 4) {
            case 0:
                _ = Self.mutate(changed, entropy, from: block.byteOffset + 8, to: block.byteOffset + 64)
            case 1: _ = Self.mutate(changed, entropy, from: body, to: min(body + 20, body + block.header.bodyByteCount))
            default: _ = Self.mutate(changed, entropy, from: body, to: body + block.header.bodyByteCount)
            }
            let at = block.byteOffset
            let extensionByteCount = 8 * Int(changed.get(UInt8.self, at: at + 61))
            let bodyAt = at + 64 + extensionByteCount
            let bodyByteCount = Int(changed.get(UInt32.self, at: at + 40)) + Int(changed.get(UInt32.self, at: at + 48))
            if bodyAt + bodyByteCount <= original.count {
                changed.put(changed.checksum(bodyAt..<bodyAt + bodyByteCount), at: at + 4)
            }
            if bodyAt <= original.count {
                changed.put(changed.checksum(at + 4..<bodyAt, continuing: identity.positioned(at)), at: at)
            }
            try changed.lend { try disk.write(file, at: 0, [$0]) }
            let found = try SegmentInspection.read(file: leaf, in: log, io: disk)
            if found.blocks.contains(where: { $0.byteOffset == at }) { accepted += 1 }
            if found.blocks.contains(where: { $0.fault != nil }) { faults += 1 }
        }
        print("blocks under right checksums: \(Self.count / 20), accepted by the header \(accepted), refused by what they hold \(faults)")
        #expect(accepted > 0 && faults > 0)
    }
}
