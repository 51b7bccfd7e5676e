import Millrace
import MillraceIO
import MillraceModel
import MillraceTestKit
import Testing

/// Aim: whatever the clock does, sequence numbers rise and arrival times never go back, within a life of the store and
/// from one to the next. Method: a clock by hand that jumps; a disk in memory.
@Suite struct ClockTests {
    private static let second: Int64 = 1_000_000_000
    private static let year: Int64 = 31_557_600 * second
    private static let now: Int64 = 1_735_689_600 * second

    @Test(arguments: [
        ("back by ten years", [now - 10 * year]), ("ahead by fifty years", [now + 50 * year]),
        ("ahead and back", [now + 200 * year, now - 50 * year, now]),
        ("to the beginning and before it", [0, -year, .min, 1]),
        ("to the end", [.max, now, .max - 1]),
        ("by a second to and fro", [now + second, now, now + second, now - second]),
    ])
    func `numbers rise and arrival times never go back`(jump: (name: String, readings: [Int64])) async throws {
        for isReopened in [false, true] {
            let life = StreamLife(disk: ShadowIO(), puts: [], isCreated: false, plan: nil)
            life.clock.setWall(nanoseconds: Self.now)
            try life.open()
            try await life.createStream()
            for (index, reading) in ([Self.now] + jump.readings + jump.readings).enumerated() {
                if isReopened, index > 0 {
                    if index % 2 == 0 { try await life.close() } else { life.letGo() }
                }
                life.clock.setWall(nanoseconds: reading)
                if life.store == nil { try life.open() }
                for ack in AckLevel.allCases { try await life.put(ack) }
                try await life.putRecords(5, .durable)
                try await life.put(.durable, 20_000)
                // What is let go without a close must not be lost here: all that is looked at is durable.
                for _ in 0..<7 { try await life.put(.durable) }
            }
            // Read when it is now again: a store that is opened fifty years ahead rightly shows nothing of today.
            life.clock.setWall(nanoseconds: Self.now)
            try await check(life, "\(jump.name), reopened: \(isReopened)")
            try await life.close()
            try life.open()
            try await check(life, "\(jump.name), closed")
            try await life.close()
        }
    }

    private func check(_ life: StreamLife, _ what: String) async throws {
        let records = try life.read()
        #expect(records.count == life.attempts, "\(what)")
        var last: [ShardID: Record] = [:]
        for record in records {
            if let before = last[record.sequenceNumber.shardID] {
                #expect(before.sequenceNumber < record.sequenceNumber, "\(what)")
                #expect(before.approximateArrivalMilliseconds <= record.approximateArrivalMilliseconds, "\(what)")
                #expect(before.index < record.index, "\(what)")
            }
            last[record.sequenceNumber.shardID] = record
        }
        // The number that the put returned is the one that the record has.
        let byIndex = Dictionary(uniqueKeysWithValues: records.map { ($0.index, $0.sequenceNumber) })
        for put in life.puts { #expect(byIndex[put.index] == put.number, "\(what), record \(put.index)") }
    }
}
