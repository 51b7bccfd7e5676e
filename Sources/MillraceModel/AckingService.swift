/// A service that lets each call say how far a record must have come before it returns.
public protocol AckingService: StreamService {
    /// Makes a stream whose puts wait until records have come as far as `ack`; nil for the service's default.
    func createStream(_ request: CreateStreamRequest, ack: AckLevel?) async throws(KinesisError)

    /// Puts a record, and returns once it has come as far as `ack`; nil for the stream's own level.
    func putRecord(_ request: PutRecordRequest, ack: AckLevel?) async throws(KinesisError) -> PutRecordResponse

    /// Puts records, and returns once each that did not fail has come as far as `ack`; nil for the stream's own level.
    func putRecords(_ request: PutRecordsRequest, ack: AckLevel?) async throws(KinesisError) -> PutRecordsResponse
}

extension AckingService {
    public func createStream(_ request: CreateStreamRequest) async throws(KinesisError) {
        try await createStream(request, ack: nil)
    }

    public func putRecord(_ request: PutRecordRequest) async throws(KinesisError) -> PutRecordResponse {
        try await putRecord(request, ack: nil)
    }

    public func putRecords(_ request: PutRecordsRequest) async throws(KinesisError) -> PutRecordsResponse {
        try await putRecords(request, ack: nil)
    }
}
