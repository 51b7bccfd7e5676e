#if os(Linux)
    import Foundation
    import MillraceIO
    import MillraceLog
    import MillraceTestKit

    /// Lives of a store on a real file system on our disk, and states in which power loss may leave that disk: each is
    /// mounted, which replays the file system's journal, recovered by Millrace, and held against what was promised.
    final class Explorer {
        enum Flaw: String {
            case none
            /// The writer promises what was only written.
            case earlyPromise = "early-promise"
            /// The disk acknowledges flushes that it does not do.
            case deafDisk = "deaf-disk"
        }

        private let fileSystem: FileSystem
        private let seed: UInt64
        private let flaw: Flaw
        private let keepPath: String?
        private let dice: SeededEntropy
        private let workshop: Workshop
        private var boot: UInt64 = 1
        private(set) var stateCount = 0
        private var lifeCount = 0
        private var entryCount = 0
        private var flushCount = 0
        private var promisedCount = 0
        private var foundCount = 0

        init(_ fileSystem: FileSystem, seed: UInt64, flaw: Flaw, keepPath: String?) throws {
            self.fileSystem = fileSystem
            self.seed = seed
            self.flaw = flaw
            self.keepPath = keepPath
            dice = SeededEntropy(seed: seed)
            workshop = try Workshop()
        }

        var summary: String {
            """
            \(fileSystem.rawValue): \(stateCount) states after \(lifeCount) lives, \(entryCount) writes and \
            flushes logged (\(flushCount) flushes); \(promisedCount) promised records held against \(foundCount) found
            """
        }

        /// Explores so many states, `statesPerLife` after each life; a life begins with a state of the one before.
        func run(stateCount wanted: Int, statesPerLife: Int) throws {
            while stateCount < wanted {
                try fileSystem.make(workshop.imagePath)
                var past: [LogHistory] = []
                // A chain of lives on one file system: so the power fails in recoveries, too.
                for _ in 0..<4 where stateCount < wanted {
                    past = try explore(past, count: min(statesPerLife, wanted - stateCount))
                }
            }
        }

        /// One life from the image as it is, then states of it; leaves the image in one of them and answers what that
        /// one holds.
        private func explore(_ past: [LogHistory], count: Int) throws -> [LogHistory] {
            let image = try MappedFile(workshop.imagePath)
            let base = SparseImage(image.memory)
            let (log, files, histories) = try live(past)
            var remains: [LogHistory] = []
            var last: CrashState?
            for _ in 0..<count {
                let state = CrashState(log, seed: dice.next(), forgottenFlushCount: flaw == .deafDisk ? 2 : 0)
                try make(state, log, files, base, image)
                do {
                    remains = try check(state, log, histories)
                } catch {
                    let isLoss = (error as? BlockFailure)?.isLoss ?? false
                    // Of a flaw it is the loss that must be noticed, not a file system that does not mount any more.
                    if flaw != .none, !isLoss { continue }
                    try keep(state, log, files, base, image)
                    throw BlockFailure(
                        "seed \(seed), life \(lifeCount), state \(stateCount): \(state): \(error)", isLoss: isLoss)
                }
                last = state
            }
            if let last { try make(last, log, files, base, image) }
            return remains
        }

        private func make(
            _ state: CrashState, _ log: DiskLogReader, _ files: FileBlocks, _ base: SparseImage, _ image: MappedFile
        ) throws {
            try image.makeZero()
            base.restore(to: image.memory)
            state.apply(log, files: files, to: image.memory)
        }

        /// Leaves the state that failed where somebody can look at it.
        private func keep(
            _ state: CrashState, _ log: DiskLogReader, _ files: FileBlocks, _ base: SparseImage, _ image: MappedFile
        ) throws {
            guard let keepPath, flaw == .none else { return }
            try make(state, log, files, base, image)
            let kept = try MappedFile(keepPath, byteCount: image.memory.byteCount)
            SparseImage(image.memory).restore(to: kept.memory)
            print("the state is kept in \(keepPath)")
        }

        // MARK: Life

        private func live(_ past: [LogHistory]) throws -> (DiskLogReader, FileBlocks, [LogHistory]) {
            lifeCount += 1
            boot += 1
            let disk = try DiskProcess(at: workshop.diskPath, image: workshop.imagePath, log: workshop.logPath)
            let before = try MappedFile(workshop.imagePath)
            let start = AlignedMemory(copying: before.memory)
            let life = Life(seed: dice.next(), boot: boot, batchCount: 60, promisesEarly: flaw == .earlyPromise)
            let histories: [LogHistory]
            let files: FileBlocks
            let end: Int
            do {
                let device = try LoopDevice(over: workshop.diskPath)
                let mount = try Mount(
                    device.path, at: workshop.mountPath, type: fileSystem.rawValue,
                    options: fileSystem.options[dice.next(below: fileSystem.options.count)])
                histories = try life.run(at: workshop.storePath, past: past) { [log = disk.log] in log.byteCount }
                end = disk.log.byteCount
                files = try FileBlocks(below: workshop.storePath)
                try mount.unmount()
            }
            try disk.stop()
            let whole = try DiskLogReader(workshop.logPath)
            for entry in whole.entries { whole.apply(entry, to: start.memory) }
            guard start.memory.isEqual(to: before.memory) else {
                throw BlockFailure("the disk's log does not say all that was written")
            }
            let log = try DiskLogReader(workshop.logPath, limit: end)
            entryCount += log.entries.count
            flushCount += log.entries.count { $0.kind == .flush }
            guard log.entries.contains(where: { $0.kind == .flush }) else {
                throw BlockFailure("no flush reached the disk")
            }
            return (log, files, histories)
        }

        // MARK: States

        /// Mounts the image, opens the store twice, and answers what it holds.
        private func check(_ state: CrashState, _ log: DiskLogReader, _ histories: [LogHistory]) throws -> [LogHistory]
        {
            stateCount += 1
            boot += 1
            let device = try LoopDevice(over: workshop.imagePath)
            let mount = try Mount(
                device.path, at: workshop.mountPath, type: fileSystem.rawValue, options: fileSystem.options[0])
            var check = StateCheck(histories, place: log.place(of: state.cut))
            for isAgain in [false, true] {
                let store = try Life.open(workshop.storePath, seed: dice.next(), boot: boot)
                defer { store.abandon() }
                try check.run(on: store, isAgain: isAgain)
                if isAgain { try store.close() }
            }
            promisedCount += check.promisedCount
            foundCount += check.foundCount
            try mount.unmount()
            return check.remains
        }
    }
#endif
