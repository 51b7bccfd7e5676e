import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import MillraceTestKit
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Aim: whichever call of a backup fails, the store is unharmed and goes on, and the backup is there whole or not at
/// all. Method: every call of a backup of an open store fails in turn, on a disk in memory; the store's own bytes are
/// compared before and after.
@Suite struct BackupFaultTests {
    private struct Life {
        let disk: ShadowIO
        let io: FaultIO
        let clock = ManualClock()
        let store: StreamStore
        let texts: [String]

        /// A store with a stream of several segments, a shard that nobody has opened, and nothing left to do.
        init() throws {
            disk = ShadowIO()
            io = FaultIO(disk)
            let first = try StreamStore(
                at: "/store", io: io, clock: clock, entropy: SeededEntropy(seed: 5), configuration: Self.configuration)
            let stream = try first.createStreamBlocking("s", shards: 2)
            var texts: [String] = []
            for index in 0..<60 {
                let text = "\(index) " + String(repeating: "f", count: 1500)
                // All but a few in the first shard.
                let key = HashKey(index % 10 == 0 ? UInt128.max : 0)
                try stream.putBlocking(text.utf8Span.span, partitionKey: "k", explicitHashKey: key, ack: .durable)
                texts.append(text)
            }
            try first.closeBlocking()
            store = try StreamStore(
                at: "/store", io: io, clock: clock, entropy: SeededEntropy(seed: 6), configuration: Self.configuration)
            for index in 60..<90 {
                let text = "\(index) " + String(repeating: "f", count: 1500)
                try store.stream("s").putBlocking(
                    text.utf8Span.span, partitionKey: "k", explicitHashKey: HashKey(0 as UInt128), ack: .durable)
                texts.append(text)
            }
            self.texts = texts.sorted()
        }

        static var configuration: LogConfiguration {
            var configuration = LogLife.configuration
            configuration.greatestRecordByteCount = LogConfiguration().greatestRecordByteCount
            configuration.memoryByteCount = 4 << 20
            configuration.writeShareByteCount = 2 << 20
            return configuration
        }

        var stored: [String: [UInt8]] { disk.contents().filter { $0.key.hasPrefix("/store/") } }
        func below(_ path: String) -> [String] { disk.contents().keys.filter { $0.hasPrefix(path) } }

        /// Removes every backup and what is left of one.
        func clear() {
            func empty(_ directory: DirectoryHandle) {
                for name in (try? disk.list(directory)) ?? [] {
                    if let inner = try? disk.openDirectory(name, in: directory, create: false) {
                        empty(inner)
                        disk.close(inner)
                        try? disk.removeDirectory(name, in: directory)
                    } else {
                        try? disk.unlink(name, in: directory)
                    }
                }
            }
            for path in Set(below("/backup").map { "/" + $0.split(separator: "/")[0] }) {
                guard let root = try? disk.openDirectory(at: path, create: false) else { continue }
                empty(root)
                disk.close(root)
                try? disk.removeDirectory(at: path)
            }
        }

        func texts(of path: String) throws -> [String] {
            let again = try StreamStore(
                at: path, io: disk, clock: clock, entropy: SeededEntropy(seed: 9), configuration: Self.configuration)
            defer { again.abandon() }
            return try again.stream("s").readAll(level: .durable).map(\.text).sorted()
        }
    }

    /// Every plan with `MILLRACE_FAULT_SHARE=1`, else each call failing once in one way.
    private func isTried(_ kind: FaultIO.Plan) -> Bool {
        if FaultPlans.share == 1 { return true }
        let first = FaultPlans.errorNumbers.first { $0.operation == kind.operation }?.errorNumbers.first
        return kind.errorNumber == first && !kind.isPermanent && kind.writtenByteCount == 0
    }

    @Test(arguments: [true, false])
    func `whichever call of a backup fails, the store is unharmed and the backup whole or absent`(sharesFiles: Bool) throws {
        var options = BackupOptions()
        options.sharesFiles = sharesFiles
        let life = try Life()
        let (stored, handles) = (life.stored, life.disk.openHandles)
        _ = try life.store.backupBlocking(to: "/whole", options: options)
        #expect(life.stored == stored)
        #expect(life.disk.openHandles == handles, "left open")
        var (count, failed, done) = (0, 0, 0)
        for kind in FaultPlans.kinds where isTried(kind) {
            var plan = kind
            var isGoingOn = true
            while isGoingOn {
                count += 1
                let path = "/backup-\(count)"
                let before = life.io.callCount(plan.operation)
                let injected = life.io.injectedCount
                var counted = plan
                counted.call += before
                life.io.setPlans([counted])
                var error: KinesisError?
                do throws(KinesisError) { _ = try life.store.backupBlocking(to: path, options: options) } catch let thrown { error = thrown }
                life.io.setPlans([])
                isGoingOn = life.io.injectedCount > injected
                let what = "\(plan.text): \(error.map { "\($0)" } ?? "done")"
                if life.stored != stored { throw FaultFailure("\(what): the store was changed") }
                if life.disk.openHandles != handles { throw FaultFailure("\(what): left open") }
                if let error {
                    failed += 1
                    guard isGoingOn, case .storage = error else { throw FaultFailure("\(what): no error of the disk") }
                    // What a disk that removes nothing leaves is not under the backup's name.
                    if !life.below(path + "/").isEmpty { throw FaultFailure("\(what): there is a part of a backup") }
                    let mayStay = plan.isPermanent || [.openDirectory, .listDirectory, .unlink].contains(plan.operation)
                    let left = life.below(path + ".partial-")
                    if !mayStay, !left.isEmpty { throw FaultFailure("\(what): left behind \(left)") }
                } else {
                    done += 1
                    if try life.texts(of: path) != life.texts { throw FaultFailure("\(what): the backup has something else") }
                }
                life.clear()
                // The first calls of a kind, then every fifth: what comes later does the same for another file.
                plan.call += plan.call < 20 ? 1 : 5
            }
        }
        print("fault matrix: \(count) plans, \(failed) refused, \(done) whole: backup")
        #expect(failed > 0)
        // The store goes on.
        try life.store.stream("s").putBlocking("more".utf8Span.span, partitionKey: "k", ack: .durable)
        _ = try life.store.backupBlocking(to: "/after", options: options)
        #expect(try life.texts(of: "/after").count == life.texts.count + 1)
        life.store.abandon()
    }

    @Test func `a file system that gives no second name gets copies`() throws {
        for errorNumber in [EXDEV, EPERM, EMLINK, EOPNOTSUPP] {
            let life = try Life()
            life.io.setPlans([.init(.link, call: 1, errorNumber: errorNumber, isPermanent: true)])
            let report = try life.store.backupBlocking(to: "/backup")
            // One refusal is enough to know, unless it is about one file.
            #expect((life.io.callCount(.link) > 1) == (errorNumber == EMLINK))
            #expect(report.sharedFileCount == 0 && report.copiedFileCount > 5 && report.faults.isEmpty)
            #expect(try life.texts(of: "/backup") == life.texts)
            life.store.abandon()
        }
    }
}

extension Record {
    fileprivate var text: String { String(decoding: data, as: UTF8.self) }
}
