package import MillraceModel

/// Everything the catalogue knows: what its records, applied one after the other, make. A value.
package struct CatalogueState: Hashable, Sendable {
    package private(set) var streams: [UInt64: StreamDescription] = [:]
    private var ids: [StreamName: UInt64] = [:]
    package private(set) var account: AccountState?
    /// When the last stream of a name was created that was deleted since, as far as another of the name might be created in
    /// that second, or before it: forgotten as soon as a stream is created later.
    private(set) var retired: [StreamName: UInt64] = [:]
    /// The greatest engine's name of any shard that ever was.
    private(set) var greatestLogID: UInt64 = 0
    /// What was read of a snapshot that is not there whole yet.
    private var snapshot: CatalogueSnapshot?

    package init() {}

    /// A part of a snapshot is missing: then the catalogue is damaged, since a snapshot is one batch.
    package var isCut: Bool { snapshot != nil }

    /// Why a record that can be read does not fit what was there before it: then the catalogue is damaged.
    package struct Misfit: Error, Hashable {
        package let detail: String
    }

    package func stream(_ name: StreamName) -> StreamDescription? { ids[name].flatMap { streams[$0] } }
    /// In order of their bytes.
    package var names: [StreamName] { ids.keys.sorted() }

    /// The latest time that it names of those at which something was: milliseconds since 1970 UTC; nil when it names none.
    var latestMilliseconds: UInt64? {
        let kept = account.flatMap { $0.agingMilliseconds > 0 ? $0.agingMilliseconds : nil }
        return (streams.values.map { $0.creationSecond * 1000 } + [kept].compactMap(\.self)).max()
    }

    /// In which second a stream of that name is created, seconds since 1970 UTC: a later one than of the stream that had the
    /// name before it, whose numbers clients may hold still.
    func creationSecond(of name: StreamName, nowSecond: UInt64) -> UInt64 {
        min(max(nowSecond, retired[name].map { $0 + 1 } ?? 0), SequenceNumber.maximumSecond)
    }

    package mutating func apply(_ record: CatalogueRecord) throws(Misfit) {
        if var reading = snapshot {
            // Out of the state first: what is changed in place is not copied. With the last record all may be refused.
            let before = reading.isLast ? reading : nil
            snapshot = nil
            do throws(Misfit) {
                try reading.add(record)
                if let whole = try reading.whole() { self = whole } else { snapshot = reading }
            } catch {
                snapshot = before ?? reading
                throw error
            }
            return
        }
        switch record {
        case .snapshotBegan(let count, let logID):
            let reading = CatalogueSnapshot(recordCount: Int(count), greatestLogID: logID)
            if let whole = try reading.whole() { self = whole } else { snapshot = reading }
        case .streamStands, .shardsStand, .nameRetired:
            throw Misfit(detail: "a part of a snapshot stands by itself")
        case .streamCreated(let stream):
            guard streams[stream.streamID] == nil, ids[stream.name] == nil else {
                throw Misfit(detail: "stream \(stream.name) is created twice")
            }
            retired = retired.filter { $0.value >= stream.creationSecond && $0.key != stream.name }
            ids[stream.name] = stream.streamID
            streams[stream.streamID] = stream
            greatestLogID = stream.shards.reduce(greatestLogID) { max($0, $1.logID) }
        case .settingsChanged(let id, let settings):
            try change(id) { stream throws(Misfit) in stream.settings = settings }
        case .resharded(let id, let reshard):
            try change(id) { stream throws(Misfit) in try stream.apply(reshard) }
            greatestLogID = reshard.children.reduce(greatestLogID) { max($0, $1.logID) }
        case .streamDeleted(let id):
            guard let stream = streams.removeValue(forKey: id) else { throw Misfit(detail: "there is no stream \(id)") }
            ids[stream.name] = nil
            retired[stream.name] = stream.creationSecond
        case .consumerSet(let id, let consumer):
            try change(id) { stream throws(Misfit) in
                stream.consumers.removeAll { $0.name == consumer.name }
                let at = stream.consumers.firstIndex { $0.name > consumer.name } ?? stream.consumers.endIndex
                stream.consumers.insert(consumer, at: at)
            }
        case .consumerRemoved(let id, let name):
            try change(id) { stream throws(Misfit) in
                guard let at = stream.consumers.firstIndex(where: { $0.name == name }) else {
                    throw Misfit(detail: "there is no consumer \(name)")
                }
                stream.consumers.remove(at: at)
            }
        case .accountChanged(let account): self.account = account
        case .peaksKept(let id, let peaks):
            try change(id) { stream throws(Misfit) in stream.peaks = peaks }
        case .shardsExpired(let id, let shards):
            try change(id) { stream throws(Misfit) in try stream.remove(shards) }
        }
    }

    /// What a snapshot says.
    init(
        streams: [StreamDescription], account: AccountState?, retired: [StreamName: UInt64], greatestLogID: UInt64
    ) throws(Misfit) {
        self.account = account
        self.retired = retired
        self.greatestLogID = greatestLogID
        for stream in streams {
            guard self.streams.updateValue(stream, forKey: stream.streamID) == nil,
                ids.updateValue(stream.streamID, forKey: stream.name) == nil
            else { throw Misfit(detail: "stream \(stream.name) stands twice") }
        }
    }

    private mutating func change(
        _ id: UInt64, _ body: (inout StreamDescription) throws(Misfit) -> Void
    ) throws(Misfit) {
        guard var stream = streams[id] else { throw Misfit(detail: "there is no stream \(id)") }
        // Out of the table first: what is changed in place is not copied.
        streams[id] = nil
        defer { streams[id] = stream }
        try body(&stream)
    }
}

extension StreamDescription {
    /// Invariant, before and after: the ranges of the open shards cover the ring once; a child's number is above its parents',
    /// and it was created in a later second than they.
    mutating func apply(_ reshard: Reshard) throws(CatalogueState.Misfit) {
        var next = self
        for child in reshard.children {
            guard child.shardID.index == (next.shards.last?.shardID.index ?? 0) + 1 else {
                throw CatalogueState.Misfit(detail: "\(child.shardID) of \(name) does not follow the shards there are")
            }
            for parent in child.parents {
                guard let parent = next.shard(parent), reshard.closings[parent.shardID] != nil, parent.closing == nil,
                    parent.creationSecond < child.creationSecond
                else { throw CatalogueState.Misfit(detail: "a parent of \(child.shardID) of \(name) is none") }
            }
            guard child.parent != nil else { throw CatalogueState.Misfit(detail: "\(child.shardID) of \(name) has no parent") }
            next.shards.append(child)
        }
        var found = 0
        for index in next.shards.indices {
            guard let closing = reshard.closings[next.shards[index].shardID] else { continue }
            guard next.shards[index].closing == nil else {
                throw CatalogueState.Misfit(detail: "\(next.shards[index].shardID) of \(name) is closed twice")
            }
            next.shards[index].closing = closing
            found += 1
        }
        guard found == reshard.closings.count else {
            throw CatalogueState.Misfit(detail: "a shard that \(name) does not have is closed")
        }
        guard HashKeyRange.tile(next.openShards.map(\.hashKeyRange)) else {
            throw CatalogueState.Misfit(detail: "the open shards of \(name) do not cover the ring once")
        }
        self = next
    }
}

extension StreamDescription {
    /// Takes closed shards away. Their children name them on.
    ///
    /// The newest shard stays: it is open, since what closes a shard makes a newer one; and so the index of the next child is
    /// always above every index that was ever used.
    mutating func remove(_ expired: [ShardID]) throws(CatalogueState.Misfit) {
        guard let newest = shards.last?.shardID, !expired.contains(newest) else {
            throw CatalogueState.Misfit(detail: "the newest shard of \(name) expires")
        }
        for id in expired where shard(id)?.closing == nil {
            throw CatalogueState.Misfit(detail: "\(id) of \(name) expires, and is open or not there")
        }
        let gone = Set(expired)
        shards.removeAll { gone.contains($0.shardID) }
    }
}

extension HashKeyRange {
    /// Whether the ranges, in this order, cover every place exactly once.
    package static func tile(_ ranges: [HashKeyRange]) -> Bool {
        guard ranges.first?.starting == .min, ranges.last?.ending == .max else { return false }
        return zip(ranges, ranges.dropFirst()).allSatisfy { $0.ending < $1.starting && $0.isAdjacent(to: $1) }
    }
}
