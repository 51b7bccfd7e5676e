/// What has become of one record of a PutRecords. AWS's name is PutRecordsResultEntry.
public enum PutRecordsResult: Hashable, Sendable {
    case success(shardID: ShardID, sequenceNumber: SequenceNumber)
    /// `code` is ProvisionedThroughputExceededException, when trying again later helps, or InternalFailure.
    case failure(code: String, message: String)

    public var isFailure: Bool {
        if case .failure = self { true } else { false }
    }
}
