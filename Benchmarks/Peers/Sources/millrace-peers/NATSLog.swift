#if canImport(CNATS)
    import Foundation

    /// A JetStream stream in files as a log, on a NATS server of its own. A record is a message; those of a batch are
    /// sent without waiting, and then all acknowledgements are waited for.
    struct NATSLog: PeerLog, ~Copyable {
        static let engine = "nats"
        private static let stream = "log"

        // The connection is closed before the server is stopped.
        private let connection: NATSConnection
        private let server: ServerProcess
        private let value = PackedRecord()
        let version: String

        static func setting(for durability: Durability) -> String {
            switch durability {
            case .written: "file storage, acknowledged without a sync"
            case .synced: "file storage, sync_interval 10ms"
            case .durable: "file storage, sync_interval always"
            }
        }

        init(in directory: String, durability: Durability) throws {
            let version = try ServerProcess.version(of: "nats-server")
            guard durability == .written || version.compare("2.10", options: .numeric) != .orderedAscending else {
                throw NotOffered("nats-server \(version) has no sync_interval, which came with 2.10")
            }
            let interval: String? =
                switch durability {
                case .written: nil
                case .synced: "10ms"
                case .durable: "always"
                }
            let server = try ServerProcess("nats-server", logPath: "\(directory)/nats.log") { port in
                let path = "\(directory)/nats.conf"
                let sync = interval.map { "sync_interval: \"\($0)\"" } ?? ""
                let text = "listen: \"127.0.0.1:\(port)\"\njetstream { store_dir: \"\(directory)\"\n\(sync) }\n"
                try text.write(toFile: path, atomically: false, encoding: .utf8)
                return ["--config", path]
            }
            try server.wait {
                try NATSConnection(port: server.port).addStream(Self.stream)
                return true
            }
            connection = try NATSConnection(port: server.port)
            self.server = server
            self.version = version
        }

        var serverUsage: Usage? { server.usage }

        mutating func append(_ set: RecordSet, _ ordinals: Range<Int>, isSynced: Bool) throws {
            try set.forEach(ordinals) { _, key, data in
                // Safe because the client library copies the value.
                try unsafe value.withBytes(key: key, data: data) { value in
                    if ordinals.count == 1 {
                        try unsafe connection.publish(value, to: Self.stream)
                    } else {
                        try unsafe connection.publishLater(value, to: Self.stream)
                    }
                }
            }
            if ordinals.count > 1 { try connection.finish() }
        }

        func scan(_ body: (RawSpan, RawSpan) -> Void) throws {
            let count = try connection.messageCount(of: Self.stream)
            // Safe because a message is read while it is lent.
            try unsafe connection.read(count, from: Self.stream) { try unsafe PackedRecord.read($0, body) }
        }
    }
#endif
