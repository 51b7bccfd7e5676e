import MillraceTestKit
import Testing

/// Aim: no call of the disk may fail in a way that breaks a promise. Method: lives with random faults, on a disk in memory and on
/// files. `millrace-stress fault` runs the same for as long as one likes.
@Suite struct FaultLifeTests {
    @Test(arguments: 1...40)
    func `no fault in the life of a store on a disk in memory breaks a promise`(seed: UInt64) throws {
        var life = FaultLife(seed: seed)
        try life.run(stepCount: 150)
        #expect(life.tally.openings > 1)
        #expect(life.tally.comparisons > 0)
    }

    @Test(arguments: [(1, false), (2, true), (3, true)] as [(UInt64, Bool)])
    func `no fault in the life of a store on files breaks a promise`(seed: UInt64, hasThreads: Bool) throws {
        let directory = TemporaryDirectory()
        var life = FaultLife(seed: seed, path: "\(directory.path)/store", hasThreads: hasThreads)
        try life.run(stepCount: 100)
        #expect(life.tally.openings > 1)
    }
}
