import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import Testing

/// Aim: consumers, tags and policies are kept as they were put, in their limits, for streams and for consumers. Method: every
/// operation on a disk in memory, what it left read again in a later opening.
@Suite(.timeLimit(.minutes(1))) struct ResourceOperationsTests {
    // MARK: Consumers

    @Test func `consumers are registered, described, listed and deregistered`() throws {
        let test = TestStore()
        var store = try test.open()
        let arn = try store.make()
        let second = UInt64(test.clock.wallNanoseconds() / 1_000_000_000)
        var made: [String: ConsumerDescription] = [:]
        for name in ["b", "a", "c"] {
            let consumer = try store.answer(
                RegisterStreamConsumerRequest(streamARN: arn, consumerName: name, tags: ["of": name])
            ).consumer
            #expect(consumer.consumerARN.description == "\(arn)/consumer/\(name):\(second)")
            #expect(consumer.consumerStatus == .active)
            #expect(consumer.consumerCreationMilliseconds == Int64(second) * 1000)
            made[name] = consumer
        }
        for isLater in [false, true] {
            if isLater {
                try store.closeBlocking()
                store = try test.open()
            }
            #expect(try store.answer(ListStreamConsumersRequest(streamARN: arn)).consumers == ["a", "b", "c"].map { made[$0] })
            #expect(try store.summary().consumerCount == 3)
            for (name, consumer) in made {
                let byARN = DescribeStreamConsumerRequest(consumerARN: "\(consumer.consumerARN)")
                #expect(try store.answer(byARN).consumerDescription == consumer)
                let byName = DescribeStreamConsumerRequest(streamARN: arn, consumerName: name)
                #expect(try store.answer(byName).consumerDescription == consumer)
                let tags = ListTagsForResourceRequest(resourceARN: "\(consumer.consumerARN)")
                #expect(try store.answer(tags).tags == [MillraceModel.Tag(key: "of", value: name)])
            }
        }
        let taken = refusal { () throws(KinesisError) in
            _ = try store.answer(RegisterStreamConsumerRequest(streamARN: arn, consumerName: "a"))
        }
        #expect(
            taken == .resourceInUse("Consumer a under stream \(arn) already exists for account 000000000000."))
        let old = try #require(made["a"]).consumerARN
        try store.answer(DeregisterStreamConsumerRequest(consumerARN: "\(old)"))
        try store.answer(DeregisterStreamConsumerRequest(streamARN: arn, consumerName: "b"))
        for request in [
            DeregisterStreamConsumerRequest(consumerARN: "\(old)"), DeregisterStreamConsumerRequest(streamARN: arn, consumerName: "b"),
            DeregisterStreamConsumerRequest(consumerARN: "\(arn)/consumer/c:1"),
        ] {
            #expect(refusal { () throws(KinesisError) in try store.answer(request) }?.code == "ResourceNotFoundException")
        }
        test.clock.advance(milliseconds: 1000)
        let again = try store.answer(RegisterStreamConsumerRequest(streamARN: arn, consumerName: "a")).consumer
        #expect(again.consumerARN != old)
        #expect(
            refusal { () throws(KinesisError) in _ = try store.answer(DescribeStreamConsumerRequest(consumerARN: "\(old)")) }?.code
                == "ResourceNotFoundException")
        // Its tags went with it.
        #expect(try store.answer(ListTagsForResourceRequest(resourceARN: "\(again.consumerARN)")).tags.isEmpty)
        try store.closeBlocking()
    }

    @Test func `a stream has twenty consumers, in pages whose tokens are good for their stream only`() throws {
        let test = TestStore()
        let store = try test.open()
        let arn = try store.make()
        let other = try store.make("other")
        for index in 0..<Limits.consumerCount {
            _ = try store.answer(RegisterStreamConsumerRequest(streamARN: arn, consumerName: "c\(index)"))
        }
        let over = refusal { () throws(KinesisError) in
            _ = try store.answer(RegisterStreamConsumerRequest(streamARN: arn, consumerName: "more"))
        }
        #expect(over?.code == "LimitExceededException")
        let all = try store.answer(ListStreamConsumersRequest(streamARN: arn)).consumers
        #expect(all.count == Limits.consumerCount)
        var seen: [ConsumerDescription] = []
        var page = try store.answer(ListStreamConsumersRequest(streamARN: arn, maxResults: 7))
        var token = ""
        while let next = page.nextToken {
            seen += page.consumers
            token = next
            page = try store.answer(ListStreamConsumersRequest(streamARN: arn, nextToken: next, maxResults: 7))
        }
        #expect(seen + page.consumers == all)
        let foreign = refusal { () throws(KinesisError) in
            _ = try store.answer(ListStreamConsumersRequest(streamARN: other, nextToken: token))
        }
        #expect(foreign?.code == "InvalidArgumentException")
        test.clock.advance(milliseconds: 300_001)
        let late = refusal { () throws(KinesisError) in
            _ = try store.answer(ListStreamConsumersRequest(streamARN: arn, nextToken: token))
        }
        #expect(late?.code == "ExpiredNextTokenException")
        for name in [nil, "", "a b", String(repeating: "c", count: 129)] {
            let error = refusal { () throws(KinesisError) in
                _ = try store.answer(RegisterStreamConsumerRequest(streamARN: other, consumerName: name))
            }
            #expect(error?.code == "ValidationException")
        }
        try store.closeBlocking()
    }

    // MARK: Tags

    @Test func `tags are added, replaced and removed, by either operation, for streams and consumers`() throws {
        let test = TestStore()
        var store = try test.open()
        let arn = try store.make()
        let consumer = try store.answer(RegisterStreamConsumerRequest(streamARN: arn, consumerName: "c")).consumer.consumerARN.description
        func tags(_ resource: String) throws -> [String: String] {
            Dictionary(
                uniqueKeysWithValues: try store.answer(ListTagsForResourceRequest(resourceARN: resource)).tags.map { ($0.key, $0.value) })
        }
        try store.answer(AddTagsToStreamRequest(stream: "s", tags: ["a": "1", "b": "2"]))
        try store.answer(TagResourceRequest(resourceARN: arn, tags: ["b": "3", "c": ""]))
        try store.answer(TagResourceRequest(resourceARN: consumer, tags: ["x": "\u{1F980}"]))
        for isLater in [false, true] {
            if isLater {
                try store.closeBlocking()
                store = try test.open()
            }
            #expect(try tags(arn) == ["a": "1", "b": "3", "c": ""])
            #expect(try tags(consumer) == ["x": "\u{1F980}"])
        }
        try store.answer(RemoveTagsFromStreamRequest(stream: "s", tagKeys: ["a", "none"]))
        try store.answer(UntagResourceRequest(resourceARN: arn, tagKeys: ["c"]))
        try store.answer(UntagResourceRequest(resourceARN: consumer, tagKeys: ["x"]))
        try store.closeBlocking()
        store = try test.open()
        #expect(try tags(arn) == ["b": "3"])
        #expect(try tags(consumer).isEmpty)
        try store.closeBlocking()
    }

    @Test func `a resource has fifty tags in effect, and an addition that would exceed them adds none`() throws {
        let store = try TestStore().open()
        let arn = try store.make()
        let consumer = try store.answer(RegisterStreamConsumerRequest(streamARN: arn, consumerName: "c")).consumer.consumerARN.description
        func some(_ range: Range<Int>) -> [String: String] {
            Dictionary(uniqueKeysWithValues: range.map { ("k\(100 + $0)", String(repeating: "v", count: 256)) })
        }
        for resource in [arn, consumer] {
            try store.answer(TagResourceRequest(resourceARN: resource, tags: some(0..<49)))
            let over = refusal { () throws(KinesisError) in
                try store.answer(TagResourceRequest(resourceARN: resource, tags: some(48..<51)))
            }
            #expect(over?.code == "LimitExceededException")
            #expect(try store.answer(ListTagsForResourceRequest(resourceARN: resource)).tags.count == 49)
            // Replacing is no addition.
            try store.answer(TagResourceRequest(resourceARN: resource, tags: some(40..<50)))
            #expect(try store.answer(ListTagsForResourceRequest(resourceARN: resource)).tags.count == 50)
            for tags in [
                nil, [:], ["": "v"], [String(repeating: "k", count: 129): ""], ["k": String(repeating: "v", count: 257)],
            ] as [[String: String]?] {
                let error = refusal { () throws(KinesisError) in
                    try store.answer(TagResourceRequest(resourceARN: resource, tags: tags))
                }
                #expect(error?.code == "ValidationException")
            }
            for key in ["aws:x", "AWS:x", "aWs:"] {
                let error = refusal { () throws(KinesisError) in
                    try store.answer(TagResourceRequest(resourceARN: resource, tags: [key: "v"]))
                }
                #expect(error?.code == "InvalidArgumentException")
            }
        }
        var page = try store.answer(ListTagsForStreamRequest(stream: "s", limit: 20))
        var seen = page.tags
        while page.hasMoreTags {
            page = try store.answer(ListTagsForStreamRequest(stream: "s", exclusiveStartTagKey: seen.last?.key, limit: 20))
            seen += page.tags
        }
        #expect(seen.map(\.key) == (100..<150).map { "k\($0)" })
        for limit in [0, 51] {
            let error = refusal { () throws(KinesisError) in
                _ = try store.answer(ListTagsForStreamRequest(stream: "s", limit: limit))
            }
            #expect(error?.code == "ValidationException")
        }
        try store.closeBlocking()
    }

    // MARK: Policies

    @Test func `a policy is kept as it was put, and a resource without one has an empty object`() throws {
        let test = TestStore()
        var store = try test.open()
        let arn = try store.make()
        let consumer = try store.answer(RegisterStreamConsumerRequest(streamARN: arn, consumerName: "c")).consumer.consumerARN.description
        let text = #"{ "Version": "2012-10-17", "Statement": [ { "Sid": "}{" } ] }"#
        for resource in [arn, consumer] {
            func policy() throws(KinesisError) -> String {
                try store.answer(GetResourcePolicyRequest(resourceARN: resource)).policy
            }
            func put(_ policy: String?) throws(KinesisError) {
                try store.answer(PutResourcePolicyRequest(resourceARN: resource, policy: policy))
            }
            #expect(try policy() == "{}")
            try put("{}")
            try put(text)
            for bad in ["", "x", "[]", "{", text + "x"] {
                #expect(refusal { () throws(KinesisError) in try put(bad) }?.code == "InvalidArgumentException", "\(bad)")
            }
            #expect(refusal { () throws(KinesisError) in try put(nil) }?.code == "ValidationException")
            let longest = "{" + String(repeating: " ", count: Limits.policyByteCount - 2) + "}"
            try put(longest)
            #expect(refusal { () throws(KinesisError) in try put(longest + " ") }?.code == "LimitExceededException")
            try put(text)
            try store.closeBlocking()
            store = try test.open()
            #expect(try policy() == text)
            try store.answer(DeleteResourcePolicyRequest(resourceARN: resource))
            #expect(try policy() == "{}")
            // Once more: there is nothing to be deleted, and nobody minds.
            try store.answer(DeleteResourcePolicyRequest(resourceARN: resource))
        }
        for resource in [nil, "", "x", "arn:aws:s3:::bucket", arn + "/consumer/", arn + "/consumer/c"] {
            let error = refusal { () throws(KinesisError) in
                _ = try store.answer(GetResourcePolicyRequest(resourceARN: resource))
            }
            #expect(
                ["ValidationException", "InvalidArgumentException", "ResourceNotFoundException"].contains(error?.code),
                "\(String(describing: resource)): \(String(describing: error))")
        }
        try store.closeBlocking()
    }
}
