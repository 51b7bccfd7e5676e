// Labels: what is asked, and what is answered. Members as in the service model's shapes.

/// Sets tags of a stream. A key that is there gets the new value.
public struct AddTagsToStreamRequest: OperationRequest {
    public var stream: StreamReference
    /// 1 to 200 in a call.
    public var tags: [String: String]?

    public init(stream: StreamReference, tags: [String: String]?) {
        self.stream = stream
        self.tags = tags
    }

    public static var operation: KinesisOperation { .addTagsToStream }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(stream.name, .streamName, at: "streamName")
            check.tags(tags, required: true, at: "tags")
            check.text(stream.arn, .streamARN, at: "streamARN")
            check.text(stream.id, .streamID, at: "streamId")
        }
        try stream.checkPresent()
    }
}

/// Removes tags of a stream. A key that is not there is no error.
public struct RemoveTagsFromStreamRequest: OperationRequest {
    public var stream: StreamReference
    /// 1 to 50 in a call.
    public var tagKeys: [String]?

    public init(stream: StreamReference, tagKeys: [String]?) {
        self.stream = stream
        self.tagKeys = tagKeys
    }

    public static var operation: KinesisOperation { .removeTagsFromStream }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(stream.name, .streamName, at: "streamName")
            check.texts(tagKeys, Limits.tagKeysInCallCount, each: .tagKey, at: "tagKeys")
            check.text(stream.arn, .streamARN, at: "streamARN")
            check.text(stream.id, .streamID, at: "streamId")
        }
        try stream.checkPresent()
    }
}

/// Asks for the tags of a stream, a page at a time, in order of their keys.
public struct ListTagsForStreamRequest: OperationRequest {
    public var stream: StreamReference
    /// The answer starts behind this key.
    public var exclusiveStartTagKey: String?
    /// Tags in the answer, 1...50.
    public var limit: Int?

    public init(stream: StreamReference, exclusiveStartTagKey: String? = nil, limit: Int? = nil) {
        self.stream = stream
        self.exclusiveStartTagKey = exclusiveStartTagKey
        self.limit = limit
    }

    public static var operation: KinesisOperation { .listTagsForStream }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(stream.name, .streamName, at: "streamName")
            check.text(exclusiveStartTagKey, .tagKey, at: "exclusiveStartTagKey")
            check.integer(limit, in: Limits.listTagsCount, at: "limit")
            check.text(stream.arn, .streamARN, at: "streamARN")
            check.text(stream.id, .streamID, at: "streamId")
        }
        try stream.checkPresent()
    }
}

/// A page of the tags.
public struct ListTagsForStreamResponse: Hashable, Sendable {
    /// In order of their keys.
    public var tags: [Tag]
    /// Whether there are tags behind the last one here.
    public var hasMoreTags: Bool

    public init(tags: [Tag], hasMoreTags: Bool) {
        self.tags = tags
        self.hasMoreTags = hasMoreTags
    }
}

/// Sets tags of a stream or a registered consumer.
public struct TagResourceRequest: OperationRequest {
    public var resourceARN: String?
    /// 1 to 200 in a call.
    public var tags: [String: String]?
    /// Reserved by AWS: its form is checked, and it names nothing.
    public var streamID: String?

    public init(resourceARN: String?, tags: [String: String]?, streamID: String? = nil) {
        self.resourceARN = resourceARN
        self.tags = tags
        self.streamID = streamID
    }

    public static var operation: KinesisOperation { .tagResource }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.tags(tags, required: true, at: "tags")
            check.text(resourceARN, .resourceARN, required: true, at: "resourceARN")
            check.text(streamID, .streamID, at: "streamId")
        }
    }
}

/// Removes tags of a stream or a registered consumer.
public struct UntagResourceRequest: OperationRequest {
    public var resourceARN: String?
    /// 1 to 50 in a call.
    public var tagKeys: [String]?
    /// Reserved by AWS: its form is checked, and it names nothing.
    public var streamID: String?

    public init(resourceARN: String?, tagKeys: [String]?, streamID: String? = nil) {
        self.resourceARN = resourceARN
        self.tagKeys = tagKeys
        self.streamID = streamID
    }

    public static var operation: KinesisOperation { .untagResource }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.texts(tagKeys, Limits.tagKeysInCallCount, each: .tagKey, at: "tagKeys")
            check.text(resourceARN, .resourceARN, required: true, at: "resourceARN")
            check.text(streamID, .streamID, at: "streamId")
        }
    }
}

/// Asks for all tags of a stream or a registered consumer.
public struct ListTagsForResourceRequest: OperationRequest {
    public var resourceARN: String?
    /// Reserved by AWS: its form is checked, and it names nothing.
    public var streamID: String?

    public init(resourceARN: String?, streamID: String? = nil) {
        self.resourceARN = resourceARN
        self.streamID = streamID
    }

    public static var operation: KinesisOperation { .listTagsForResource }

    public func validate() throws(KinesisError) {
        try ConstraintCheck.run { check in
            check.text(resourceARN, .resourceARN, required: true, at: "resourceARN")
            check.text(streamID, .streamID, at: "streamId")
        }
    }
}

/// The tags.
public struct ListTagsForResourceResponse: Hashable, Sendable {
    /// In order of their keys.
    public var tags: [Tag]

    public init(tags: [Tag]) { self.tags = tags }
}
