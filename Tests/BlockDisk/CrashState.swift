#if os(Linux)
    import MillraceIO

    /// One state in which power loss may leave the disk: everything up to the last flush before the cut, and of the
    /// writes after it any units. The seed decides which.
    ///
    /// A unit is a page of 4 KiB or, in files, a sector of 512 bytes, which may tear between two groups of 8 bytes. The
    /// file system's own blocks stay whole: ext4 and xfs rely on that (a torn superblock mounts no more).
    struct CrashState: CustomStringConvertible {
        /// Entries from here on never reached the disk.
        let cut: Int
        /// Entries before here were flushed.
        let flushed: Int
        private let seed: UInt64
        private let unitByteCount: Int
        /// The chance that a unit that was not flushed is there all the same.
        private let keep: Double
        private let tears: Bool

        /// With `forgottenFlushCount` the disk did not do the last flushes that it acknowledged.
        init(_ log: DiskLogReader, seed: UInt64, forgottenFlushCount: Int = 0) {
            let dice = SeededEntropy(seed: seed)
            self.seed = dice.next()
            var cut = dice.next(below: log.entries.count + 1)
            // Every other cut is right before a flush: then the most is open.
            if dice.next(below: 2) == 0 {
                while cut < log.entries.count, log.entries[cut].kind != .flush { cut += 1 }
            }
            var flushed = cut
            var forgotten = forgottenFlushCount
            while flushed > 0 {
                if log.entries[flushed - 1].kind == .flush {
                    if forgotten == 0 { break }
                    forgotten -= 1
                }
                flushed -= 1
            }
            self.cut = cut
            self.flushed = flushed
            unitByteCount = [512, 4096][dice.next(below: 2)]
            keep = [0, 0.2, 0.5, 0.8, 1][dice.next(below: 5)]
            tears = dice.next(below: 3) == 0
        }

        var description: String {
            "cut at entry \(cut), flushed up to \(flushed), units of \(unitByteCount) bytes kept with chance \(keep)"
                + (tears ? ", some torn" : "")
        }

        /// Makes the state of an image that holds what the log begins with.
        func apply(_ log: DiskLogReader, files: FileBlocks, to image: Memory) {
            for entry in log.entries[..<flushed] { log.apply(entry, to: image) }
            let dice = SeededEntropy(seed: seed)
            for entry in log.entries[flushed..<cut] {
                var at = 0
                while at < entry.byteCount {
                    let isFile = files.contains(byteOffset: entry.byteOffset + at)
                    let unit = isFile ? unitByteCount : FileBlocks.blockByteCount
                    let end = min((entry.byteOffset + at) / unit * unit + unit - entry.byteOffset, entry.byteCount)
                    if dice.chance(keep) {
                        log.apply(entry, at..<end, to: image)
                    } else if tears, isFile, dice.next(below: 4) == 0 {
                        log.apply(entry, torn(at..<end, dice), to: image)
                    }
                    at = end
                }
            }
        }

        /// The first or the last bytes, in eights.
        private func torn(_ part: Range<Int>, _ dice: SeededEntropy) -> Range<Int> {
            let edge = part.lowerBound + dice.next(below: part.count / 8 + 1) * 8
            return dice.next(below: 2) == 0 ? part.lowerBound..<edge : edge..<part.upperBound
        }
    }

    /// The bytes of a whole disk of which most are zeros: only the others are kept.
    struct SparseImage {
        private static let unitByteCount = 4096
        private var units: [(byteOffset: Int, bytes: AlignedMemory)] = []

        init(_ image: Memory) {
            let zeros = AlignedMemory(byteCount: SparseImage.unitByteCount)
            zeros.withMemory { zeros in
                for byteOffset in stride(from: 0, to: image.byteCount, by: SparseImage.unitByteCount) {
                    let unit = image.slice(byteOffset, SparseImage.unitByteCount)
                    if !unit.isEqual(to: zeros) { units.append((byteOffset, AlignedMemory(copying: unit))) }
                }
            }
        }

        var byteCount: Int { units.count * SparseImage.unitByteCount }

        /// Puts the bytes into an image of zeros.
        func restore(to image: Memory) {
            for (byteOffset, bytes) in units { bytes.withMemory { image.copy($0, at: byteOffset) } }
        }
    }
#endif
