// Aim: ARNs are read and written in AWS's form, and nothing else is taken for one.
// Method: the form by hand, both ways; texts the model's pattern lets through and that name nothing.

import MillraceModel
import Testing

@Suite struct ARNTests {
    @Test func `a stream's ARN and its text lead to each other`() throws {
        let text = "arn:aws:kinesis:us-east-1:123456789012:stream/orders"
        let arn = try StreamARN(text)
        #expect(arn.partition == "aws" && arn.region == "us-east-1" && arn.accountID == "123456789012")
        #expect(arn.streamName.text == "orders")
        #expect(arn.description == text)
        let same = try StreamARN(
            region: "us-east-1", accountID: "123456789012", streamName: StreamName("orders"))
        #expect(same == arn)
        let china = "arn:aws-cn:kinesis:cn-north-1:000000000000:stream/a.b_c-D"
        #expect(try StreamARN(china).description == china)
    }

    @Test func `a consumer's ARN and its text lead to each other`() throws {
        let text = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders/consumer/billing:1700000000"
        let arn = try ConsumerARN(text)
        #expect(arn.streamARN.description == "arn:aws:kinesis:eu-west-1:123456789012:stream/orders")
        #expect(arn.consumerName.text == "billing" && arn.creationSecond == 1_700_000_000)
        #expect(arn.description == text)
        let made = ConsumerARN(
            streamARN: arn.streamARN, consumerName: try ConsumerName("billing"), creationSecond: 1_700_000_000)
        #expect(made == arn)
        let description = ConsumerDescription(
            consumerARN: arn, consumerStatus: .active, consumerCreationMilliseconds: 1_700_000_000_123)
        #expect(description.consumerName.text == "billing" && description.streamARN == arn.streamARN)
    }

    @Test(arguments: [
        "", "orders", "arn:aws:kinesis:us-east-1:123456789012:stream/", "arn:aws:kinesis:us-east-1:12345:stream/orders",
        "arn:aws:dynamodb:us-east-1:123456789012:table/orders",
    ])
    func `what the model's pattern refuses is a validation error at streamARN`(text: String) {
        let error = #expect(throws: KinesisError.self) { try StreamARN(text) }
        #expect(error?.code == "ValidationException")
        #expect(error?.message.contains("at 'streamARN'") == true)
    }

    @Test(arguments: [
        "arn:aws:kinesis:us-east-1:123456789012:stream/orders/consumer/billing:17",
        "arn:aws:kinesis:us-east-1:123456789012:stream/a/b", "arn:aws:kinesis:us-east-1:x:123456789012:stream/orders",
        "arn:awsé:kinesis:us-east-1:123456789012:stream/orders", "arn:aws:x:kinesis:us-east-1:123456789012:stream/s",
        "arn:aws:kinesis::123456789012:stream/orders", "arn:aws:kinesis:us-east-1:123456789012:stream/é",
    ])
    func `what the pattern lets through and names no stream is an invalid argument`(text: String) {
        let error = #expect(throws: KinesisError.self) { try StreamARN(text) }
        #expect(error?.code == "InvalidArgumentException")
    }

    @Test(arguments: [
        "arn:aws:kinesis:us-east-1:123456789012:xstream/s/consumer/c:1",
        "arn:aws:kinesis:us-east-1:123456789012:stream/a/stream/s/consumer/c:1",
        "arn:aws:kinesis:us-east-1:123456789012:stream/s/consumer/c:99999999999999999999",
    ])
    func `what the pattern lets through and names no consumer is an invalid argument`(text: String) {
        let error = #expect(throws: KinesisError.self) { try ConsumerARN(text) }
        #expect(error?.code == "InvalidArgumentException")
    }

    @Test func `an account of another length makes no ARN`() {
        let error = #expect(throws: KinesisError.self) {
            try StreamARN(region: "us-east-1", accountID: "12345", streamName: StreamName("orders"))
        }
        #expect(error?.code == "ValidationException")
    }

    @Test func `a reference is made of a name or an ARN`() throws {
        let arn = try StreamARN("arn:aws:kinesis:us-east-1:123456789012:stream/orders")
        #expect(StreamReference(arn) == StreamReference(arn: arn.description))
        #expect(StreamReference(try StreamName("orders")) == "orders")
        #expect(StreamReference().isEmpty && StreamReference(id: "x").isEmpty && !StreamReference(arn).isEmpty)
    }
}
