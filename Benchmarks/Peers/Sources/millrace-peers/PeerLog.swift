/// Another engine used as a log: key and data of each record under its ordinal, appended by one thread.
///
/// No engine is asked to keep more than that, so none keeps a record's time of arrival as Millrace does.
protocol PeerLog: ~Copyable {
    /// Without its version.
    static var engine: String { get }
    /// What the engine compresses records with.
    static var codec: String { get }

    /// The engine's own name of what it does for a durability.
    static func setting(for durability: Durability) -> String

    /// Opens the log that `directory` holds, or makes one where it is empty. Throws `NotOffered` where the engine
    /// does not have the durability.
    init(in directory: String, durability: Durability) throws

    var version: String { get }

    /// What a server has used so far; nil for an engine that runs in this process.
    var serverUsage: Usage? { get }

    /// Makes everything durable that was appended before the call, on any thread and beside appends. Nil where only
    /// an append can carry the sync.
    var synchronise: (@Sendable () throws -> Void)? { get }

    /// Appends the records that have these ordinals as one transaction.
    ///
    /// `isSynced` says that it and all before it are durable on return; with `Durability.durable` they always are.
    mutating func append(_ set: RecordSet, _ ordinals: Range<Int>, isSynced: Bool) throws

    /// Calls `body` with key and data of every record in order.
    func scan(_ body: (RawSpan, RawSpan) -> Void) throws

    /// Everything appended is found by the next one to open the directory.
    consuming func close() throws
}

extension PeerLog where Self: ~Copyable {
    static var codec: String { "none" }
    var serverUsage: Usage? { nil }
    var synchronise: (@Sendable () throws -> Void)? { nil }
    consuming func close() throws {}
}

/// Says that an engine has no such thing, in words; no failure.
struct NotOffered: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

extension RecordSet {
    /// Calls `body` with each ordinal and the key and data that belong to it, round and round.
    @inline(__always)
    func forEach(_ ordinals: Range<Int>, _ body: (Int, RawSpan, RawSpan) throws -> Void) rethrows {
        var index = ordinals.lowerBound % count
        for ordinal in ordinals {
            try body(ordinal, key(index), data(index))
            index += 1
            if index == count { index = 0 }
        }
    }
}
