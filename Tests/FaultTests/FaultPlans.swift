import MillraceIO
import MillraceTestSupport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Which calls fail in which way: every operation of `StorageIO` with every `errno` that it may answer for bad luck.
enum FaultPlans {
    /// EINTR only where the seam lets it through: syncs are never tried again below it.
    static let errorNumbers: [(operation: IOError.Operation, errorNumbers: [Int32])] = [
        (.openDirectory, [EIO, ENOSPC, EMFILE, EACCES]),
        (.listDirectory, [EIO, EMFILE]),
        (.syncDirectory, [EIO, ENOSPC, EINTR]),
        (.openFile, [EIO, EMFILE, EACCES]),
        (.createFile, [EIO, ENOSPC, EMFILE, EACCES]),
        (.allocate, [EIO, ENOSPC]),
        (.read, [EIO]),
        (.write, [EIO, ENOSPC]),
        (.sync, [EIO, ENOSPC, EINTR]),
        (.rename, [EIO, ENOSPC, EACCES]),
        (.unlink, [EIO, ENOSPC, EACCES]),
        (.map, [EIO, ENOMEM]),
        (.populate, [EIO]),
        (.lock, [EIO]),
        (.freeSpace, [EIO]),
    ]

    /// How much of a failing write reaches the disk: nothing, part of a sector, one or several pages, everything.
    private static let writtenByteCounts = [0, 100, 512, 4096, 5000, 12_288, 1 << 30]

    /// All plans without their call number: operation x errno x once or for ever, and the lengths of short writes.
    static let kinds: [FaultIO.Plan] = errorNumbers.flatMap { operation, numbers in
        numbers.flatMap { number in
            [false, true].flatMap { isPermanent in
                (operation == .write ? writtenByteCounts : [0]).map {
                    FaultIO.Plan(
                        operation, call: 1, errorNumber: number, isPermanent: isPermanent, writtenByteCount: $0)
                }
            }
        }
    }

    /// One in so many plans is tried: all of them with `MILLRACE_FAULT_SHARE=1`, as in the lane `faults`.
    static let share = max(1, Fixtures.number("MILLRACE_FAULT_SHARE") ?? 100)
    /// Chooses which plans are tried, and draws crash states and second faults.
    static let seed = UInt64(Fixtures.number("MILLRACE_SEED") ?? 1)

    /// Calls `run` with every plan, or a share of them. `callCount` says how often a run without faults makes the call;
    /// beyond that `run` goes on until it says that nothing failed. Returns how many plans were tried.
    static func each(
        of scenario: String, callCount: (IOError.Operation) -> Int, _ run: (FaultIO.Plan) throws -> Bool
    ) throws -> Int {
        var count = 0
        let dice = SeededEntropy(seed: seed &+ scenario.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) })
        for kind in kinds {
            var plan = kind
            while true {
                // Beyond the calls of a run without faults all plans are tried: there are few.
                if plan.call > callCount(plan.operation) || dice.next(below: share) == 0 {
                    // With a share, the calls that only a fault brings about are the full run's.
                    if plan.call > callCount(plan.operation), share > 1 { break }
                    count += 1
                    if try !run(plan) { break }
                }
                plan.call += 1
            }
        }
        return count
    }
}

extension FaultIO.Plan {
    var text: String {
        let part = writtenByteCount > 0 ? " after \(writtenByteCount) bytes" : ""
        return "\(operation.rawValue) call \(call) answers \(errorNumber)\(part) \(isPermanent ? "for ever" : "once")"
    }
}

/// What a test of faults found wrong, with everything that brings it about again.
struct FaultFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
