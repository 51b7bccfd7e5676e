public import MillraceModel

// Reading a whole stream.

extension StoredStream {
    /// Every record of the stream, and those to come: all shards merged, each in its order.
    ///
    /// Reading begins when the sequence is first iterated; `latest` means then. The iteration follows the tail and ends
    /// only when its task is cancelled.
    /// - Parameters:
    ///   - start: where each shard begins. With a sequence number its shard begins there, the others at the second in which
    ///     that record arrived.
    ///   - level: how far a record must have come to be seen; the stream's ack level unless told.
    public func records(from start: StartingPosition, level: AckLevel? = nil) -> RecordSequence {
        RecordSequence(
            RecordMerge(self, from: StreamPosition(streamID: streamID, start: start), level: level ?? ackLevel))
    }

    /// The records behind a position that was taken from an earlier sequence of this stream.
    ///
    /// - Throws: `invalidArgument` when the position is of another stream, or names a shard that this one has not.
    public func records(from position: StreamPosition, level: AckLevel? = nil) throws(KinesisError) -> RecordSequence {
        guard position.streamID == streamID, position.ordinals.keys.allSatisfy({ $0 <= version.newestShardID }) else {
            throw .invalidArgument("The position is not one of stream \(name)")
        }
        return RecordSequence(RecordMerge(self, from: position, level: level ?? ackLevel))
    }
}
