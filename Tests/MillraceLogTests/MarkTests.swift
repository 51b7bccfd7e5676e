import MillraceIO
import MillraceLog
import MillraceTestKit
import MillraceTestSupport
import Testing

/// Aim: a record's mark is kept with it, whatever the marks beside it are. Method: marks changed between records of one
/// block; read from memory, and after reopening from disk.
@Suite struct MarkTests {
    @Test(arguments: [[0, 0, 0], [1, 1, 1], [0, 1, 0], [7, 0, 255], [255, 255, 254]] as [[UInt8]])
    func `every record has the mark its log had when it was appended, over a reopening too`(marks: [UInt8]) throws {
        let harness = Harness(seed: 8)
        let store = try harness.open()
        let log = try store.createLog(1)
        for mark in marks {
            log.setMark { mark }
            _ = try log.append(PlainRecord(key: [1], data: [mark]), arrival: 1000)
        }
        #expect(try Self.marks(log) == marks)
        while log.flushStep() == .progress {}
        _ = try log.syncStep()
        try store.close()
        let again = try harness.open()
        #expect(try Self.marks(try again.log(1)) == marks)
        try again.close()
    }

    private static func marks(_ log: ShardLog) throws -> [UInt8] {
        var cursor = log.cursor(at: 0, level: .published)
        var marks: [UInt8] = []
        while true {
            let more: Bool? = try cursor.withBatch { batch throws(LogError) in
                while batch.next() != nil { marks.append(batch.lastMark) }
                return true
            }
            if more == nil { return marks }
        }
    }
}
