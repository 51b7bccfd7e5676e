import Millrace
import MillraceModel

/// How a life has its on-demand streams scaled.
extension StreamActor {
    /// Has the traffic of a shard measured as if it had been put: the decisions go by that alone, and a shard's minute is more
    /// than a life can put.
    mutating func measure(_ stream: Int, _ shard: Int, _ thousandths: Int, _ keys: StreamAction.Keys) throws {
        guard let known = known(stream), known.mode == .onDemand, let state = self.shard(shard * 2, stream) else { return }
        // Streams of many shards make everything slow, and show nothing more.
        if known.openShards.count > 16 { return }
        guard let meter = try storeShard(state.id, store.stream(known.name))?.meter else { return }
        let byteCount = thousandths * 60 * (1 << 20) / 1000
        if keys != .spread { concentrated.insert(known.identity) }
        meter.wrote(recordCount: 100, byteCount: byteCount)
        let (first, width) = (state.range.lowerBound, state.range.upperBound - state.range.lowerBound)
        for index in 0..<100 as Range<UInt128> {
            let place =
                switch keys {
                case .spread: first + width / 100 * index
                case .one: first + width / 3
                case .first: first
                case .last: first + width
                case .few: first + width / 4 * (index % 3)
                }
            meter.note(HashKey(place), byteCount: byteCount / 100)
        }
    }

    /// Has the store scale its on-demand streams, as it does once a minute.
    ///
    /// What it decides is not foreseen here. Whatever that is, the ring is covered once, a stream has four shards at least, or is
    /// on its way there, and one that has them is never below. The records are looked at where all records are.
    mutating func scale() throws {
        tally.callCount += 1
        let names = model.streams.keys.sorted().filter { model.streams[$0]?.mode == .onDemand }
        let before = names.map { model.streams[$0]?.openShards ?? [] }
        var changeCount = 0
        do throws(KinesisError) { changeCount = try store.scaleStep() } catch {
            guard allowsTrouble, case .storage = error else { throw StreamMismatch("scaling failed: \(error)") }
            throw StreamTrouble(error: error)
        }
        note(UInt64(changeCount))
        tally.scaledCount += changeCount
        if changeCount == 0 { return }
        for (name, before) in zip(names, before) {
            try adoptShards(Int(name.dropFirst()) ?? 0)
            let count = model.streams[name]?.openShards.count ?? 0
            // What is too narrow to be split stays as it is, and so may a shard that few keys have for themselves.
            let isDivisible = !concentrated.contains(model.streams[name]?.identity ?? 0)
            let divisible = isDivisible ? before.count { $0.range.upperBound - $0.range.lowerBound > 1 << 8 } : 0
            guard count >= min(4, before.count + divisible) else {
                throw StreamMismatch("on-demand stream \(name) has \(count) shards, and had \(before.count)")
            }
        }
    }
}
