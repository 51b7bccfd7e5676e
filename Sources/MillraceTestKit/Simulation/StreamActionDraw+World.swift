import MillraceIO
import MillraceModel

// What is drawn of the world around a store, and of what only some lives have.

extension StreamActionDraw {
    /// An action of the service or of the world around it.
    func world() -> StreamAction {
        if hasScaling, oneIn(20) { return scaling() }
        if hasSubscriptions, oneIn(4) { return subscriptions() }
        if hasLimits, oneIn(30) { return traffic() }
        return switch dice.next(below: 100) {
        case 0...3: .flush(log: dice.next(below: 16), partial: dice.chance(0.5))
        case 4...7: .sync(log: dice.next(below: 16))
        case 8: .idle(log: dice.next(below: 16))
        case 9: .prepare
        case 10 where oneIn(2): dice.chance(0.5) ? .kill : .losePower
        case 11 where oneIn(2): .losePowerDuringNext(call: 1 + dice.next(below: oneIn(3) ? 40 : 8))
        case 12 where oneIn(2): oneIn(6) ? .leaveRoom(dice.next(below: 200_000)) : failCall()
        case 13: .sweep
        case 12: .setClock(milliseconds: dice.chance(0.5) ? milliseconds() : -milliseconds())
        default: service()
        }
    }

    private func failCall() -> StreamAction {
        let kinds: [IOError.Operation] = [
            .sync, .sync, .sync, .write, .write, .syncDirectory, .rename, .createFile, .allocate, .read, .openFile, .unlink,
        ]
        return .failCall(
            pick(kinds), call: 1 + dice.next(below: 4), errorNumber: dice.chance(0.7) ? 5 : 28,
            isPermanent: dice.chance(0.3))
    }

    private func scaling() -> StreamAction {
        switch dice.next(below: 10) {
        case 0...3:
            .measure(
                stream(), shard: dice.next(below: 8), thousandths: pick([100, 499, 501, 900, 2000]),
                pick([.spread, .one, .first, .last, .few]))
        case 4...7: .scale(minutes: 1)
        case 8: .setMode(stream(), isOnDemand: dice.chance(0.7))
        // A day and more, after which quiet neighbours are merged.
        default: .scale(minutes: oneIn(10) ? 1441 + dice.next(below: 60) : 2 + dice.next(below: 20))
        }
    }

    private func subscriptions() -> StreamAction {
        let slot = dice.next(below: 2)
        switch dice.next(below: 16) {
        case 0: return .pollAt(slot: slot, milliseconds: pick([999, 1000, 29_999, 30_000, 299_999, 300_000]))
        case 1, 2: return .subscribeAgain(slot: slot, milliseconds: pick([0, 4_999, 5_000, 5_001, 300_000]))
        case 3...6:
            let start = dice.chance(0.5) ? StreamAction.SubscriptionPlace.resume : .place(place())
            return .subscribe(
                stream(), consumer: oneIn(30) ? 3 : dice.next(below: 2), shard: oneIn(4) ? shard() : dice.next(below: 4), start,
                heartbeat: dice.chance(0.5) ? pick([1, 5_000, 30_000]) : nil, slot: slot)
        case 7, 8: return .putRecords(stream(), count: 1 + dice.next(below: 8), StreamAction.Payload(key: 0, size: .bytes(20)))
        default: return .poll(slot: slot, count: 1 + dice.next(below: 3))
        }
    }

    /// Enough to come to a limit.
    private func traffic() -> StreamAction {
        func payload(_ byteCount: Int) -> StreamAction.Payload {
            StreamAction.Payload(
                key: dice.next(below: 8), size: .bytes(byteCount),
                hash: dice.chance(0.8) ? .startOfShard(dice.next(below: 4)) : nil)
        }
        return switch dice.next(below: 16) {
        case 0: .burst(stream(), calls: 3, count: 330 + dice.next(below: 20), payload(dice.next(below: 20)))
        case 1: .burst(stream(), calls: 3, count: 50, payload(5_000 + dice.next(below: 4_000)))
        case 2: .burst(stream(), calls: 2, count: 1, payload((1 << 19) + dice.next(below: 1 << 19) - 10))
        case 3, 4: .burst(stream(), calls: 2, count: 1, payload((1 << 20) - 500 + dice.next(below: 1 << 10)))
        case 5: .setRecordLimit(stream(), kibibytes: pick([1024, 1025, 4096, 4096]))
        case 6...9:
            .passTime(
                microseconds: pick([1, 499, 500, 999, 1000, 1001, 100_000, 199_999, 200_000, 200_001, 499_999, 999_999]))
        default: .drain(stream(), shard: dice.next(below: 4), calls: 1 + dice.next(below: 6))
        }
    }
}
