#if Tools
    import ArgumentParser
    import Foundation
    import MillraceTestKit

    /// Makes calls to the disk fail while a store is at work, and checks every promise after each opening.
    struct FaultCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "fault",
            abstract: "Makes calls to the disk fail at random, and checks what can be read after every opening.",
            discussion: """
                With --dir on files of that directory, otherwise on a disk in memory that loses power as well. Prints the faults \
                by kind. A failure names its seed and the steps; `--lives 1` with that seed runs that life alone, exactly the \
                same on the disk in memory, and with the same draws on files.
                """)
        @OptionGroup var options: StressOptions
        @Option(help: "End after so many lives, whatever the time.")
        var lives: Int?
        @Option(help: "Steps of one life.")
        var steps = 200

        func run() async throws {
            try await endingWithVerdict { try verdict() }
        }

        private func verdict() throws -> Verdict {
            let directory = try options.dir.map { try StressDirectory(in: $0, name: "millrace-fault") }
            let seed = options.drawnSeed()
            let place = directory.map { "files in \($0.path)" } ?? "a disk in memory"
            print("seed \(seed), \(place), \(steps) steps a life")
            var progress = Progress()
            var tally = FaultLife.Tally()
            var count = 0
            // The first life opens what the run time keeps open; later ones leave as many as they found.
            var descriptors = Int.max
            while progress.elapsed < Double(options.seconds), count < lives ?? .max {
                let lifeSeed = seed &+ UInt64(count)
                count += 1
                do {
                    try oneLife(lifeSeed, directory, into: &tally)
                    let now = ProcessSample.descriptorCount()
                    if count == 1 { descriptors = now }
                    if now > descriptors {
                        throw StressError("seed \(lifeSeed): \(now - descriptors) descriptors were left open")
                    }
                } catch {
                    directory?.keep()
                    return .broken("\(error) | again: millrace-stress fault --seed \(lifeSeed) --lives 1 --steps \(steps)")
                }
                progress.show("\(count) lives, \(tally.faultCount) faults, \(tally.comparisons) records compared")
            }
            for (kind, count) in tally.faults.sorted(by: { $0.key < $1.key }) { print("  \(kind): \(count)") }
            print("faults injected: \(tally.faultCount)")
            return .passed(
                "\(count) lives, \(tally.faultCount) faults of \(tally.faults.count) kinds, \(tally.openings) openings and "
                    + "\(tally.failedOpenings) that failed, \(tally.powerLosses) power losses, \(tally.frozenLogs) logs frozen, "
                    + "\(tally.records) records put, \(tally.comparisons) compared, no promise broken")
        }

        private func oneLife(_ seed: UInt64, _ directory: StressDirectory?, into tally: inout FaultLife.Tally) throws {
            let name = "life-\(seed)"
            var life =
                directory.map { FaultLife(seed: seed, path: "\($0.path)/\(name)", hasThreads: seed % 2 == 1) }
                ?? FaultLife(seed: seed)
            try life.run(stepCount: steps)
            tally.add(life.tally)
            directory?.remove(name)
        }
    }
#endif
