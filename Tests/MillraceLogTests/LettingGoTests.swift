import MillraceIO
import MillraceLog
import MillraceTestKit
import Testing

/// Aim: a store that is closed or abandoned leaves nothing behind in memory. Method: the clock is passed in and
/// everything of a store holds it, directly or through others; when the store is let go of, so must be the clock.
@Suite struct LettingGoTests {
    enum End: CaseIterable, Sendable { case close, abandon, neither }

    @Test(arguments: End.allCases, [0, 2]) func `nothing of a store stays in memory after its end`(
        end: End, workerCount: Int
    ) throws {
        weak var clock: ManualClock?
        func live() throws {
            let own = ManualClock()
            clock = own
            var configuration = Harness.smallConfiguration
            configuration.workerCount = workerCount
            let store = try LogStore(
                at: "/store", create: true, io: ShadowIO(), clock: own, entropy: SeededEntropy(seed: 1),
                configuration: configuration)
            for id in 1...3 as ClosedRange<UInt64> {
                let log = try store.createLog(id)
                for _ in 0..<20 { try log.append(PlainRecord("key", "data")) }
                if id == 2 { try log.wait(.written, below: log.tip(.published)) }
                if id == 3 { try log.wait(.durable, below: log.tip(.published)) }
            }
            switch end {
            case .close: try store.close()
            case .abandon: store.abandon()
            case .neither: break
            }
        }
        try live()
        #expect(clock == nil)
    }
}
