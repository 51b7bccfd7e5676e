/// What a list of streams says of each. Rule: service model, shape StreamSummary.
public struct StreamSummary: Hashable, Sendable {
    public let streamName: StreamName
    public let streamARN: StreamARN
    public let streamStatus: StreamStatus
    public let streamMode: StreamMode
    /// In milliseconds since 1970 UTC.
    public let streamCreationMilliseconds: Int64

    public init(
        streamName: StreamName, streamARN: StreamARN, streamStatus: StreamStatus, streamMode: StreamMode,
        streamCreationMilliseconds: Int64
    ) {
        self.streamName = streamName
        self.streamARN = streamARN
        self.streamStatus = streamStatus
        self.streamMode = streamMode
        self.streamCreationMilliseconds = streamCreationMilliseconds
    }
}
