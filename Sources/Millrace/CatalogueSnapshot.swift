import MillraceModel

/// A snapshot of the catalogue as it is read, record by record. A value.
///
/// It begins with `snapshotBegan`, which says how many records follow: the account, then each stream, behind it the rest of its
/// shards, its peaks and its consumers, and the names that are retired. All of it is one batch of the log, so a crash leaves the
/// whole of it or nothing; and all of it holds at once, when the last record was read.
struct CatalogueSnapshot: Hashable, Sendable {
    typealias Misfit = CatalogueState.Misfit
    private var leftCount: Int
    private let greatestLogID: UInt64
    private var streams: [StreamDescription] = []
    private var account: AccountState?
    private var retired: [StreamName: UInt64] = [:]

    init(recordCount: Int, greatestLogID: UInt64) {
        leftCount = recordCount
        self.greatestLogID = greatestLogID
    }

    /// The next record is the last.
    var isLast: Bool { leftCount == 1 }

    /// Nothing has changed when it throws.
    mutating func add(_ record: CatalogueRecord) throws(Misfit) {
        switch record {
        case .accountChanged(let account): self.account = account
        case .nameRetired(let name, let second): retired[name] = second
        case .streamStands(let stream): streams.append(stream)
        case .shardsStand(let id, let shards): try change(id) { $0.shards += shards }
        case .peaksKept(let id, let peaks): try change(id) { $0.peaks = peaks }
        case .consumerSet(let id, let consumer): try change(id) { $0.consumers.append(consumer) }
        default: throw Misfit(detail: "a change in the middle of a snapshot")
        }
        leftCount -= 1
    }

    /// Only the stream that was read last is added to.
    private mutating func change(_ id: UInt64, _ body: (inout StreamDescription) -> Void) throws(Misfit) {
        guard let last = streams.indices.last, streams[last].streamID == id else {
            throw Misfit(detail: "a part of stream \(id) does not follow it")
        }
        body(&streams[last])
    }

    /// What it says, once it was read to its end.
    func whole() throws(Misfit) -> CatalogueState? {
        if leftCount > 0 { return nil }
        for stream in streams { try stream.check() }
        guard streams.allSatisfy({ $0.shards.allSatisfy { $0.logID <= greatestLogID } }) else {
            throw Misfit(detail: "a log is named that never was")
        }
        return try CatalogueState(streams: streams, account: account, retired: retired, greatestLogID: greatestLogID)
    }

    /// The records that say what the state is.
    static func records(_ state: CatalogueState) -> [CatalogueRecord] {
        var records: [CatalogueRecord] = []
        if let account = state.account { records.append(.accountChanged(account)) }
        for stream in state.streams.values.sorted(by: { $0.streamID < $1.streamID }) {
            var first = stream
            let size = CatalogueRecord.greatestStandingCount
            first.shards = Array(stream.shards.prefix(size))
            (first.consumers, first.peaks) = ([], PeakHistory())
            records.append(.streamStands(first))
            for at in Swift.stride(from: size, to: stream.shards.count, by: size) {
                records.append(
                    .shardsStand(streamID: stream.streamID, Array(stream.shards[at..<min(at + size, stream.shards.count)])))
            }
            if stream.peaks != PeakHistory() { records.append(.peaksKept(streamID: stream.streamID, stream.peaks)) }
            records += stream.consumers.map { .consumerSet(streamID: stream.streamID, $0) }
        }
        records += state.retired.sorted { $0.key < $1.key }.map { .nameRetired($0.key, creationSecond: $0.value) }
        return [.snapshotBegan(recordCount: UInt32(records.count), greatestLogID: state.greatestLogID)] + records
    }
}

extension CatalogueState {
    /// The records of a snapshot: applied to any state they make it this one.
    package var snapshotRecords: [CatalogueRecord] { CatalogueSnapshot.records(self) }
}

extension StreamDescription {
    /// The same that every change keeps: the open shards cover the ring once, the newest is one of them, indices rise, and a parent
    /// that is there is closed and older than its child.
    func check() throws(CatalogueState.Misfit) {
        guard let newest = shards.last, newest.closing == nil, HashKeyRange.tile(openShards.map(\.hashKeyRange)) else {
            throw CatalogueState.Misfit(detail: "the open shards of \(name) do not cover the ring once")
        }
        guard zip(shards, shards.dropFirst()).allSatisfy({ $0.shardID < $1.shardID }),
            zip(consumers, consumers.dropFirst()).allSatisfy({ $0.name < $1.name })
        else { throw CatalogueState.Misfit(detail: "shards or consumers of \(name) are out of order") }
        for child in shards {
            for parent in child.parents.compactMap({ self.shard($0) })
            where parent.closing == nil || parent.creationSecond >= child.creationSecond {
                throw CatalogueState.Misfit(detail: "\(parent.shardID) of \(name) is no parent of \(child.shardID)")
            }
        }
    }
}
