#if Tools
    import Dispatch
    import Foundation
    import MillraceIO
    import Synchronization

    /// A disk that fills up and has room again. On a small file system a file takes all the room there is; elsewhere what makes files and
    /// gives them room is refused with ENOSPC, which is all that a full disk refuses to a store whose files have their final size.
    ///
    /// A class because stores and threads share it.
    final class FullDisk: Sendable {
        /// File systems up to this size are filled for real.
        static let smallByteCount = 1 << 30
        /// So long after there is room again a store may still refuse: it looks ten times a second, on a busy machine.
        private static let afterNanoseconds: UInt64 = 10_000_000_000
        private static let noSpace: Int32 = 28

        /// What the stores of this process stand on.
        let io: FaultIO
        /// Whether there is a small file system: other processes' stores find it full, too.
        let isReal: Bool
        private let filler: String
        /// Steady time until which a refusal is in order; `.max` while the disk is full.
        private let excusedUntil = Atomic<UInt64>(0)

        init(in directory: String) throws {
            let disk = PosixIO()
            let root = try disk.openDirectory(at: directory, create: false)
            defer { disk.close(root) }
            isReal = try disk.freeSpace(in: root).totalByteCount <= Self.smallByteCount
            io = FaultIO(disk)
            filler = "\(directory)/filler"
        }

        /// Whether a store may answer that there is no room.
        var isExcused: Bool { isReal || DispatchTime.now().uptimeNanoseconds < excusedUntil.load(ordering: .acquiring) }
        var isFull: Bool { excusedUntil.load(ordering: .acquiring) == .max }

        func fill() {
            excusedUntil.store(.max, ordering: .releasing)
            if isReal {
                fillForReal()
            } else {
                io.setPlans(
                    [IOError.Operation.createFile, .allocate].map {
                        FaultIO.Plan($0, call: 1, errorNumber: Self.noSpace, isPermanent: true)
                    })
            }
        }

        func empty() {
            if isReal { try? FileManager.default.removeItem(atPath: filler) } else { io.setPlans([]) }
            excusedUntil.store(DispatchTime.now().uptimeNanoseconds + Self.afterNanoseconds, ordering: .releasing)
        }

        private func fillForReal() {
            guard FileManager.default.createFile(atPath: filler, contents: nil),
                let file = Foundation.FileHandle(forWritingAtPath: filler)
            else { return }
            // Smaller and smaller pieces, until not even a page fits.
            var byteCount = 1 << 20
            while byteCount >= 4096 {
                do { try file.write(contentsOf: Data(repeating: 0xA5, count: byteCount)) } catch { byteCount /= 4 }
            }
            try? file.close()
        }
    }
#endif
