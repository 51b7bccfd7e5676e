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
        (.link, [EIO, ENOSPC, EACCES]),
        (.copy, [EIO, ENOSPC]),
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
                (operation == .write || operation == .copy ? writtenByteCounts : [0]).map {
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

    /// Plans one after the other, all of them or a share.
    struct Sweep {
        private let callCount: (IOError.Operation) -> Int
        private let dice: SeededEntropy
        private var kind = 0
        private var call = 0
        private(set) var count = 0

        /// - Parameter callCount: how often a run without faults makes the call.
        init(of scenario: String, callCount: @escaping (IOError.Operation) -> Int) {
            self.callCount = callCount
            dice = SeededEntropy(seed: seed &+ scenario.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) })
        }

        /// `hasFailed` says whether the plan before this one made a call fail: the first that does not ends its kind.
        /// With a share the calls that only a fault brings about are left to the full run.
        mutating func next(_ hasFailed: Bool) -> FaultIO.Plan? {
            var ends = !hasFailed && call > 0
            while kind < kinds.count {
                call += 1
                if ends || (share > 1 && call > callCount(kinds[kind].operation)) {
                    (kind, call, ends) = (kind + 1, 0, false)
                    continue
                }
                guard dice.next(below: share) == 0 else { continue }
                var plan = kinds[kind]
                plan.call = call
                count += 1
                return plan
            }
            return nil
        }
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
