#if canImport(CNATS)
    import CNATS

    /// A connection to a NATS server, with its JetStream. One thread only.
    @safe
    struct NATSConnection: ~Copyable {
        private static let patienceMilliseconds: Int64 = 30_000

        private let connection: OpaquePointer
        private let jetStream: OpaquePointer

        init(port: Int) throws {
            var connected: OpaquePointer?
            var made: OpaquePointer?
            // Safe because what is passed outlives the calls; both are destroyed in `deinit` or here.
            try unsafe check(natsConnection_ConnectTo(&connected, "nats://127.0.0.1:\(port)"), "connecting")
            let status = unsafe natsConnection_JetStream(&made, connected, nil)
            guard status == NATS_OK else {
                unsafe natsConnection_Destroy(connected)
                throw BenchError("nats: no JetStream: \(text(status))")
            }
            unsafe connection = connected!
            unsafe jetStream = made!
        }

        // Safe because nothing uses either any more.
        deinit {
            unsafe jsCtx_Destroy(jetStream)
            unsafe natsConnection_Destroy(connection)
        }

        /// Makes a stream of one subject of the same name, in files; one that is there already stays.
        func addStream(_ name: String) throws {
            // Safe because the name outlives the call, and nothing else is kept.
            try unsafe name.withCString { name in
                var subject: UnsafePointer<CChar>? = unsafe name
                try unsafe withUnsafeMutablePointer(to: &subject) { subjects in
                    var configuration = unsafe jsStreamConfig()
                    try unsafe check(jsStreamConfig_Init(&configuration), "stream configuration")
                    unsafe configuration.Name = name
                    unsafe configuration.Subjects = subjects
                    unsafe configuration.SubjectsLen = 1
                    unsafe configuration.Storage = js_FileStorage
                    try unsafe check(js_AddStream(nil, jetStream, &configuration, nil, nil), "adding a stream")
                }
            }
        }

        func messageCount(of stream: String) throws -> Int {
            var information: UnsafeMutablePointer<jsStreamInfo>?
            // Safe because the information is destroyed after its last use.
            try unsafe check(js_GetStreamInfo(&information, jetStream, stream, nil, nil), "asking for a stream")
            defer { unsafe jsStreamInfo_Destroy(information) }
            return Int(unsafe information!.pointee.State.Msgs)
        }

        /// Sends a message and waits until it is acknowledged.
        func publish(_ message: UnsafeRawBufferPointer, to subject: String) throws {
            // Safe because the bytes are copied.
            try unsafe check(
                js_Publish(nil, jetStream, subject, message.baseAddress, Int32(message.count), nil, nil), "publishing")
        }

        /// Sends a message; `finish` waits for its acknowledgement.
        func publishLater(_ message: UnsafeRawBufferPointer, to subject: String) throws {
            // Safe because the bytes are copied.
            try unsafe check(
                js_PublishAsync(jetStream, subject, message.baseAddress, Int32(message.count), nil), "publishing")
        }

        /// Waits until every message has been acknowledged.
        func finish() throws {
            var options = unsafe jsPubOptions()
            // Safe because the options outlive the call.
            unsafe _ = jsPubOptions_Init(&options)
            unsafe options.MaxWait = Self.patienceMilliseconds
            try unsafe check(js_PublishAsyncComplete(jetStream, &options), "waiting for acknowledgements")
        }

        /// Lends the first `count` messages of a subject to `body`, in the order of the stream.
        func read(_ count: Int, from subject: String, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
            var options = unsafe jsSubOptions()
            var subscription: OpaquePointer?
            // Safe because what is passed outlives the calls, and a message is destroyed only after `body`.
            try unsafe check(jsSubOptions_Init(&options), "subscription options")
            unsafe options.Ordered = true
            try unsafe check(js_SubscribeSync(&subscription, jetStream, subject, nil, &options, nil), "subscribing")
            defer { unsafe natsSubscription_Destroy(subscription) }
            // Whatever is on its way waits here, rather than being dropped.
            try unsafe check(natsSubscription_SetPendingLimits(subscription, -1, -1), "subscribing")
            for _ in 0..<count {
                var message: OpaquePointer?
                try unsafe check(
                    natsSubscription_NextMsg(&message, subscription, Self.patienceMilliseconds),
                    "waiting for a message")
                defer { unsafe natsMsg_Destroy(message) }
                try unsafe body(
                    UnsafeRawBufferPointer(
                        start: natsMsg_GetData(message), count: Int(natsMsg_GetDataLength(message))))
            }
        }
    }

    private func text(_ status: natsStatus) -> String {
        // Safe because the text is a constant string.
        unsafe String(cString: natsStatus_GetText(status))
    }

    @inline(__always)
    private func check(_ status: natsStatus, _ what: String) throws {
        guard status == NATS_OK else { throw BenchError("nats: \(what): \(text(status))") }
    }
#endif
