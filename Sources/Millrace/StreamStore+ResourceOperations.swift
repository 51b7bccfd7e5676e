package import MillraceModel

// Consumers, and the tags and policies of streams and consumers, on the calling thread.

extension StreamStore {
    // MARK: Consumers

    package func answer(_ request: RegisterStreamConsumerRequest) throws(KinesisError) -> RegisterStreamConsumerResponse {
        try begin(request)
        let id = try find(arn: request.streamARN).streamID
        let name = request.consumerName ?? ""
        let tags = try TagSet.adding(request.tags ?? [:], to: [:])
        var made: (StreamName, ConsumerState)?
        try catalogue.change { known throws(KinesisError) in
            guard let stream = known.streams[id] else { throw core.words.streamNotFound(request.streamARN ?? "") }
            try requireActive(stream)
            if stream.consumers.contains(where: { $0.name == name }) {
                throw .resourceInUse(
                    "Consumer \(name) under stream \(core.options.streamARN(stream.name)) already exists for account "
                        + "\(core.options.accountID).")
            }
            if stream.consumers.count >= Limits.consumerCount {
                throw .limitExceeded("A stream has at most \(Limits.consumerCount) registered consumers.")
            }
            if core.options.capacity == .enforce {
                // Those of the account.
                try CallLimits.checkCreatingConsumers(
                    known.streams.values.reduce(0) { $0 + $1.consumers.count { isCreating($0) } })
            }
            var consumer = ConsumerState(
                name: name, creationSecond: min(core.nowMilliseconds() / 1000, SequenceNumber.maximumSecond))
            consumer.tags = tags
            made = (stream.name, consumer)
            return [.consumerSet(streamID: id, consumer)]
        }
        guard let made else { throw core.words.streamNotFound(request.streamARN ?? "") }
        return RegisterStreamConsumerResponse(consumer: describe(made.1, of: made.0))
    }

    package func answer(_ request: DeregisterStreamConsumerRequest) throws(KinesisError) {
        try begin(request, of: request.streamARN ?? request.consumerARN ?? "")
        let (stream, consumer) = try find(
            consumerARN: request.consumerARN, streamARN: request.streamARN, consumerName: request.consumerName)
        try catalogue.change { known in
            let isThere = known.streams[stream.streamID]?.consumers.contains { $0.name == consumer.name } ?? false
            return isThere ? [.consumerRemoved(streamID: stream.streamID, name: consumer.name)] : []
        }
        core.subscriptions.end(consumer: "\(core.options.consumerARN(stream.name, consumer))")
    }

    package func answer(
        _ request: DescribeStreamConsumerRequest
    ) throws(KinesisError) -> DescribeStreamConsumerResponse {
        try begin(request, of: request.streamARN ?? request.consumerARN ?? "")
        let (stream, consumer) = try find(
            consumerARN: request.consumerARN, streamARN: request.streamARN, consumerName: request.consumerName)
        return DescribeStreamConsumerResponse(consumerDescription: describe(consumer, of: stream.name))
    }

    package func answer(_ request: ListStreamConsumersRequest) throws(KinesisError) -> ListStreamConsumersResponse {
        try begin(request, of: request.streamARN ?? "")
        let stream = try find(arn: request.streamARN)
        if let created = request.streamCreationTimestampMilliseconds, created / 1000 != Int64(stream.creationSecond) {
            throw core.words.streamNotFound(stream.name.text)
        }
        var after: String?
        if let text = request.nextToken {
            let token = try pageTokens.read(text, for: .listStreamConsumers)
            guard token.streamID == stream.streamID else { throw .invalidArgument("The NextToken is of another stream.") }
            after = String(decoding: token.position, as: UTF8.self)
        }
        let consumers = stream.consumers.filter { consumer in after.map { consumer.name > $0 } ?? true }
        let limit = min(request.maxResults ?? Limits.listConsumersCount, Limits.listConsumersCount)
        return ListStreamConsumersResponse(
            consumers: consumers.prefix(limit).map { describe($0, of: stream.name) },
            nextToken: consumers.count > limit
                ? pageTokens.make(.listStreamConsumers, streamID: stream.streamID, Array(consumers[limit - 1].name.utf8))
                : nil)
    }

    /// The consumer that a request names, by its ARN or by its stream's and its name.
    func find(
        consumerARN: String?, streamARN: String?, consumerName: String?
    ) throws(KinesisError) -> (StreamDescription, ConsumerState) {
        if let consumerARN { return try find(consumer: try ConsumerARN(consumerARN)) }
        let stream = try find(arn: streamARN)
        guard let consumer = stream.consumers.first(where: { $0.name == consumerName }) else {
            throw core.words.consumerNotFound(consumerName ?? "")
        }
        return (stream, consumer)
    }

    private func find(consumer arn: ConsumerARN) throws(KinesisError) -> (StreamDescription, ConsumerState) {
        let stream = try find(StreamReference(arn.streamARN))
        guard
            let consumer = stream.consumers.first(where: {
                $0.name == arn.consumerName.text && $0.creationSecond == arn.creationSecond
            })
        else { throw core.words.consumerNotFound("\(arn)") }
        return (stream, consumer)
    }

    func describe(_ consumer: ConsumerState, of stream: StreamName) -> ConsumerDescription {
        ConsumerDescription(
            consumerARN: core.options.consumerARN(stream, consumer),
            consumerStatus: isCreating(consumer) ? .creating : .active,
            consumerCreationMilliseconds: Int64(consumer.creationSecond) * 1000)
    }

    private func isCreating(_ consumer: ConsumerState) -> Bool {
        let created = consumer.creationSecond * 1000
        let now = core.nowMilliseconds()
        // A clock that was set back makes nothing new.
        return created <= now && now < created + core.options.transitionMilliseconds
    }

    // MARK: Tags

    package func answer(_ request: AddTagsToStreamRequest) throws(KinesisError) {
        try begin(request)
        try changeSettings(request.stream, showsUpdating: false) { _, settings throws(KinesisError) in
            settings.tags = try TagSet.adding(request.tags ?? [:], to: settings.tags)
        }
    }

    package func answer(_ request: RemoveTagsFromStreamRequest) throws(KinesisError) {
        try begin(request)
        try changeSettings(request.stream, showsUpdating: false) { _, settings in
            for key in request.tagKeys ?? [] { settings.tags[key] = nil }
        }
    }

    package func answer(_ request: ListTagsForStreamRequest) throws(KinesisError) -> ListTagsForStreamResponse {
        try begin(request)
        let tags = Self.list(try find(request.stream).settings.tags).filter { tag in
            request.exclusiveStartTagKey.map { tag.key > $0 } ?? true
        }
        let limit = request.limit ?? Limits.listTagsCount.upperBound
        return ListTagsForStreamResponse(tags: Array(tags.prefix(limit)), hasMoreTags: tags.count > limit)
    }

    private static func list(_ tags: [String: String]) -> [Tag] {
        tags.map { Tag(key: $0.key, value: $0.value) }.sorted { $0.key < $1.key }
    }

    package func answer(_ request: TagResourceRequest) throws(KinesisError) {
        try begin(request)
        try changeResource(request.resourceARN) { resource throws(KinesisError) in
            resource.tags = try TagSet.adding(request.tags ?? [:], to: resource.tags)
        }
    }

    package func answer(_ request: UntagResourceRequest) throws(KinesisError) {
        try begin(request)
        try changeResource(request.resourceARN) { resource in
            for key in request.tagKeys ?? [] { resource.tags[key] = nil }
        }
    }

    package func answer(_ request: ListTagsForResourceRequest) throws(KinesisError) -> ListTagsForResourceResponse {
        try begin(request)
        return ListTagsForResourceResponse(tags: Self.list(try resource(request.resourceARN).tags))
    }

    // MARK: Policies

    package func answer(_ request: PutResourcePolicyRequest) throws(KinesisError) {
        try begin(request)
        let policy = request.policy ?? ""
        guard JSONShape.isObject(policy) else { throw .invalidArgument("The policy is not a JSON object.") }
        if policy.utf8.count > Limits.policyByteCount {
            throw .limitExceeded("A policy has at most \(Limits.policyByteCount) bytes.")
        }
        try changeResource(request.resourceARN) { $0.policy = policy }
    }

    package func answer(_ request: GetResourcePolicyRequest) throws(KinesisError) -> GetResourcePolicyResponse {
        try begin(request)
        let policy = try resource(request.resourceARN).policy
        return GetResourcePolicyResponse(policy: policy.isEmpty ? "{}" : policy)
    }

    package func answer(_ request: DeleteResourcePolicyRequest) throws(KinesisError) {
        try begin(request)
        try changeResource(request.resourceARN) { $0.policy = "" }
    }

    // MARK: Resources

    /// What a stream and a consumer have in common.
    private struct Resource {
        var tags: [String: String]
        var policy: String
    }

    private func resource(_ arn: String?) throws(KinesisError) -> Resource {
        let arn = arn ?? ""
        if let consumer = try? ConsumerARN(arn) {
            let found = try find(consumer: consumer).1
            return Resource(tags: found.tags, policy: found.policy)
        }
        let settings = try find(arn: arn).settings
        return Resource(tags: settings.tags, policy: settings.policy)
    }

    private func changeResource(
        _ arn: String?, _ body: (inout Resource) throws(KinesisError) -> Void
    ) throws(KinesisError) {
        let arn = arn ?? ""
        guard let consumer = try? ConsumerARN(arn) else {
            return try changeSettings(StreamReference(arn: arn), showsUpdating: false) { _, settings throws(KinesisError) in
                var resource = Resource(tags: settings.tags, policy: settings.policy)
                try body(&resource)
                (settings.tags, settings.policy) = (resource.tags, resource.policy)
            }
        }
        let id = try find(consumer: consumer).0.streamID
        try catalogue.change { known throws(KinesisError) in
            let found = known.streams[id]?.consumers.first {
                $0.name == consumer.consumerName.text && $0.creationSecond == consumer.creationSecond
            }
            guard var found else { throw core.words.consumerNotFound(arn) }
            let before = found
            var resource = Resource(tags: found.tags, policy: found.policy)
            try body(&resource)
            (found.tags, found.policy) = (resource.tags, resource.policy)
            return found == before ? [] : [.consumerSet(streamID: id, found)]
        }
    }
}
