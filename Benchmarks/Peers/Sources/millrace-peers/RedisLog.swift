#if canImport(CHiredis)
    /// A Redis stream as a log, on a server of its own with an append-only file. Key and data are two fields of an
    /// entry; the entries of a batch are sent together, and each is answered.
    struct RedisLog: PeerLog, ~Copyable {
        static let engine = "redis"
        private static let stream = "log"
        /// Entries in one answer of a scan.
        private static let pageCount = 1000

        // The connection is closed before the server is stopped.
        private let connection: RedisConnection
        private let server: ServerProcess
        private let durability: Durability
        private var commands = RedisCommands()
        let version: String

        static func setting(for durability: Durability) -> String {
            switch durability {
            case .written: "AOF, appendfsync no"
            case .synced: "AOF"
            case .durable: "AOF, appendfsync always, MULTI/EXEC around a batch"
            }
        }

        init(in directory: String, durability: Durability) throws {
            guard durability != .synced else { throw NotOffered("Redis syncs always, once a second or never") }
            let version = try ServerProcess.version(of: "redis-server")
            // Neither snapshots nor rewriting of the file, which would only take time from the appends.
            let server = try ServerProcess("redis-server", logPath: "\(directory)/redis.log") { port in
                [
                    "--port", "\(port)", "--bind", "127.0.0.1", "--dir", directory, "--appendonly", "yes",
                    "--appendfsync", durability == .durable ? "always" : "no", "--save", "",
                    "--auto-aof-rewrite-percentage", "0",
                ]
            }
            try server.wait {
                let connection = try RedisConnection(port: server.port)
                try connection.send(RedisCommands("PING"))
                return try connection.receive { $0.text } == "PONG"
            }
            connection = try RedisConnection(port: server.port)
            self.server = server
            self.durability = durability
            self.version = version
        }

        var serverUsage: Usage? { server.usage }

        mutating func append(_ set: RecordSet, _ ordinals: Range<Int>, isSynced: Bool) throws {
            commands.removeAll()
            // The server syncs for each 16 KiB that it reads, unless they are one transaction.
            let isTransaction = durability == .durable && ordinals.count > 1
            if isTransaction { commands.add(RedisCommands("MULTI")) }
            set.forEach(ordinals) { _, key, data in
                commands.begin(7)
                commands.add("XADD")
                commands.add(Self.stream)
                commands.add("*")
                commands.add("k")
                commands.add(key)
                commands.add("d")
                commands.add(data)
            }
            if isTransaction { commands.add(RedisCommands("EXEC")) }
            try connection.send(commands)
            for _ in 0..<ordinals.count + (isTransaction ? 2 : 0) { try connection.receive { _ in } }
        }

        func scan(_ body: (RawSpan, RawSpan) -> Void) throws {
            var start = "-"
            while true {
                try connection.send(RedisCommands("XRANGE", Self.stream, start, "+", "COUNT", "\(Self.pageCount)"))
                let last = try connection.receive { page in
                    for index in 0..<page.count {
                        let fields = page[index][1]
                        // Safe because the fields stay as long as the answer.
                        unsafe body(fields[1].bytes.bytes, fields[3].bytes.bytes)
                    }
                    return page.count == 0 ? nil : page[page.count - 1][0].text
                }
                guard let last else { return }
                start = "(" + last
            }
        }
    }
#endif
