import MillraceIO
import MillraceLog

/// The commit journal: whatever stands in it, a frame lies inside its half, says a place where blocks stand, and shares no byte with another.
enum JournalFuzz {
    private static let salt: UInt64 = 0x5A17

    static func run(_ input: Input) {
        var input = input
        let options = Options(rawValue: input.byte())
        let bytes = input.rest()
        if options[1] { return header(bytes, repairs: options.repairs) }
        let identity = Checksums.identity
        let byteCount = Format.framesByteOffset + Format.align8(bytes.count)
        let file = JournalFile(
            storeLow: identity.storeLow, storeHigh: identity.storeHigh, salt: salt, sequence: 1, byteCount: byteCount)
        AlignedMemory(byteCount: byteCount, alignment: 8).withMemory { memory in
            memory.fill()
            AlignedMemory(bytes).withMemory { memory.copy($0, at: Format.framesByteOffset) }
            if options.repairs { for half in 0..<2 { seal(memory, file, at: file.half(half).lowerBound) } }
            var end = Format.framesByteOffset
            for frame in JournalFrame.all(in: memory, of: file) {
                let start = frame.dataByteOffset - Format.frameHeaderByteCount
                require(start >= end && start % 8 == 0, "\(frame) begins in front of \(end)")
                end = frame.dataByteOffset + frame.byteCount
                require((0..<2).contains { file.half($0).lowerBound <= start && end <= file.half($0).upperBound }, "\(frame) leaves its half")
                require(
                    frame.byteCount > 0 && frame.byteOffset >= Format.blocksByteOffset && frame.byteOffset % 8 == 0,
                    "\(frame) says where blocks may stand")
            }
        }
    }

    private static func header(_ bytes: [UInt8], repairs: Bool) {
        AlignedMemory(bytes).withMemory { memory in
            if repairs, memory.byteCount >= Format.pageByteCount {
                memory.store(
                    CRC32C.of(memory.slice(0, Format.checksumByteOffset), continuing: 0), at: Format.checksumByteOffset)
            }
            guard let file = (try? JournalFile.decode(memory)) ?? nil else { return }
            require(
                file.half(0).lowerBound == Format.framesByteOffset && file.half(0).upperBound == file.half(1).lowerBound
                    && file.half(1).upperBound <= max(file.byteCount, Format.framesByteOffset), "\(file) has two halves")
        }
    }

    /// Gives the frame at a place the checksums of what it claims, if that is there.
    static func seal(_ memory: Memory, _ file: JournalFile, at place: Int) {
        guard place + Format.frameHeaderByteCount <= memory.byteCount else { return }
        let header = memory.slice(place, Format.frameHeaderByteCount)
        guard let byteCount = Int(exactly: header.load(UInt64.self, at: 8)),
            byteCount <= memory.byteCount - place - Format.frameHeaderByteCount
        else { return }
        var seed: UInt32 = 0
        for word in [file.storeLow, file.storeHigh, file.salt, UInt64(place)] { seed = CRC32C.mixing(word, into: seed) }
        header.store(CRC32C.of(memory.slice(place + Format.frameHeaderByteCount, byteCount), continuing: seed), at: 4)
        header.store(CRC32C.of(header.slice(4, Format.frameHeaderByteCount - 4), continuing: seed), at: 0)
    }

    /// A journal of two frames, one in each half, and a header page.
    static func seeds() -> [[UInt8]] {
        func frame(_ byteCount: Int) -> [UInt8] {
            let words: [UInt64] = [0, UInt64(byteCount), 9, Checksums.identity.baseOrdinal, 0x5E6, 12_800]
            return words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } } + [UInt8](repeating: 97, count: byteCount)
        }
        let half = frame(24) + [UInt8](repeating: 0, count: 4096 - 72)
        let page = AlignedMemory(byteCount: Format.framesByteOffset)
        JournalFile(storeLow: 1, storeHigh: 2, salt: salt, sequence: 7, byteCount: 40_960).encode(into: page.memory)
        return [
            [1] + half + half, [0] + half, [1] + half + frame(4096 - 48), [1] + frame(8000), [1] + half + frame(5000),
            [2] + page.withMemory { $0.slice(0, Format.pageByteCount).bytes },
        ]
    }
}
