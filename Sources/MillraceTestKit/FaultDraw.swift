package import MillraceIO

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Draws faults: a call that fails, how, and whether once or from then on. Pure but for the entropy.
package struct FaultDraw {
    /// The calls that can fail, and with what. Reads and syncs of a damaged device, a full disk, too many open files.
    private static let choices: [(operation: IOError.Operation, errors: [Int32])] = [
        (.write, [EIO, ENOSPC]), (.write, [EIO, ENOSPC]), (.sync, [EIO, ENOSPC]), (.sync, [EIO]),
        (.syncDirectory, [EIO]), (.createFile, [EIO, ENOSPC, EMFILE]), (.allocate, [ENOSPC, EIO]),
        (.allocate, [ENOSPC]), (.rename, [EIO, ENOSPC]), (.unlink, [EIO]), (.openFile, [EIO, EMFILE]),
        (.openDirectory, [EIO, EMFILE]), (.listDirectory, [EIO]), (.read, [EIO]), (.map, [ENOMEM]),
        (.populate, [EIO]), (.freeSpace, [EIO]), (.lock, [EIO]),
    ]

    /// A fault at one of the next calls of its kind; `callCount` says how often an operation was called so far.
    package static func plan(_ entropy: SeededEntropy, callCount: (IOError.Operation) -> Int) -> FaultIO.Plan {
        let choice = choices[entropy.next(below: choices.count)]
        let isShort = choice.operation == .write && entropy.chance(0.4)
        return FaultIO.Plan(
            choice.operation, call: callCount(choice.operation) + 1 + entropy.next(below: entropy.chance(0.5) ? 2 : 9),
            errorNumber: choice.errors[entropy.next(below: choice.errors.count)], isPermanent: entropy.chance(0.3),
            writtenByteCount: isShort ? 1 + entropy.next(below: 12_000) : 0)
    }

    /// The kind under which a fault is counted: `write ENOSPC short, for ever`.
    package static func kind(_ plan: FaultIO.Plan) -> String {
        let names = [EIO: "EIO", ENOSPC: "ENOSPC", EMFILE: "EMFILE", ENOMEM: "ENOMEM"]
        return "\(plan.operation.rawValue) \(names[plan.errorNumber] ?? "\(plan.errorNumber)")"
            + (plan.writtenByteCount > 0 ? " short" : "") + (plan.isPermanent ? ", for ever" : "")
    }
}
