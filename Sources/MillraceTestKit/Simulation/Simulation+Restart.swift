import Millrace
import MillraceIO
import MillraceLog
import MillraceModel

// How a process ends, and what the next one finds.

extension Simulation {
    // MARK: The end of the process

    enum End { case close, kill, losePower }

    /// - Parameters:
    ///   - candidates: what the store may be when it is open again; the first that fits is. None: what the model is.
    ///   - target: the reshard that may have happened to the last of them.
    ///   - taken: the disk to go on with, when the power failed within a call.
    mutating func restart(
        _ end: End, _ dice: SeededEntropy, candidates: [ReferenceStore] = [], target: ReshardTarget? = nil,
        from taken: SimulationHook.Taken? = nil
    ) throws {
        guard let actor else { return }
        outcome.restartCount += 1
        if taken == nil { look() }
        var promised = taken?.promises ?? hook.currentPromises()
        var end = end
        var taken = taken
        if taken == nil, end == .close {
            do throws(KinesisError) {
                try actor.store.closeBlocking()
                promised = hook.currentPromises()
            } catch {
                guard hook.isFaulted else { throw StreamMismatch("closing failed: \(error)") }
            }
            // Power failed while it closed.
            if let state = hook.take() { (taken, end, promised) = (state, .losePower, state.promises) }
        }
        // What reads of the store goes with it.
        self.actor?.subscriptions = [:]
        actor.store.abandon()
        var candidates = candidates.isEmpty ? [actor.model] : candidates
        // The power failed before the action came to its end: nobody was told the numbers it gave.
        if taken != nil, let before = candidates.last { candidates[0].forgetNumbers(since: before) }
        wasFaulted = wasFaulted || hook.isFaulted
        hook.resetFault()
        disk.capacityByteCount = 1 << 40
        troubleLeft = nil
        switch end {
        case .close: break
        case .kill: replaceDisk(disk.kill())
        case .losePower: losePower(taken?.disk ?? disk.crash(entropy: dice))
        }
        self.promises.durable.merge(promised.durable) { $1 }
        self.promises.written = end == .losePower ? self.promises.durable : self.promises.written.merging(promised.written) { $1 }
        hook.look(at: [], self.promises)
        var next = try reopened(actor, dice)
        // Power failed while it opened: nothing but what was durable before is promised.
        while let state = hook.take() {
            next.store.abandon()
            losePower(state.disk)
            self.promises.written = self.promises.durable
            hook.look(at: [], self.promises)
            next = try reopened(actor, dice)
        }
        next.model = try settle(candidates, target, &next, dice)
        self.actor = next
        look()
        if dice.chance(0.1) { try sweep() }
        // Power failed while all was read.
        try restartFromTaken(dice, [])
    }

    private mutating func replaceDisk(_ next: ShadowIO) {
        disk.fault = nil
        disk = next
        if hook.isArmed { hook.attach(disk) }
    }

    private mutating func losePower(_ next: ShadowIO) {
        replaceDisk(next)
        boot += 1
        clock.restart(bootIdentity: (1000 + boot, boot))
    }

    private mutating func reopened(_ actor: StreamActor, _ dice: SeededEntropy) throws -> StreamActor {
        disk.capacityByteCount = 1 << 40
        // After faults there may be files that were begun and never used, which verification cannot tell from lost ones.
        if !wasFaulted, dice.chance(0.1) {
            let damage = try StoreVerification.run(at: "/store", io: disk).findings.filter { $0.severity == .damage }
            if !damage.isEmpty { throw StreamMismatch("verification finds damage: \(damage)") }
        }
        var next = actor
        next.store = try newStore(dice.next())
        (next.allowsTrouble, next.subscriptions, next.concentrated) = (false, [:], [])
        return next
    }

    private mutating func newStore(_ draw: UInt64) throws -> StreamStore {
        opened = (clock.wallNanoseconds(), clock.steadyNanoseconds())
        return try StreamStore(
            at: "/store", io: disk, clock: clock, entropy: SeededEntropy(seed: draw), configuration: plan.configuration,
            options: plan.options)
    }

    mutating func open() throws {
        var model = ReferenceStore()
        let options = plan.modelOptions ?? plan.options
        model.isEnforcing = options.capacity == .enforce
        model.transitionMilliseconds = options.transitionMilliseconds
        var actor = StreamActor(try newStore(plan.seed), model)
        actor.looksAtLevels = true
        self.actor = actor
        look()
    }

    /// Has the disk's calls know what is promised now.
    func look() { hook.look(at: actor?.store.engine.openLogs ?? [], promises) }

    // MARK: What is left

    /// The candidate that the store is, with the records that are left.
    private func settle(
        _ candidates: [ReferenceStore], _ target: ReshardTarget?, _ actor: inout StreamActor, _ dice: SeededEntropy
    ) throws -> ReferenceStore {
        var refused: [String] = []
        try finishDeletions(actor.store)
        let found = try actor.view(actor.store)
        let horizons = actor.store.catalogueState.streams.values.reduce(into: [:]) {
            $0[$1.name.text] = $1.settings.horizonFloorMilliseconds
        }
        for (index, candidate) in candidates.enumerated() {
            var model = candidate
            model.reopened(
                now: nowMilliseconds, aging: agingMilliseconds, steady: clock.steadyNanoseconds(),
                kept: actor.store.keptMilliseconds, horizons: horizons, countingOnFrom: candidates[0])
            model.adoptGone(actor.shardsThere())
            actor.model = model
            for name in model.streams.keys.sorted() where (try? actor.store.stream(name)) != nil {
                do { try actor.learnClosings(Int(name.dropFirst()) ?? 0) } catch { refused.append("\(error)") }
            }
            model = actor.model
            if let target, index == candidates.count - 1, found != actor.view(model) {
                do {
                    for stream in target.streams { try actor.adoptShards(stream, target.count) }
                    model = actor.model
                } catch { refused.append("\(error)") }
            }
            let wanted = actor.view(model)
            if found == wanted {
                model.countView(found.keys)
                try settleRecords(&model, actor, dice)
                try checkLogs(model, actor)
                return model
            }
            refused.append(StreamView.difference(found, wanted))
        }
        throw StreamMismatch("after the end of the process " + refused.joined(separator: "; or "))
    }

    /// Deletions that were answered are carried out by whoever asks for a stream first: here by a call that no limit is on.
    private func finishDeletions(_ store: StreamStore) throws {
        do throws(KinesisError) {
            _ = try store.answer(GetResourcePolicyRequest(resourceARN: "\(ReferenceStore.arn("never.made"))"))
        } catch {
            guard case .resourceNotFound = error else { throw StreamMismatch("after opening: \(error)") }
        }
    }

    private func settleRecords(_ model: inout ReferenceStore, _ actor: StreamActor, _ dice: SeededEntropy) throws {
        for name in model.streams.keys.sorted() {
            guard let handle = try? actor.store.stream(name), var stream = model.streams[name] else { continue }
            var aged = stream
            aged.raiseHorizon(agingMilliseconds)
            for index in stream.shards.indices {
                // Nothing was put into it since it was looked at: most of these are left to be recovered later, some are not.
                if stream.shards[index].isSettled, !isLast, !dice.chance(0.1) {
                    stream.shards[index].visibleEnd = .max
                    continue
                }
                // A sweep took it away, which is held against the model elsewhere.
                guard let place = actor.storeShard(stream.shards[index].id, handle) else { continue }
                let log = try actor.store.engine.log(place.logID)
                try stream.shards[index].settle(
                    log, promised: promises.written[log.id] ?? 0, horizon: aged.horizon, name: "\(name)/\(index)")
            }
            model.streams[name] = stream
        }
    }

    /// Nothing is left on the disk of streams that are gone, or never came to be.
    private func checkLogs(_ model: ReferenceStore, _ actor: StreamActor) throws {
        let logs = try model.streams.keys.flatMap { try actor.store.stream($0).shards.map(\.logID) }
        let found = try actor.store.engine.logIDs().filter { $0 != LogStore.catalogueLogID }
        guard found.sorted() == logs.sorted() else {
            throw StreamMismatch("there are logs \(found.sorted()) of shards \(logs.sorted())")
        }
    }

    /// Reads every shard to its end, as a client does.
    mutating func sweep() throws {
        guard var actor else { return }
        defer { self.actor = actor }
        tell(&actor.model)
        for name in actor.model.streams.keys.sorted() { try actor.readAll(Int(name.dropFirst()) ?? 0) }
    }

    mutating func restartFromTaken(_ dice: SeededEntropy, _ candidates: [ReferenceStore]) throws {
        if let taken = hook.take() { try restart(.losePower, dice, candidates: candidates, target: nil, from: taken) }
    }
}
