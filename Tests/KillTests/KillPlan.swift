import Foundation
import MillraceIO
import MillraceTestKit
import MillraceTestSupport
import Testing

/// How often a writer is killed in one test, and how: on one directory, the two ways of dying mixed.
struct KillPlan {
    private let seed: UInt64
    private let randomCount: Int
    private let callCount: Int

    /// - Parameter share: this test's part of the numbers that the environment asks for.
    init(share: Double) {
        let environment = ProcessInfo.processInfo.environment
        func number(_ name: String, _ otherwise: Int) -> Int {
            max(1, Int(Double(environment[name].flatMap { Int($0) } ?? otherwise) * share))
        }
        seed = environment["MILLRACE_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 1...1_000_000)
        randomCount = number("MILLRACE_KILLS", 100)
        callCount = number("MILLRACE_CALL_KILLS", 40)
    }

    var killCount: Int { randomCount + callCount }

    /// - Parameters:
    ///   - kind: what the writer writes.
    ///   - isInTurn: as for `CallSweep`.
    ///   - check: takes what a life said, the store, the number of the life, and whether it was the last one.
    func run(
        _ kind: String, isInTurn: Bool = false, check: (String, String, UInt32, Bool) throws -> Void, summary: () -> String
    ) throws {
        let dice = SeededEntropy(seed: seed)
        let directory = TemporaryDirectory()
        let output = "\(directory.path)/output"
        let store = "\(directory.path)/store"
        var sweep = CallSweep(isInTurn: isInTurn)
        var cycle: UInt32 = 0
        var randomKills = 0
        while randomKills < randomCount || sweep.killCount < callCount {
            cycle += 1
            // Mixed evenly: the share of random kills that were made stays behind that of the others.
            let isRandom = randomKills * callCount <= sweep.killCount * randomCount && randomKills < randomCount
            let death: Life.Death
            var rest = ["\(cycle)", "\(dice.next())"]
            if isRandom {
                death = .random(microseconds: UInt32(dice.next() % 120_000))
            } else {
                death = sweep.next
                // A short life, or one that does little but recover and close.
                rest.append(["8", "0", "1"][sweep.passCount % 3])
            }
            do {
                let life = try Life(kind, store, rest, death, output: output)
                if isRandom { randomKills += 1 } else { sweep.took(wasKilled: life.wasKilled) }
                try check(life.output, store, cycle, randomKills == randomCount && sweep.killCount >= callCount)
            } catch {
                Issue.record("\(kind), seed \(seed), cycle \(cycle), \(death): \(error)")
                return
            }
        }
        print(
            "\(kind): kills: \(randomKills) random, \(sweep.killCount) at chosen system calls, 0 lost (\(sweep.summary)); "
                + "seed \(seed): \(summary())")
    }
}
