import MillraceIO
import MillraceLog
import MillraceTestKit

/// One log's life on a disk whose calls may fail, and what it was promised on the way. A class because scenarios, which
/// are closures, act on it.
final class LogLife {
    let disk: ShadowIO
    let io: FaultIO
    let clock: ManualClock
    let entropy: SeededEntropy
    var configuration: LogConfiguration
    var model: LogModel
    var store: LogStore?
    var log: ShardLog?
    /// `createLog` has returned, so the log must be there from then on.
    var isCreated: Bool
    /// The error that froze the log, once the check has seen it.
    var frozen: LogError?
    /// What the scenario itself saw that must never be.
    var wrong: [String] = []
    private var number: Int
    private let highestBefore: UInt64

    init(_ base: LogBase, disk: ShadowIO, plan: FaultIO.Plan?) {
        self.disk = disk
        io = FaultIO(disk, plan.map { [$0] } ?? [])
        clock = ManualClock()
        entropy = SeededEntropy(seed: 77)
        configuration = LogLife.configuration
        model = base.model
        isCreated = base.isCreated
        number = base.model.entries.count
        highestBefore = base.highestOrdinal
    }

    /// The greatest number that was ever handed out, kept or not.
    var highestOrdinal: UInt64 { max(highestBefore, model.entries.last?.ordinal ?? 0) }

    static var configuration: LogConfiguration {
        var configuration = Harness.smallConfiguration
        configuration.memoryByteCount = 2 << 20
        configuration.writeShareByteCount = 1 << 20
        configuration.unwrittenByteLimit = 1 << 20
        configuration.greatestRecordByteCount = 64 << 10
        configuration.reserveByteCount = 8192
        configuration.firstSegmentByteCount = 32 << 10
        configuration.greatestSegmentByteCount = 32 << 10
        configuration.isCompressing = false
        return configuration
    }

    // MARK: The calls of scenarios

    func open(create: Bool = true) throws(LogError) {
        store = try LogStore(
            at: "/store", create: create, io: io, clock: clock, entropy: entropy, configuration: configuration)
    }

    func createLog() throws(LogError) {
        log = try opened().createLog(1)
        isCreated = true
        found()
    }

    func openLog() throws(LogError) {
        log = try opened().log(1)
        found()
    }

    private func opened() throws(LogError) -> LogStore {
        guard let store else { throw .closed }
        return store
    }

    /// What recovery found is durable, and it must find everything that the model has at this point.
    private func found() {
        guard let log else { return }
        model.written = log.tip(.written)
        model.durable = log.tip(.durable)
    }

    func record(_ byteCount: Int = 300) -> PlainRecord {
        number += 1
        let salt = UInt64(number) &* 0x9E37_79B9_7F4A_7C15
        let data = (0..<byteCount).map { UInt8(truncatingIfNeeded: (salt &+ UInt64($0 * $0)) >> 5) }
        return PlainRecord(key: Array("k\(number)".utf8), data: data)
    }

    @discardableResult
    func append(_ byteCount: Int = 300) throws(LogError) -> UInt64 {
        guard let log else { throw .closed }
        let record = record(byteCount)
        let ordinal = try log.append(record)
        model.append(ordinal..<ordinal + 1, [record])
        return ordinal
    }

    @discardableResult
    func appendBatch(_ count: Int, _ byteCount: Int = 300) throws(LogError) -> UInt64 {
        guard let log else { throw .closed }
        let records = (0..<count).map { _ in record(byteCount) }
        let range = try log.append(records)
        model.append(range, records)
        return range.upperBound - 1
    }

    /// Everything that was appended so far.
    func wait(_ level: Level) throws(LogError) {
        guard let log else { throw .closed }
        defer { note() }
        try log.wait(level, below: log.tip(.published))
    }

    func flush() throws(LogError) {
        guard let log else { throw .closed }
        defer { note() }
        while true {
            switch log.flushStep() {
            case .progress: continue
            case .nothing: return
            case .blocked(let error): throw error
            }
        }
    }

    func sync() throws(LogError) {
        guard let log else { throw .closed }
        defer { note() }
        _ = try log.syncStep()
    }

    func idle() throws(LogError) {
        guard let log else { throw .closed }
        defer { note() }
        _ = try log.idleStep()
    }

    /// The levels as readers see them are promises too.
    func note() {
        guard let log else { return }
        model.durable = max(model.durable, log.tip(.durable))
        model.written = max(model.written, log.tip(.written))
    }

    func close() throws(LogError) {
        guard let store else { throw .closed }
        do throws(LogError) {
            try store.close()
        } catch {
            note()
            letGo()
            throw error
        }
        // Closing without an error promises that everything put is durable.
        if log != nil { model.durable = .max }
        model.written = max(model.written, model.durable)
        letGo()
    }

    func letGo() {
        store?.abandon()
        log = nil
        store = nil
    }

    /// Reads everything visible from the store's segments, or from memory where it still is.
    func read(_ level: Level, dropCache: Bool = false) throws(LogError) {
        guard let log, let store else { throw .closed }
        if dropCache { store.dropCache() }
        let (records, gaps, error) = log.readUntilError(level: level)
        // A reading that an error ended may end anywhere.
        let model = error == nil ? model : model.prefix(records.count)
        if let what = model.violation(found: records, gaps: gaps, promised: error == nil ? model.durable : 0) {
            wrong.append("a read at level \(level): \(what)")
        }
        if let error { throw error }
    }
}

/// A disk as a scenario finds it, and what stands on it.
struct LogBase {
    var disk = ShadowIO()
    var model = LogModel()
    var isCreated = false
    /// The greatest number that was ever handed out, kept or not.
    var highestOrdinal: UInt64 = 0
}

extension LogModel {
    /// As if nothing behind the first records had been appended.
    func prefix(_ count: Int) -> LogModel {
        var model = self
        model.entries.removeLast(max(0, entries.count - count))
        model.batchEnds = [model.entries.count]
        return model
    }
}
