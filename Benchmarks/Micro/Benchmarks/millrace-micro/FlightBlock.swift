import MillraceIO
import MillraceLog

/// The first flights as a block's image holds them: keys and data one behind the other, and an entry for each record.
///
/// Owns both; who uses them keeps the block.
final class FlightBlock {
    private let payloadMemory: AlignedMemory
    private let entriesMemory: AlignedMemory
    let recordCount: Int
    let payloadByteCount: Int

    /// As many flights as fit `limit` bytes of key and data.
    init(limit: Int = 65_536) throws {
        let flights = try Fixture.flights()
        payloadMemory = AlignedMemory(byteCount: limit)
        entriesMemory = AlignedMemory(byteCount: limit)
        var ends: [Int] = []
        var end = 0
        for index in 0..<flights.count {
            let key = flights.key(index)
            let data = flights.data(index)
            if end + key.byteCount + data.byteCount > limit { break }
            payloadMemory.memory.copy(key, at: end)
            payloadMemory.memory.copy(data, at: end + key.byteCount)
            end += key.byteCount + data.byteCount
            ends.append(end)
            let entryAt = limit - Directory.entryByteCount * ends.count
            // Ten records a millisecond.
            entriesMemory.memory.store(UInt64(end) | UInt64(index / 10) << 32, at: entryAt)
            entriesMemory.memory.store(UInt64(key.byteCount) | UInt64(index) << 32, at: entryAt + 8)
        }
        recordCount = ends.count
        payloadByteCount = end
    }

    /// Keys and data.
    func withPayload<Result>(_ body: (Memory) throws -> Result) rethrows -> Result {
        defer { withExtendedLifetime(self) {} }
        return try body(payloadMemory.memory.slice(0, payloadByteCount))
    }

    /// Memory whose end is the entries.
    func withEntries<Result>(_ body: (Memory) throws -> Result) rethrows -> Result {
        defer { withExtendedLifetime(self) {} }
        return try body(entriesMemory.memory)
    }
}
