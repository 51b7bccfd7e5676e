import Millrace
import MillraceIO
import MillraceLog
import MillraceModel
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Aim: every bad input, and every state of the disk that is no defect, is a typed error and leaves things as they were. Method:
/// one case after the other on a disk in memory; what only a real disk has, in a real directory.
@Suite(.timeLimit(.minutes(2))) struct BadInputTests {
    static func code(_ body: () async throws -> Void) async -> String {
        do {
            try await body()
            return "nothing"
        } catch { return (error as? KinesisError)?.code ?? "\(error)" }
    }

    @Test func `keys, sizes, names and counts out of bounds are refused, and nothing is put`() async throws {
        let store = try TestStore().open()
        let stream = try await store.createStream("s", shards: 2)
        let longest = [UInt8](repeating: 1, count: Limits.defaultRecordByteCount - 1)
        let tooLong = longest + [1]
        let validation = "ValidationException"
        let invalid = "InvalidArgumentException"
        #expect(await Self.code { try await stream.put("x", partitionKey: "") } == validation)
        #expect(
            await Self.code { try await stream.put("x", partitionKey: String(repeating: "é", count: 257)) }
                == validation)
        #expect(await Self.code { try await stream.put(tooLong, partitionKey: "k") } == validation)
        #expect(await Self.code { try stream.putBlocking(tooLong.span, partitionKey: "k") } == validation)
        #expect(await Self.code { try await stream.putRecords([]) } == validation)
        let entry = PutEntry("x", partitionKey: "k")
        #expect(await Self.code { try await stream.putRecords(Array(repeating: entry, count: 501)) } == validation)
        #expect(
            await Self.code { try await stream.putRecords([entry, PutEntry("x", partitionKey: "")]) } == validation)
        let large = PutEntry(longest, partitionKey: "k")
        #expect(await Self.code { try await stream.putRecords(Array(repeating: large, count: 11)) } == invalid)
        #expect(await Self.code { _ = try stream.shard(forPartitionKey: "") } == validation)
        var batch = PutBatch()
        let bytes: [UInt8] = [0xff, 0xfe]
        #expect(throws: KinesisError.self) {
            try batch.add(unsafe bytes.span.bytes, partitionKey: unsafe bytes.span.bytes)
        }
        #expect(throws: KinesisError.self) {
            try stream.putBlocking(unsafe bytes.span.bytes, partitionKey: unsafe bytes.span.bytes)
        }
        #expect(batch.isEmpty)
        #expect(try stream.readAll().isEmpty)
        try await stream.put(longest, partitionKey: "k")
        try await stream.put("x", partitionKey: String(repeating: "é", count: 256))
        #expect(try stream.readAll().count == 2)

        #expect(await Self.code { _ = try await store.createStream("s") } == "ResourceInUseException")
        #expect(await Self.code { _ = try await store.createStream("t", shards: 0) } == validation)
        #expect(await Self.code { _ = try await store.createStream("t", shards: -1) } == validation)
        #expect(await Self.code { _ = try await store.createStream("t", shards: 10_001) } == invalid)
        #expect(await Self.code { _ = try await store.createStream("") } == validation)
        #expect(await Self.code { _ = try await store.createStream("a/b") } == validation)
        #expect(await Self.code { _ = try store.stream("t") } == "ResourceNotFoundException")
        #expect(await Self.code { _ = try store.stream("ä") } == validation)
        #expect(store.listStreams().map(\.text) == ["s"])
        for text in [
            "", "x", "millrace-position-1;1;oldest", "millrace-position-1;g;oldest;", "millrace-position-1;1;never;",
            "millrace-position-1;1;oldest;0", "millrace-position-1;1;oldest;0:1,0:2", "millrace-position-1;1;at=1;",
            "millrace-position-1;1;oldest;0:9223372036854775808",
        ] {
            #expect(await Self.code { _ = try StreamPosition(text) } == invalid, "\(text)")
        }
        try await store.close()
    }

    @Test func `numbers of a configuration out of their range are refused by name`() async throws {
        let changes: [(String, (inout StoreConfiguration) -> Void)] = [
            ("memoryByteCount", { $0.memoryByteCount = 1 << 20 }), ("workerCount", { $0.workerCount = 0 }),
            ("greatestSegmentByteCount", { $0.greatestSegmentByteCount = 0 }),
            ("firstSegmentByteCount", { $0.firstSegmentByteCount = 128 << 20 }),
            ("lingerMilliseconds", { $0.lingerMilliseconds = -1 }),
            ("syncIntervalMilliseconds", { $0.syncIntervalMilliseconds = .max }),
            ("readerThreadCount", { $0.readerThreadCount = 65 }),
        ]
        for (name, change) in changes {
            var configuration = StoreConfiguration()
            change(&configuration)
            do {
                _ = try await StreamStore.open(at: "/nowhere", configuration: configuration)
                Issue.record("\(name) was taken")
            } catch { #expect(error.message.hasPrefix(name) && error.code == "InvalidArgumentException") }
        }
    }

    @Test func `a directory that is no store, or not this user's alone, or gone, is named as such`() async throws {
        let path = temporaryPath()
        defer { removeTree(path) }
        let io = PosixIO()
        let directory = try io.openDirectory(at: path, create: true)
        io.close(try io.createFile("notes.txt", in: directory))
        await #expect(throws: KinesisError.storage(.notAStore(path: path))) { try await StreamStore.open(at: path) }
        try io.unlink("notes.txt", in: directory)
        #expect(try io.list(directory).allSatisfy { $0 == "LOCK" })
        // Safe because the string is a C string for the call.
        _ = unsafe chmod(path, 0o777)
        await #expect(throws: KinesisError.storage(.permission(path: path))) { try await StreamStore.open(at: path) }
        _ = unsafe chmod(path, 0o700)
        io.close(directory)
        let store = try await StreamStore.open(at: path)
        try await store.close()
        do {
            _ = try await StreamStore.open(at: "\(path)/no/such")
            Issue.record("opened below a missing directory")
        } catch { #expect(error.code == "InternalFailureException") }
    }

    @Test func `the second who opens a store learns who has it, and opens it once that one is gone`() async throws {
        let path = temporaryPath()
        defer { removeTree(path) }
        let store = try await StreamStore.open(at: path)
        await #expect(throws: KinesisError.storage(.locked(byProcess: getpid()))) {
            try await StreamStore.open(at: path)
        }
        try await store.close()
        try await StreamStore.open(at: path).close()
    }

    @Test func `a store whose user let go of it without closing may be opened again, and lost nothing`() async throws {
        let test = TestStore()
        func use() async throws {
            let stream = try await test.open().createStream("s", shards: 1, ack: .published)
            for index in 0..<20 { try await stream.put("\(index)", partitionKey: "k") }
        }
        try await use()
        let store = try test.open()
        #expect(try store.stream("s").readAll().count == 20)
        try await store.close()
    }

    @Test
    func `a full disk refuses puts by type, keeps everything readable, and takes records again when there is room`()
        async throws
    {
        let test = TestStore()
        let store = try test.open()
        let stream = try await store.createStream("s", shards: 1)
        try await stream.put("first", partitionKey: "k")
        test.disk.capacityByteCount = 0
        var count = 1
        var refused: KinesisError?
        while refused == nil, count < 2000 {
            do throws(KinesisError) {
                try await stream.put(
                    [UInt8](repeating: UInt8(truncatingIfNeeded: count &* 31), count: 1000), partitionKey: "k")
                count += 1
            } catch { refused = error }
        }
        #expect(refused == .storage(.storageFull(path: "/store")))
        #expect(try stream.readAll().count >= count)
        #expect(await Self.code { _ = try await store.createStream("t", shards: 40) } != "")
        test.disk.capacityByteCount = 1 << 40
        test.clock.advance(milliseconds: 1000)
        var isTaken = false
        for _ in 0..<2000 where !isTaken {
            test.clock.advance(milliseconds: 200)
            isTaken = await Self.code { try await stream.put("again", partitionKey: "k") } == "nothing"
            if !isTaken { try await Task.sleep(nanoseconds: 1_000_000) }
        }
        #expect(isTaken)
        #expect(try stream.readAll().last?.text == "again")
        try await store.close()
    }

    @Test func `a failing sync is a frozen shard for who puts and who reads on, and other shards go on`() async throws {
        let test = TestStore()
        let store = try test.open()
        let stream = try await store.createStream("s", shards: 2)
        try await stream.put("kept", partitionKey: "k", explicitHashKey: .min)
        test.disk.fault = { operation, _, _ in operation == .sync ? 5 : nil }
        #expect(
            await Self.code { try await stream.put("lost", partitionKey: "k", explicitHashKey: .min) }
                == "InternalFailureException")
        test.disk.fault = nil
        do {
            try await stream.put("refused", partitionKey: "k", explicitHashKey: .min)
            Issue.record("a frozen shard took a record")
        } catch { if case .storage(.frozen) = error {} else { Issue.record("\(error)") } }
        try await stream.put("other", partitionKey: "k", explicitHashKey: .max)
        try? await store.close()
        let again = try test.open()
        let records = try again.stream("s").readAll().map(\.text)
        #expect(records.first == "kept" && records.last == "other" && !records.contains("refused"))
        try await again.close()
    }
}
