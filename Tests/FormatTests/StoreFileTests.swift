import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Testing

/// Aim: the store file gives the newest valid slot, and never a generation that was used before. Method: slots put down by hand
/// from docs/FORMAT.md section 3, every bit turned.
@Suite struct StoreFileTests {
    static func slot(sequence: UInt64 = 4, generation: UInt64 = 12) -> Bytes {
        Bytes.page().put("MILLRSTO", at: 0).put(UInt16(1), at: 8).put(UInt16(1), at: 10).put(UInt64(0x11), at: 32)
            .put(UInt64(0x22), at: 40).put(sequence, at: 48).put(generation, at: 56).put(UInt64(1_735_689_600_000), at: 64)
            .seal()
    }
    static func file(_ first: Bytes?, _ second: Bytes?) -> Bytes {
        let file = Bytes(count: StoreFile.byteCount)
        first?.lend { slot in file.lend { $0.copy(slot, at: 0) } }
        second?.lend { slot in file.lend { $0.copy(slot, at: 4096) } }
        return file
    }
    static func decode(_ file: Bytes) throws -> StoreFile? { try file.lend { try StoreFile.decode($0) } }

    @Test func `every field stands where the document says, and encodes to the same page`() throws {
        let store = try #require(try Self.decode(Self.file(Self.slot(), nil)))
        #expect(store.storeLow == 0x11 && store.storeHigh == 0x22)
        #expect(store.sequence == 4)
        #expect(store.generation == 12)
        #expect(store.createdMilliseconds == 1_735_689_600_000)
        let again = Bytes.page().put(UInt64.max, at: 3000)
        again.lend { store.encode(into: $0) }
        #expect(again.array == Self.slot().array)
    }

    @Test func `the valid slot with the higher sequence counts`() throws {
        let old = Self.slot(sequence: 4, generation: 12), new = Self.slot(sequence: 5, generation: 13)
        #expect(try Self.decode(Self.file(old, new))?.generation == 13)
        #expect(try Self.decode(Self.file(new, old))?.generation == 13)
        #expect(try Self.decode(Self.file(nil, new))?.generation == 13)
        #expect(try Self.decode(Self.file(old, nil))?.generation == 12)
        #expect(try Self.decode(Bytes(copying: Array(Self.file(old, new).array.prefix(4096))))?.generation == 12)
        #expect(try Self.decode(Self.file(nil, nil)) == nil)
        for count in [0, 1, 4095] { #expect(try Self.decode(Bytes(count: count)) == nil) }
    }

    @Test func `a slot that cannot be read may have held the next generation, so that one is skipped`() {
        let old = Self.slot(sequence: 4, generation: 12), new = Self.slot(sequence: 5, generation: 13)
        let damaged = Self.slot(sequence: 5, generation: 13)
        damaged.flip(bit: 999)
        for (file, step) in [
            (Self.file(old, new), 1), (Self.file(old, damaged), 2), (Self.file(damaged, new), 2), (Self.file(old, nil), 2),
        ] as [(Bytes, UInt64)] {
            #expect(file.lend { StoreFile.generationStep($0) } == step)
        }
    }

    @Test func `no generation is used twice, whichever slot of the store file is damaged`() throws {
        for bit in [0, 8 * 56 + 1, 8 * 4092, 8 * 4096, 8 * (4096 + 48), 8 * 8191] {
            let harness = Harness()
            var used: Set<UInt64> = []
            for _ in 0..<6 {
                let store = try harness.open()
                #expect(used.insert(store.generation).inserted, "generation \(store.generation), bit \(bit)")
                try store.close()
                let root = try harness.disk.openDirectory(at: "/store", create: false)
                let file = try harness.disk.openFile(StoreFile.name, in: root, writable: true)
                let byte = Bytes(count: 1)
                try byte.lend { _ = try harness.disk.read(file, at: bit / 8, into: $0) }
                byte.flip(bit: bit % 8)
                try byte.lend { try harness.disk.write(file, at: bit / 8, [$0]) }
                harness.disk.close(file)
                harness.disk.close(root)
            }
        }
    }

    @Test(arguments: [0, 1, 3])
    func `behind an older store file that was put back, appending goes on where the log ends`(lives: Int) throws {
        let harness = Harness()
        func root<Result>(_ body: (FileHandle) throws -> Result) throws -> Result {
            let root = try harness.disk.openDirectory(at: "/store", create: false)
            defer { harness.disk.close(root) }
            let file = try harness.disk.openFile(StoreFile.name, in: root, writable: true)
            defer { harness.disk.close(file) }
            return try body(file)
        }
        var ordinals: [UInt64] = []
        func live(_ end: (LogStore) throws -> Void) throws {
            let store = try harness.open()
            let log = try store.createLog(1)
            for name in ["a", "b"] { ordinals.append(try log.append(PlainRecord("key", name))) }
            try end(store)
        }
        try live { try $0.close() }
        let old = Bytes(count: StoreFile.byteCount)
        try root { file in try old.lend { _ = try harness.disk.read(file, at: 0, into: $0) } }
        for _ in 0..<lives { try live { try $0.close() } }
        try root { file in try old.lend { try harness.disk.write(file, at: 0, [$0]) } }
        let findings = try StoreVerification.run(at: "/store", io: harness.disk).findings
        #expect(findings.contains { $0.file == "store" && $0.severity == .warning } == (lives > 0), "\(findings)")
        try live { try $0.close() }
        try live { store in
            store.abandon()
            ordinals.removeLast(2)
        }
        #expect(ordinals == ordinals.sorted() && Set(ordinals).count == ordinals.count, "\(ordinals)")
        let store = try harness.open()
        #expect(try store.log(1).readAll(level: .durable).records.map(\.ordinal) == ordinals)
        try store.close()
        #expect(try StoreVerification.run(at: "/store", io: harness.disk).isClean)
    }

    // MARK: Refusals

    @Test func `a slot with one bit turned is as good as none`() throws {
        let file = Self.file(Self.slot(sequence: 4, generation: 12), Self.slot(sequence: 5, generation: 13))
        for bit in 0..<8 * StoreFile.byteCount {
            file.flip(bit: bit)
            let expected: UInt64 = bit < 8 * 4096 ? 13 : 12
            if try Self.decode(file)?.generation != expected { Issue.record("bit \(bit) turned") }
            file.flip(bit: bit)
        }
    }

    @Test func `a store that needs a later version, or an unknown feature, is refused by name`() {
        #expect(throws: LogError.newerFormat(file: "store", leastReaderVersion: 2, unknownFeatures: 0)) {
            try Self.decode(Self.file(Self.slot(), Self.slot(sequence: 5).put(UInt16(2), at: 10).seal()))
        }
        #expect(throws: LogError.newerFormat(file: "store", leastReaderVersion: 1, unknownFeatures: 1)) {
            try Self.decode(Self.file(Self.slot().put(UInt64(1), at: 16).seal(), nil))
        }
    }

    @Test(arguments: [Ordinal.greatestGeneration - 1, Ordinal.greatestGeneration, .max - 1, .max])
    func `a store whose numbers are used up does not open, and says so`(generation: UInt64) throws {
        for (sequence, isWhole) in [(8, true), (8, false), (UInt64.max - 1, true), (.max, false)] as [(UInt64, Bool)] {
            let newest = Self.slot(sequence: sequence, generation: generation)
            let file = Self.file(newest, isWhole ? Self.slot(sequence: 7, generation: 1) : nil)
            let disk = try DiskImage(files: ["/store/store": file.array]).disk()
            // One generation is left, where nothing says that it may have been used.
            if isWhole, generation == Ordinal.greatestGeneration - 1 {
                #expect(try Harness(disk: disk).open(create: false).generation == Ordinal.greatestGeneration)
                continue
            }
            do {
                let store = try Harness(disk: disk).open(create: false)
                Issue.record("generation \(store.generation) behind \(generation), sequence \(sequence)")
            } catch {
                guard case LogError.notAStore = error else { throw error }
            }
        }
    }
}
