import MillraceModel

// From what a request names to what the store has.

extension StreamStore {
    /// What every operation begins with: the request is well formed, the store is open, and the call is not one too many.
    ///
    /// - Parameter subject: what the operation's calls are counted by, where that is not the account.
    /// - Throws: `validation`; `closed`; `limitExceeded` where limits are enforced.
    func begin(_ request: some OperationRequest, of subject: @autoclosure () -> String = "") throws(KinesisError) {
        try request.validate()
        try core.checkOpen()
        guard core.options.capacity != .off, let limited = LimitedOperation(rawValue: type(of: request).operation.rawValue)
        else { return }
        try core.calls.take(limited, subject: subject(), nanoseconds: core.steadyNanoseconds())
    }

    /// The stream that a request names, as the catalogue knows it.
    ///
    /// - Throws: `resourceNotFound`, also for an ARN of another account or region; `invalidArgument` when name and ARN differ.
    func find(_ reference: StreamReference) throws(KinesisError) -> StreamDescription {
        try core.checkOpen()
        try finishDeletions()
        let name: StreamName
        if let arn = reference.arn {
            name = try streamName(arn: arn)
            if let given = reference.name, given != name.text {
                throw .invalidArgument("StreamName \(given) and StreamARN \(arn) are not of one stream.")
            }
        } else {
            name = try StreamName(reference.name ?? "")
        }
        guard let stream = catalogue.known.stream(name) else { throw core.words.streamNotFound(name.text) }
        return stream
    }

    func find(arn: String?) throws(KinesisError) -> StreamDescription { try find(StreamReference(arn: arn ?? "")) }

    private func streamName(arn: String) throws(KinesisError) -> StreamName {
        let parsed = try StreamARN(arn)
        guard parsed == core.options.streamARN(parsed.streamName) else {
            throw core.words.streamNotFound(parsed.streamName.text)
        }
        return parsed.streamName
    }

    /// Its state now.
    func status(of stream: StreamDescription) -> StreamStatus {
        stream.settings.isDeleting
            ? .deleting : core.transitions.status(of: stream.streamID, at: core.nowMilliseconds())
    }

    /// - Throws: `resourceInUse` unless the stream is ACTIVE.
    func requireActive(_ stream: StreamDescription) throws(KinesisError) {
        let status = status(of: stream)
        if status != .active { throw core.words.notActive(stream.name, status) }
    }

    /// The stream as it is to be put to and read from.
    ///
    /// - Throws: `resourceNotFound`, also while the stream is CREATING.
    func stored(_ reference: StreamReference) throws(KinesisError) -> StoredStream {
        let found = try find(reference)
        guard status(of: found) != .creating, let stream = catalogue.stream(found.streamID) else {
            throw core.words.streamNotFound(found.name.text)
        }
        return stream
    }

    func shard(_ text: String?, of stream: StreamDescription) throws(KinesisError) -> ShardDescription {
        let id: ShardID
        do throws(KinesisError) { id = try ShardID(text ?? "") } catch {
            guard case .resourceNotFound = error else { throw error }
            throw core.words.shardNotFound(text ?? "", stream.name)
        }
        guard let shard = visibleShards(stream).first(where: { $0.shardID == id }) else {
            throw core.words.shardNotFound("\(id)", stream.name)
        }
        return shard
    }

    /// The shards that still have records to be seen, or may get some. In order of their indices.
    func visibleShards(_ stream: StreamDescription) -> [ShardDescription] {
        let horizon = horizon(of: stream)
        return stream.shards.filter { $0.closing.map { $0.lastMillisecond >= horizon } ?? true }
    }

    /// Records that arrived earlier are not to be seen; milliseconds since 1970 UTC.
    func horizon(of stream: StreamDescription) -> UInt64 {
        let now = core.agingMilliseconds()
        return catalogue.stream(stream.streamID)?.terms.horizon(at: now) ?? stream.settings.horizon(at: now)
    }

    /// For lists that come in pages.
    var pageTokens: PageTokens { PageTokens(secret: tokenSecret, nowMilliseconds: Int64(core.nowMilliseconds())) }

    var tokenSecret: TokenSecret {
        guard let account = catalogue.known.account else { preconditionFailure("a store that is open has its secret") }
        return account.tokenSecret
    }

    // MARK: Changes

    /// Changes a stream's settings, durable when this returns. Nothing is written when `body` changes nothing.
    ///
    /// - Throws: what `body` throws; `resourceInUse` unless the stream is ACTIVE; `resourceNotFound`; storage errors.
    func changeSettings(
        _ reference: StreamReference, showsUpdating: Bool = true,
        _ body: (StreamDescription, inout StreamSettings) throws(KinesisError) -> Void
    ) throws(KinesisError) {
        let id = try find(reference).streamID
        var isChanged = false
        try catalogue.change { known throws(KinesisError) in
            guard let stream = known.streams[id] else {
                throw core.words.streamNotFound(reference.name ?? reference.arn ?? "")
            }
            try requireActive(stream)
            var settings = stream.settings
            try body(stream, &settings)
            isChanged = settings != stream.settings
            return isChanged ? [.settingsChanged(streamID: id, settings)] : []
        }
        if isChanged, showsUpdating { beginTransition(.updating, id) }
    }

    func beginTransition(_ status: StreamStatus, _ streamID: UInt64) {
        let milliseconds = core.options.transitionMilliseconds
        if milliseconds > 0 {
            core.transitions.begin(status, streamID, until: core.nowMilliseconds() + milliseconds)
        }
    }
}

/// Makes and reads the tokens of lists.
struct PageTokens {
    let secret: TokenSecret
    let nowMilliseconds: Int64

    func make(_ operation: PageToken.Operation, streamID: UInt64 = 0, _ position: [UInt8]) -> String {
        PageToken(operation, streamID: streamID, position: position, issuedMilliseconds: nowMilliseconds).text(secret)
    }

    /// - Throws: `invalidArgument`, `expiredNextToken`.
    func read(_ text: String, for operation: PageToken.Operation) throws(KinesisError) -> PageToken {
        try PageToken(text, for: operation, secret, nowMilliseconds: nowMilliseconds)
    }
}

extension StreamReference {
    /// By which calls are counted.
    var subject: String { name ?? arn ?? "" }
}

extension ShardClosing {
    /// The last in which the shard may have taken a record, since 1970 UTC.
    var lastMillisecond: UInt64 { second * 1000 + 999 }
}

extension ShardDescription {
    /// As it is shown to clients.
    var summary: ShardSummary {
        ShardSummary(
            shardID: shardID, parentShardID: parent, adjacentParentShardID: adjacentParent, hashKeyRange: hashKeyRange,
            startingSequenceNumber: .starting(shardID, creationSecond: creationSecond),
            endingSequenceNumber: closing.map {
                .ending(shardID, creationSecond: creationSecond, closingSecond: $0.second)
            })
    }

    var child: ChildShard { ChildShard(shardID: shardID, parentShards: parents, hashKeyRange: hashKeyRange) }
}
