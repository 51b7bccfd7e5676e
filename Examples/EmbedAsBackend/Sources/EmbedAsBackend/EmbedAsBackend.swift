import Millrace

/// Puts three orders into a store in `./orders-data`, then prints every order there is, those of earlier runs too.
@main struct EmbedAsBackend {
    static func main() async throws {
        let store = try await StreamStore.open(at: "orders-data")
        let isNew = store.listStreams().isEmpty
        let orders = isNew ? try await store.createStream("orders", shards: 4) : try store.stream("orders")
        for customer in ["ada", "grace", "edsger"] {
            try await orders.put("one analytical engine, please", partitionKey: customer)
        }
        for shard in orders.shards {
            var cursor = try await shard.cursor(at: .trimHorizon)
            while try cursor.withBatch({ batch in
                while let order = batch.next() { print(order.sequenceNumber, order.data.byteCount, "bytes") }
            }) {}
        }
        try await store.close()
    }
}
