import MillraceIO
import MillraceTestKit
package import MillraceLog

/// A record of the kill test. Its bytes follow from the head alone, so whoever reads it needs no memory of what was written.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 8 | number: how many records stand before it in its log |
/// | 8 | 4 | cycle of the writer |
/// | 12 | 4 | place in its batch |
/// | 16 | 4 | records of the batch |
/// | 20 | | bytes drawn from log, number and cycle, so many as they say |
package struct KillRecord: Equatable, Sendable {
    package var number: UInt64
    package var cycle: UInt32
    package var place: UInt32
    package var batchCount: UInt32

    package init(number: UInt64, cycle: UInt32, place: UInt32, batchCount: UInt32) {
        self.number = number
        self.cycle = cycle
        self.place = place
        self.batchCount = batchCount
    }

    private static let headByteCount = 20

    /// The head that the data begins with; nil when the data is shorter.
    package init?(data: RawSpan) {
        guard data.byteCount >= KillRecord.headByteCount else { return nil }
        // Safe because the head was found to lie inside.
        number = unsafe data.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt64.self)
        cycle = unsafe data.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt32.self)
        place = unsafe data.unsafeLoadUnaligned(fromByteOffset: 12, as: UInt32.self)
        batchCount = unsafe data.unsafeLoadUnaligned(fromByteOffset: 16, as: UInt32.self)
    }

    package var key: [UInt8] { Array("key-\(number % 977)".utf8) }

    package func data(log: UInt64) -> [UInt8] {
        let dice = SeededEntropy(
            seed: log &* 0x9E37_79B9_7F4A_7C15 ^ number &* 0xD1B5_4A32_D192_ED03 ^ UInt64(cycle) << 40)
        // Mostly small, sometimes more than a page, now and then more than a buffer.
        let most = [200, 200, 200, 200, 200, 200, 200, 6000][Int(number % 8)]
        let length = number % 1009 == 1008 ? 150_000 : Int(dice.next() % UInt64(most))
        var bytes: [UInt8] = []
        bytes.reserveCapacity(KillRecord.headByteCount + length + 8)
        func append(_ value: some FixedWidthInteger) {
            for shift in stride(from: 0, to: value.bitWidth, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: value >> shift))
            }
        }
        append(number)
        append(cycle)
        append(place)
        append(batchCount)
        // Half of it repeats, so that some blocks are worth compressing and some are not.
        var word = dice.next()
        for index in 0..<(length + 7) / 8 {
            if index % 2 == 0 { word = dice.next() }
            append(word)
        }
        bytes.removeLast(bytes.count - KillRecord.headByteCount - length)
        return bytes
    }

    /// True when key and data are this record's, to the last byte.
    package func matches(key: RawSpan, data: RawSpan, log: UInt64) -> Bool {
        key.bytes == self.key && data.bytes == self.data(log: log)
    }
}

/// What the kill writer and its verifier agree on.
package enum KillTest {
    package static let logIDs: [UInt64] = [1, 2]

    /// Sizes change from cycle to cycle, so that stores written one way are recovered and continued another way.
    package static func configuration(cycle: UInt32) -> LogConfiguration {
        var configuration = LogConfiguration()
        switch cycle % 3 {
        case 1:
            configuration.bufferByteCount = 16 << 10
            configuration.firstSegmentByteCount = 256 << 10
            configuration.greatestSegmentByteCount = 1 << 20
        case 2:
            configuration.isCompressing = false
            configuration.syncIntervalMilliseconds = 5
            configuration.idleMilliseconds = 20
            configuration.greatestSegmentByteCount = 4 << 20
        default: break
        }
        return configuration
    }

    package static func open(_ path: String, cycle: UInt32) throws(LogError) -> LogStore {
        try LogStore(
            at: path, create: true, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy(),
            configuration: configuration(cycle: cycle))
    }
}
