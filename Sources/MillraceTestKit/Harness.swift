package import MillraceIO
package import MillraceLog

/// A store on a disk in memory, with time and chance by hand and no threads: every step is the test's own call.
package struct Harness {
    package let disk: ShadowIO
    package let clock: ManualClock
    package let entropy: SeededEntropy
    package var configuration: LogConfiguration

    package init(disk: ShadowIO = ShadowIO(), seed: UInt64 = 1) {
        self.disk = disk
        clock = ManualClock()
        entropy = SeededEntropy(seed: seed)
        configuration = Harness.smallConfiguration
    }

    /// Small sizes, so that a short test crosses buffers and segments; no threads.
    package static var smallConfiguration: LogConfiguration {
        var configuration = LogConfiguration()
        configuration.workerCount = 0
        configuration.bufferByteCount = 4096
        configuration.memoryByteCount = 16 << 20
        configuration.writeShareByteCount = 10 << 20
        configuration.unwrittenByteLimit = 8 << 20
        configuration.firstSegmentByteCount = 32 << 10
        configuration.greatestSegmentByteCount = 64 << 10
        configuration.reserveByteCount = 0
        configuration.commitJournalByteCount = 136 << 10
        configuration.greatestRecordByteCount = 1 << 20
        return configuration
    }

    package func open(create: Bool = true) throws(LogError) -> LogStore {
        try LogStore(
            at: "/store", create: create, io: disk, clock: clock, entropy: entropy, configuration: configuration)
    }
}

/// The bytes of a record, for comparing.
package struct PlainRecord: Equatable, Sendable, CustomStringConvertible {
    package var key: [UInt8]
    package var data: [UInt8]
    package init(key: [UInt8], data: [UInt8]) {
        self.key = key
        self.data = data
    }
    package init(_ key: String, _ data: String) { self.init(key: Array(key.utf8), data: Array(data.utf8)) }
    package var description: String { "\(String(decoding: key, as: UTF8.self)) (\(data.count) bytes)" }

    /// A record: mostly small, one in six up to `greatestByteCount` long, half of them compressible. Three in five are of five keys, one in sixteen
    /// of those without data; the others of ten more, one in six without data.
    package static func drawn(from dice: SeededEntropy, greatestByteCount: Int = 3000) -> PlainRecord {
        // Most are of a few keys that are written over and over; the others end more often than those.
        let isRare = dice.chance(0.4)
        let kind = dice.next(below: isRare ? 6 : 16)
        let byteCount = kind == 0 ? 0 : kind < 3 ? dice.next(below: greatestByteCount) : dice.next(below: 200)
        let isText = dice.chance(0.5)
        let salt = dice.next()
        // At least one byte of room: an empty array is one shared object, which must not be written to.
        let data = unsafe [UInt8](unsafeUninitializedCapacity: byteCount + 1) { buffer, count in
            // Safe because exactly the first `byteCount` bytes are set.
            for at in 0..<byteCount {
                let random = (salt &+ UInt64(at)) &* 0x9E37_79B9_7F4A_7C15 >> 29
                unsafe buffer[at] = isText ? UInt8(97 + at % 7) : UInt8(truncatingIfNeeded: random)
            }
            count = byteCount
        }
        return PlainRecord(key: Array("k\(isRare ? 5 + dice.next(below: 10) : dice.next(below: 5))".utf8), data: data)
    }
}

extension RawSpan {
    package var bytes: [UInt8] {
        // Safe because the span is valid for its count while it is copied.
        unsafe withUnsafeBytes { unsafe Array($0) }
    }
}

extension ShardLog {
    /// Appends one record, published when this returns.
    @discardableResult
    package func append(_ record: PlainRecord, arrival: UInt64 = 1000) throws(LogError) -> UInt64 {
        let key = unsafe record.key.span.bytes
        let data = unsafe record.data.span.bytes
        return try append(key: key, data: data, arrival: arrival)
    }

    /// Appends a batch, all or nothing.
    @discardableResult
    package func append(_ records: [PlainRecord], arrival: UInt64 = 1000) throws(LogError) -> Range<UInt64> {
        try append(arrival: arrival) { sink throws(LogError) in
            for record in records {
                let key = unsafe record.key.span.bytes
                let data = unsafe record.data.span.bytes
                try sink.add(key: key, data: data)
            }
        }
    }

    /// Everything from `ordinal` on that is visible at the level, with declared gaps apart.
    package func readAll(from ordinal: UInt64 = 0, level: Level) throws(LogError) -> (records: [(ordinal: UInt64, record: PlainRecord)], gaps: [Gap]) {
        let (records, gaps, error) = readUntilError(from: ordinal, level: level)
        if let error { throw error }
        return (records, gaps)
    }

    /// The same up to the error that ends the reading, which comes beside it.
    package func readUntilError(
        from ordinal: UInt64 = 0, level: Level
    ) -> (records: [(ordinal: UInt64, record: PlainRecord)], gaps: [Gap], error: LogError?) {
        var cursor = cursor(at: ordinal, level: level)
        var records: [(UInt64, PlainRecord)] = []
        var gaps: [Gap] = []
        while true {
            do throws(LogError) {
                let more: Bool? = try cursor.withBatch { batch throws(LogError) in
                    while let record = batch.next() {
                        records.append((record.ordinal, PlainRecord(key: record.key.bytes, data: record.data.bytes)))
                    }
                    return true
                }
                if more == nil { return (records, gaps, nil) }
            } catch {
                guard case .gap(let gap) = error else { return (records, gaps, error) }
                gaps.append(gap)
            }
        }
    }
}
