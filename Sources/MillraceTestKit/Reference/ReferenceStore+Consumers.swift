package import MillraceModel

// Registered consumers.

extension ReferenceStore {
    package mutating func answer(_ request: RegisterStreamConsumerRequest) throws(KinesisError) -> ConsumerDescription {
        try begin(request)
        let stream = try find(StreamReference(arn: request.streamARN))
        let name = request.consumerName ?? ""
        let tags = try Self.adding(request.tags ?? [:], to: [:])
        try requireActive(stream.name)
        if stream.consumers[name] != nil { throw .resourceInUse("name") }
        if stream.consumers.count >= 20 { throw .limitExceeded("consumers") }
        if isEnforcing {
            // Those of the account.
            let creating = streams.values.flatMap(\.consumers.values).count { status($0) == .creating }
            if creating >= 5 { throw .limitExceeded("CREATING") }
        }
        let consumer = ReferenceConsumer(creationSecond: now / 1000, tags: tags)
        streams[stream.name]?.consumers[name] = consumer
        return describe(name, consumer, try StreamARN(request.streamARN ?? ""))
    }

    /// CREATING for a while; a clock that was set back makes nothing new.
    private func status(_ consumer: ReferenceConsumer) -> ConsumerStatus {
        let created = consumer.creationSecond * 1000
        return created <= now && now < created + transitionMilliseconds ? .creating : .active
    }

    private func describe(_ name: String, _ consumer: ReferenceConsumer, _ arn: StreamARN) -> ConsumerDescription {
        guard let name = try? ConsumerName(name) else { preconditionFailure("\(name) names a consumer") }
        return ConsumerDescription(
            consumerARN: ConsumerARN(streamARN: arn, consumerName: name, creationSecond: consumer.creationSecond),
            consumerStatus: status(consumer), consumerCreationMilliseconds: Int64(consumer.creationSecond) * 1000)
    }

    package mutating func answer(_ request: DeregisterStreamConsumerRequest) throws(KinesisError) {
        try begin(request, of: request.streamARN ?? request.consumerARN ?? "")
        let (name, stream) = (request.consumerName ?? "", try find(StreamReference(arn: request.streamARN)))
        guard let consumer = stream.consumers[name] else { throw .resourceNotFound("consumer") }
        streams[stream.name]?.consumers[name] = nil
        let arn = describe(name, consumer, Self.arn(stream.name)).consumerARN
        endSubscriptions { $0.consumer == "\(arn)" }
    }

    package mutating func answer(_ request: DescribeStreamConsumerRequest) throws(KinesisError) -> ConsumerDescription {
        try begin(request, of: request.streamARN ?? request.consumerARN ?? "")
        let stream = try find(StreamReference(arn: request.streamARN))
        let name = request.consumerName ?? ""
        guard let consumer = stream.consumers[name] else { throw .resourceNotFound("consumer") }
        return describe(name, consumer, Self.arn(stream.name))
    }

    package mutating func answer(_ request: ListStreamConsumersRequest) throws(KinesisError) -> [ConsumerDescription] {
        try begin(request, of: request.streamARN ?? "")
        let stream = try find(StreamReference(arn: request.streamARN))
        return Array(consumers(of: stream).prefix(min(request.maxResults ?? 100, 100)))
    }

    /// In order of their names.
    package func consumers(of stream: ReferenceStream) -> [ConsumerDescription] {
        stream.consumers.sorted { $0.key < $1.key }.map { describe($0.key, $0.value, Self.arn(stream.name)) }
    }

    /// The consumer of that ARN, and the stream it is registered with.
    mutating func find(consumer text: String?) throws(KinesisError) -> (stream: ReferenceStream, consumer: ConsumerDescription) {
        let arn = try ConsumerARN(text ?? "")
        let stream = try find(StreamReference(arn: "\(arn.streamARN)"))
        guard let consumer = consumers(of: stream).first(where: { $0.consumerARN == arn }) else {
            throw .resourceNotFound("consumer")
        }
        return (stream, consumer)
    }
}
