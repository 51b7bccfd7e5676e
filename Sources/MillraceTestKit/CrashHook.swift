import MillraceIO
import MillraceLog

/// Sits in a disk's calls: takes states inside a step, and lets calls fail by plan. Sendable because the disk calls it.
final class CrashHook: Sendable {
    /// A state taken at a call, with what was promised at that moment.
    struct Taken: Sendable {
        let disk: ShadowIO
        let model: StoreModel
        let promises: StoreModel.Promises
        let draw: UInt64
    }
    private struct Fault {
        let operation: IOError.Operation
        var callsLeft: Int
        let errorNumber: Int32
        let isPermanent: Bool
    }
    private struct State {
        var model = StoreModel()
        var logs: [ShardLog] = []
        /// While a store opens: what was promised before.
        var fixed: StoreModel.Promises?
        var callsToTake: Set<Int> = []
        var draw: UInt64 = 0
        var calls = 0
        var taken: [Taken] = []
        var fault: Fault?
    }
    private let state = Guarded(State())

    /// Before a step.
    func begin(
        _ disk: ShadowIO, _ model: StoreModel, _ logs: [ShardLog], _ dice: SeededEntropy,
        promises: StoreModel.Promises? = nil
    ) {
        var calls: Set<Int> = []
        if dice.chance(0.3) {
            for _ in 0..<3 { calls.insert(1 + dice.next(below: dice.chance(0.7) ? 6 : 30)) }
        }
        let draw = dice.next()
        state.withLock { state in
            state.model = model
            state.logs = logs
            state.fixed = promises
            state.callsToTake = calls
            state.draw = draw
            state.calls = 0
        }
        disk.fault = { [weak disk, self] operation, _, _ in disk.flatMap { called(operation, $0) } }
    }

    func modelChanged(_ model: StoreModel) { state.withLock { $0.model = model } }

    func plan(_ operation: IOError.Operation, call: Int, errorNumber: Int32, isPermanent: Bool) {
        state.withLock {
            $0.fault = Fault(operation: operation, callsLeft: call, errorNumber: errorNumber, isPermanent: isPermanent)
        }
    }

    /// After a step: the states taken in it. Lets go of the model, so that changing it copies nothing.
    func end() -> [Taken] {
        state.withLock { state in
            defer {
                state.taken = []
                state.model = StoreModel()
                state.logs = []
                state.callsToTake = []
            }
            return state.taken
        }
    }

    private func called(_ operation: IOError.Operation, _ disk: ShadowIO) -> Int32? {
        let (due, answer) = state.withLock { state -> (State?, Int32?) in
            state.calls += 1
            return (state.callsToTake.contains(state.calls) ? state : nil, Self.fault(&state, operation))
        }
        if let due {
            let promises = due.fixed ?? StoreModel.Promises(due.logs)
            let draw = SeededEntropy(seed: due.draw &+ UInt64(due.calls))
            let taken = Taken(
                disk: disk.crash(entropy: draw), model: due.model, promises: promises, draw: draw.next())
            state.withLock { $0.taken.append(taken) }
        }
        return answer
    }

    private static func fault(_ state: inout State, _ operation: IOError.Operation) -> Int32? {
        guard var fault = state.fault, fault.operation == operation, fault.callsLeft > 0 || fault.isPermanent else {
            return nil
        }
        fault.callsLeft -= 1
        state.fault = fault
        return fault.callsLeft == 0 || fault.callsLeft < 0 && fault.isPermanent ? fault.errorNumber : nil
    }

    func clearFault() { state.withLock { $0.fault = nil } }
}
