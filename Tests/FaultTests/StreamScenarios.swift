import Millrace
import MillraceIO
import MillraceModel
import MillraceTestKit

/// One public operation of `StreamStore`, `StoredStream` or `Shard`, to be run with every call failing in turn.
struct StreamScenario: Sendable {
    let name: String
    /// Starts from a store with stream `s` and records, closed; else from an empty disk.
    var isPrepared = true
    /// Stops at the first error.
    let run: @Sendable (StreamLife) async throws(KinesisError) -> Void

    static let all: [StreamScenario] = [
        StreamScenario(name: "make a store of streams", isPrepared: false) { life async throws(KinesisError) in
            try life.open()
        },
        StreamScenario(name: "make a stream", isPrepared: false) { life async throws(KinesisError) in
            try life.open()
            try await life.createStream()
            try await life.put(.durable)
        },
        StreamScenario(name: "open streams") { life async throws(KinesisError) in
            try life.open()
            if try life.opened().listStreams().count != 1 { life.wrong.append("the stream is not listed") }
        },
        StreamScenario(name: "put durable") { life async throws(KinesisError) in
            try life.open()
            for _ in 0..<3 { try await life.put(.durable) }
        },
        StreamScenario(name: "put written") { life async throws(KinesisError) in
            try life.open()
            for _ in 0..<3 { try await life.put(.written) }
        },
        StreamScenario(name: "put published, then close") { life async throws(KinesisError) in
            try life.open()
            for _ in 0..<3 { try await life.put(.published) }
            try await life.close()
        },
        StreamScenario(name: "put on the caller's thread") { life async throws(KinesisError) in
            try life.open()
            for ack in AckLevel.allCases { try life.putBlocking(ack) }
            try life.putBlocking(.durable, 20_000)
        },
        StreamScenario(name: "put many records") { life async throws(KinesisError) in
            try life.open()
            try await life.putRecords(20, .durable)
            try await life.putRecords(9, .written, 4_000)
        },
        StreamScenario(name: "read shards") { life async throws(KinesisError) in
            try life.open()
            let records = try life.read()
            if records.count != life.puts.count { life.wrong.append("\(records.count) records read") }
        },
        StreamScenario(name: "follow a stream") { life async throws(KinesisError) in
            try life.open()
            try await life.follow()
        },
        StreamScenario(name: "read from a time on") { life async throws(KinesisError) in
            try life.open()
            for shard in try life.opened().stream("s").shards {
                var cursor = try await shard.cursor(at: .atTimestamp(milliseconds: 0))
                try cursor.seek(to: .latest)
            }
        },
        StreamScenario(name: "close a store of streams") { life async throws(KinesisError) in
            try life.open()
            try await life.put(.durable)
            try await life.put(.published)
            try await life.close()
            try life.open()
            try await life.close()
        },
    ]
}
