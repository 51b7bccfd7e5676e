import MillraceIO
import MillraceLog
import MillraceTestKit

/// The store file: whatever stands in it, opening the store answers with an error, or with a generation that no slot
/// names.
enum StoreFileFuzz {
    static func run(_ input: Input) {
        var input = input
        let options = Options(rawValue: input.byte())
        let bytes = options[2] ? pages(&input) : input.rest()
        let file = AlignedMemory(bytes)
        file.withMemory { memory in
            for slot in 0..<2 where memory.byteCount >= (slot + 1) * Format.pageByteCount {
                let page = memory.slice(slot * Format.pageByteCount, Format.pageByteCount)
                if options[1] {
                    page.store(Format.storeMagic, at: 0)
                    page.store(Format.leastReaderVersion, at: 10)
                    page.store(UInt64(0), at: 16)
                }
                if options.repairs { Checksums.sealPage(page) }
            }
            guard let store = try? StoreFile.decode(memory) else { return }
            let step = StoreFile.generationStep(memory)
            require(step == 1 || step == 2, "a step of \(step) generations")
            AlignedMemory(byteCount: Format.pageByteCount, alignment: 8).withMemory { page in
                store.encode(into: page)
                let found = try? StoreFile.decode(page)
                require(found == store, "\(store) was written as \(String(describing: found))")
            }
            open(memory.bytes, store)
        }
    }

    /// A short input: the fields of both slots.
    private static func pages(_ input: inout Input) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<2 {
            let fields = input.take(72)
            bytes += fields + [UInt8](repeating: 0, count: Format.pageByteCount - fields.count)
        }
        return bytes
    }

    private static func open(_ bytes: [UInt8], _ store: StoreFile) {
        let image = DiskImage(files: ["/store/store": bytes])
        guard let disk = try? image.disk() else { fatalError("a disk in memory holds one file") }
        do throws(LogError) {
            let opened = try Harness(disk: disk).open(create: false)
            require(
                opened.generation > store.generation && opened.generation <= Ordinal.greatestGeneration,
                "generation \(opened.generation) behind \(store.generation)")
            opened.abandon()
        } catch {
            switch error {
            case .notAStore, .newerFormat: return
            default: fatalError("property violated: \(error) for a store file")
            }
        }
    }
}
