import Millrace
import MillraceModel
import Testing

/// Aim: each operation may be called as often as the service model says, by whom it says, and no memory is kept of
/// the rest.
/// Method: virtual time; every operation in turn.
struct CallLimitsTests {
    static let second: Int64 = 1_000_000_000

    static func granted(_ limits: CallLimits, _ operation: LimitedOperation, _ subject: String, _ now: Int64) -> Bool {
        do throws(KinesisError) {
            try limits.take(operation, subject: subject, nanoseconds: now)
            return true
        } catch { return false }
    }

    @Test(arguments: LimitedOperation.allCases)
    func `a minute of calls lets through the operation's rate and a burst of one second`(operation: LimitedOperation) {
        let limits = CallLimits(.enforce)
        let step = Self.second / Int64(4 * operation.callsPerSecond)
        var (granted, now) = (0, 0 as Int64)
        while now < 60 * Self.second {
            if Self.granted(limits, operation, "a", now) { granted += 1 }
            now += step
        }
        #expect(granted == operation.callsPerSecond * 61 - 1)
        #expect(limits.refusals == [operation: 240 * operation.callsPerSecond - granted])
    }

    @Test func `calls are counted by account, stream, shard or consumer as the operation's scope says`() {
        for operation in LimitedOperation.allCases {
            let limits = CallLimits(.enforce)
            for _ in 0..<operation.callsPerSecond { #expect(Self.granted(limits, operation, "a", 0)) }
            #expect(!Self.granted(limits, operation, "a", 0))
            #expect(Self.granted(limits, operation, "b", 0) == (operation.scope != .account))
        }
    }

    @Test func `the error is the one the model lists for the operation`() {
        for operation in LimitedOperation.allCases {
            let limits = CallLimits(.enforce)
            for _ in 0..<operation.callsPerSecond { #expect(Self.granted(limits, operation, "a", 0)) }
            let code =
                operation == .getShardIterator ? "ProvisionedThroughputExceededException" : "LimitExceededException"
            do throws(KinesisError) {
                try limits.take(operation, subject: "a", nanoseconds: 0)
                Issue.record("\(operation) was granted")
            } catch { #expect(error.code == code) }
        }
    }

    @Test func `warn counts and lets through; off does neither`() {
        let (warn, off) = (CallLimits(.warn), CallLimits(.off))
        for _ in 0..<100 {
            #expect(Self.granted(warn, .describeLimits, "", 0))
            #expect(Self.granted(off, .describeLimits, "", 0))
        }
        #expect(warn.refusals == [.describeLimits: 99])
        #expect(off.refusals.isEmpty && off.bucketCount == 0)
    }

    @Test func `of a hundred thousand streams called once, those of the last second are remembered`() {
        let limits = CallLimits(.enforce)
        for index in 0..<100_000 {
            let now = Int64(index) * Self.second / 1_000
            #expect(Self.granted(limits, .getShardIterator, "stream \(index)", now))
        }
        // A call of five a second is forgotten after 200 ms: 200 calls; and as many again before the next look.
        #expect(limits.bucketCount <= 500)
    }

    @Test func `a sixth stream or consumer cannot be CREATING`() {
        for count in 0...6 {
            let expected = count < 5 ? "" : "LimitExceededException"
            var codes = ["", ""]
            do throws(KinesisError) { try CallLimits.checkCreatingStreams(count) } catch { codes[0] = error.code }
            do throws(KinesisError) { try CallLimits.checkCreatingConsumers(count) } catch { codes[1] = error.code }
            #expect(codes == [expected, expected])
        }
    }
}
