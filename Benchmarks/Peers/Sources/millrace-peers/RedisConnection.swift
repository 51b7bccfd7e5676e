#if canImport(CHiredis)
    import CHiredis

    /// A connection to a Redis server. One thread only.
    @safe
    struct RedisConnection: ~Copyable {
        private let context: UnsafeMutablePointer<redisContext>

        init(port: Int) throws {
            // Safe because the address outlives the call, and the context is freed in `deinit` or here.
            guard let made = unsafe redisConnect("127.0.0.1", Int32(port)) else { throw BenchError("redis: no memory") }
            guard unsafe made.pointee.err == 0 else {
                defer { unsafe redisFree(made) }
                throw unsafe Self.failure(made)
            }
            unsafe context = made
        }

        // Safe because nothing uses it any more.
        deinit { unsafe redisFree(context) }

        /// Adds commands to what is sent with the next `receive`.
        func send(_ commands: RedisCommands) throws {
            // Safe because the client library copies the bytes.
            let status = unsafe commands.bytes.withUnsafeBytes { bytes in
                unsafe redisAppendFormattedCommand(
                    context, bytes.bindMemory(to: CChar.self).baseAddress, bytes.count)
            }
            guard status == REDIS_OK else { throw unsafe Self.failure(context) }
        }

        /// Sends what has been added, waits for the oldest answer that is missing, and lends it to `body`.
        func receive<Result>(_ body: (RedisReply) throws -> Result) throws -> Result {
            var answer: UnsafeMutableRawPointer?
            // Safe because the answer is freed only when `body` has returned.
            guard unsafe redisGetReply(context, &answer) == REDIS_OK, let answer = unsafe answer else {
                throw unsafe Self.failure(context)
            }
            defer { unsafe freeReplyObject(answer) }
            let reply = unsafe RedisReply(answer.assumingMemoryBound(to: redisReply.self))
            if let failure = reply.failure { throw BenchError("redis: \(failure)") }
            return try body(reply)
        }

        private static func failure(_ context: UnsafeMutablePointer<redisContext>) -> BenchError {
            // Safe because the message is a string within the context.
            let text = unsafe withUnsafeBytes(of: &context.pointee.errstr) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            return BenchError("redis: \(text)")
        }
    }

    /// An answer, or a part of one. It must not be kept when the call that lent it returns.
    @safe
    struct RedisReply {
        private let reply: UnsafeMutablePointer<redisReply>

        fileprivate init(_ reply: UnsafeMutablePointer<redisReply>) { unsafe self.reply = reply }

        // Safe, here and below, because the answer stays while the call that lent it goes on.
        var count: Int { unsafe reply.pointee.elements }

        /// The part at `index`, which must lie below `count`.
        subscript(_ index: Int) -> RedisReply {
            precondition(index < count, "part \(index) of \(count)")
            return unsafe RedisReply(reply.pointee.element[index]!)
        }

        /// Of a part that is text.
        @unsafe var bytes: UnsafeRawBufferPointer {
            unsafe UnsafeRawBufferPointer(start: reply.pointee.str, count: reply.pointee.len)
        }

        var text: String { unsafe String(decoding: bytes, as: UTF8.self) }

        var failure: String? { unsafe reply.pointee.type == REDIS_REPLY_ERROR ? text : nil }
    }
#endif
