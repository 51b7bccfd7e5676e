import MillraceIO
import MillraceLog
import MillraceTestKit
import Testing

/// Aim: a disk that is full at whatever step refuses with a typed error, loses nothing acknowledged, lets reads go on,
/// and takes records again by itself when there is space, without reopening. Method: a disk in memory with room for so
/// many bytes more, for every 512 of them; then with more room.
@Suite struct FullDiskTests {
    private static var step: Int { FaultPlans.share == 1 ? 512 : 4096 + 512 }

    @Test func `a log resumes by itself whatever number of bytes the disk had room for`() throws {
        let base = try filled()
        var refusals = 0
        var cases = 0
        for room in stride(from: 0, through: 160 << 10, by: Self.step) {
            do { refusals += try fill(base, room: room) ? 1 : 0 } catch {
                throw FaultFailure("room for \(room): \(error)")
            }
            cases += 1
        }
        #expect(refusals > cases / 2)
        print("fault matrix: \(cases) plans, \(refusals) faults: a full disk")
    }

    private func filled() throws -> LogBase {
        let life = LogLife(LogBase(), disk: ShadowIO(), plan: nil)
        try life.open()
        try life.createLog()
        try life.append(9_000)
        try life.wait(.durable)
        try life.close()
        return LogBase(disk: life.disk.kill(), model: life.model, isCreated: true)
    }

    /// True when the disk was full at some time.
    private func fill(_ base: LogBase, room: Int) throws -> Bool {
        let disk = base.disk.kill()
        let life = LogLife(base, disk: disk, plan: nil)
        let used = disk.usedByteCountNow
        disk.capacityByteCount = used + room
        try life.open(create: false)
        try life.openLog()
        var refusals = 0
        for size in [200, 3_000, 12_000, 500, 12_000, 12_000, 40_000, 12_000, 12_000] {
            do throws(LogError) {
                try life.append(size)
                try life.wait(.durable)
            } catch {
                guard case .storageFull(let needed, let available) = error else { throw error }
                refusals += 1
                #expect(needed > available)
                let state = try life.store?.spaceState()
                guard case .full = state else {
                    throw FaultFailure("the space is said to be \(String(describing: state))")
                }
            }
            // Reads go on, from memory and from disk.
            try life.read(.durable, dropCache: refusals % 2 == 1)
            if refusals > 3 { break }
        }
        let crashed = disk.crash(entropy: SeededEntropy(seed: UInt64(room)))
        let promised = life.model
        disk.capacityByteCount = used + (4 << 20)
        // Nobody reopened anything: what was pending is written, and new records are taken.
        try life.append(300)
        try life.wait(.durable)
        guard let log = life.log else { return false }
        let (records, gaps) = try log.readAll(level: .durable)
        if let what = life.model.violation(found: records, gaps: gaps, promised: .max) { throw FaultFailure(what) }
        if try life.store?.spaceState() != .ok, life.configuration.greatestSegmentByteCount * 4 < 3 << 20 {
            throw FaultFailure("there is room and the store does not say so")
        }
        try life.close()
        for (disk, model, promise) in [(crashed, promised, promised.durable), (disk, life.model, UInt64.max)] {
            disk.capacityByteCount = 1 << 30
            let again = LogLife(LogBase(), disk: disk, plan: nil)
            if disk === crashed { again.clock.restart(bootIdentity: (2, 2)) }
            try again.open(create: false)
            try again.openLog()
            guard let log = again.log else { continue }
            let (records, gaps) = try log.readAll(level: .durable)
            if let what = model.violation(found: records, gaps: gaps, promised: promise) { throw FaultFailure(what) }
            again.letGo()
        }
        if !life.wrong.isEmpty { throw FaultFailure(life.wrong.joined(separator: "; ")) }
        return refusals > 0
    }

    @Test func `a store that finds no room is made once there is some`() throws {
        var refusals = 0
        for room in stride(from: 0, through: 24 << 10, by: 512) {
            let disk = ShadowIO(capacityByteCount: room)
            let life = LogLife(LogBase(), disk: disk, plan: nil)
            do throws(LogError) {
                try life.open()
                try life.createLog()
            } catch {
                refusals += 1
                switch error {
                case .storageFull: break
                case .io(let cause) where cause.errorNumber == 28: break
                default: throw error
                }
            }
            life.letGo()
            #expect(disk.openHandles == [], "room for \(room)")
            disk.capacityByteCount = 1 << 20
            try life.open()
            try life.createLog()
            try life.append()
            try life.wait(.durable)
            try life.close()
        }
        #expect(refusals > 10)
        print("fault matrix: 49 plans, \(refusals) faults: a full disk for a new store")
    }

    @Test func `threads and tasks resume by themselves too`() async throws {
        let base = try filled()
        for room in [0, 1024, 40 << 10] {
            let disk = base.disk.kill()
            let life = LogLife(base, disk: disk, plan: nil)
            life.configuration.workerCount = 1
            let used = disk.usedByteCountNow
            disk.capacityByteCount = used + room
            try life.open(create: false)
            try life.openLog()
            let log = try #require(life.log)
            var refusal: LogError?
            for _ in 0..<20 where refusal == nil {
                do throws(LogError) {
                    let ordinal = try life.append(12_000)
                    try await log.waitAsync(.durable, below: ordinal + 1)
                    life.note()
                } catch { refusal = error }
            }
            guard case .storageFull = refusal else { throw FaultFailure("\(String(describing: refusal))") }
            try life.read(.durable, dropCache: true)
            disk.capacityByteCount = used + (4 << 20)
            var resumed: UInt64?
            for _ in 0..<1000 where resumed == nil {
                // Threads look again every 100 ms of the clock.
                life.clock.advance(milliseconds: 60)
                do throws(LogError) { resumed = try life.append(300) } catch {
                    guard case .storageFull = error else { throw error }
                    log.waitForRoom(nanoseconds: 5_000_000)
                }
            }
            let last = try #require(resumed)
            try await log.waitAsync(.durable, below: last + 1)
            life.note()
            let (records, gaps) = try log.readAll(level: .durable)
            #expect(life.model.violation(found: records, gaps: gaps, promised: .max) == nil)
            try life.close()
        }
    }
}

extension ShadowIO {
    /// The sum of the lengths of all files.
    var usedByteCountNow: Int { contents().values.reduce(0) { $0 + $1.count } }
}
