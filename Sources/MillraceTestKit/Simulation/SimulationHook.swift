import MillraceIO
import MillraceLog

/// Sits in a disk's calls: takes the state that a power loss at a call leaves, and lets calls fail by plan. Sendable because
/// the disk calls it.
final class SimulationHook: Sendable {
    /// A state of the disk, with what was promised at that moment.
    struct Taken: Sendable {
        let disk: ShadowIO
        let promises: StoreModel.Promises
    }
    private struct State {
        var callsLeft: Int?
        var draw: UInt64 = 0
        var taken: Taken?
        /// What was promised before, for logs that are not open.
        var promises = StoreModel.Promises()
        /// Open logs, listed before an action: while it runs their store may be locked.
        var logs: [ShardLog] = []
        var fault: (operation: IOError.Operation, callsLeft: Int, errorNumber: Int32, isPermanent: Bool)?
        var isFaulted = false
    }
    private let state = Guarded(State())

    /// The disk's calls come here from now on. Only while something is planned: most calls are asked for nothing.
    func attach(_ disk: ShadowIO) {
        disk.fault = { [weak disk, self] operation, _, _ in disk.flatMap { called(operation, $0) } }
    }

    /// - Parameters:
    ///   - logs: which say what is promised.
    ///   - promises: what was promised by those before.
    func look(at logs: [ShardLog], _ promises: StoreModel.Promises) {
        state.withLock { ($0.logs, $0.promises) = (logs, promises) }
    }

    func takeState(atCall call: Int, draw: UInt64) { state.withLock { ($0.callsLeft, $0.draw) = (call, draw) } }
    func fail(_ operation: IOError.Operation, call: Int, errorNumber: Int32, isPermanent: Bool) {
        state.withLock { $0.fault = (operation, call, errorNumber, isPermanent) }
    }

    /// The disk is filling up: calls may fail from now on without the plan of one.
    func expectTrouble() { state.withLock { $0.isFaulted = true } }

    /// Whether something may come of the next calls that leaves open how far an action got.
    var isArmed: Bool { state.withLock { $0.callsLeft != nil || $0.fault != nil || $0.isFaulted } }
    /// Whether a call was failed since the last `reset`.
    var isFaulted: Bool { state.withLock { $0.isFaulted } }
    /// The state that was taken, once.
    func take() -> Taken? { state.withLock { $0.taken.take() } }

    /// Forgets the plans of failing; a state that is to be taken is still.
    func resetFault() { state.withLock { ($0.fault, $0.isFaulted) = (nil, false) } }
    func reset() {
        resetFault()
        state.withLock { ($0.callsLeft, $0.taken, $0.logs) = (nil, nil, []) }
    }

    /// Those of the open logs, and the earlier ones of the rest.
    func currentPromises() -> StoreModel.Promises { state.withLock { Self.promises($0) } }

    private static func promises(_ state: State) -> StoreModel.Promises {
        var promises = state.promises
        let open = StoreModel.Promises(state.logs)
        promises.durable.merge(open.durable) { $1 }
        promises.written.merge(open.written) { $1 }
        return promises
    }

    private func called(_ operation: IOError.Operation, _ disk: ShadowIO) -> Int32? {
        let (due, answer) = state.withLock { state -> (UInt64?, Int32?) in
            (Self.due(&state), Self.answer(&state, operation))
        }
        if let due {
            let taken = Taken(disk: disk.crash(entropy: SeededEntropy(seed: due)), promises: currentPromises())
            state.withLock { $0.taken = taken }
        }
        return answer
    }

    private static func due(_ state: inout State) -> UInt64? {
        guard let left = state.callsLeft else { return nil }
        state.callsLeft = left > 1 ? left - 1 : nil
        return left > 1 ? nil : state.draw
    }

    private static func answer(_ state: inout State, _ operation: IOError.Operation) -> Int32? {
        guard var fault = state.fault, fault.operation == operation else { return nil }
        fault.callsLeft -= 1
        state.fault = fault.callsLeft <= 0 && !fault.isPermanent ? nil : fault
        guard fault.callsLeft <= 0 else { return nil }
        state.isFaulted = true
        return fault.errorNumber
    }
}
