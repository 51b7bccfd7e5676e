#if Tools
    import MillraceIO
    import MillraceLog
    import Synchronization

    /// How long after its put a record reaches a reader at the tip, in the same process.
    struct Tail: Scenario {
        let name = "tail"
        let about = "published: from the start of a put to its record in a tail reader's hands, spinning and parked"

        func run(in context: BenchContext) async throws -> [Row] {
            try [
                measure(isParking: false, callsPerSecond: 20_000, context),
                measure(isParking: true, callsPerSecond: 2_000, context),
            ]
        }

        private func measure(isParking: Bool, callsPerSecond: Double, _ context: BenchContext) throws -> Row {
            let measured = try MeasuredLog("\(context.directory)/tail")
            let count = Int(callsPerSecond * (context.quick ? 1 : 4))
            let warmUp = count / 10
            let key = Array("N12345".utf8)
            let seen = Seen()
            let reader = WorkerThread(name: "bench-reader") {
                var latency = Latency()
                var digest = RecordDigest()
                var cursor = measured.log.cursor(at: 0, level: .published)
                var failure: LogError?
                while digest.count < count, failure == nil {
                    do throws(LogError) {
                        let some: Void? = try cursor.withBatch { batch throws(LogError) in
                            while let record = batch.next() {
                                let now = nanoseconds()
                                // Safe because each record of this run holds eight bytes.
                                let sent = unsafe record.data.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt64.self)
                                if digest.count >= warmUp { latency.record(now &- sent) }
                                digest.add(key: record.key, data: record.data)
                            }
                        }
                        if some == nil, isParking { _ = cursor.wait(nanoseconds: 1_000_000_000) }
                    } catch {
                        failure = error
                    }
                }
                seen.result.withLock { $0 = (latency, digest, failure) }
            }
            var sent = RecordDigest()
            var pacer = Pacer(callsPerSecond: callsPerSecond)
            let start = nanoseconds()
            for _ in 0..<count {
                _ = pacer.next()
                var now = nanoseconds()
                // Safe because a word's bytes are read while it stands still.
                try unsafe withUnsafeBytes(of: &now) { bytes in
                    let data = unsafe RawSpan(_unsafeBytes: bytes)
                    let key = unsafe key.span.bytes
                    sent.add(key: key, data: data)
                    _ = try measured.log.append(key: key, data: data, arrival: measured.now)
                }
            }
            reader.join()
            let spent = Double(nanoseconds() &- start) / 1e9
            let (latency, digest, failure) = seen.result.withLock { $0 }!
            if let failure { throw failure }
            var row = Row(engine: "millrace log", scenario: name, ack: "published", codec: "lz4", batch: 1)
            row.detail = "\(Int(callsPerSecond)) a second, \(isParking ? "parked" : "spinning")"
            row.measured(records: count, payloadBytes: count * (8 + key.count), seconds: spent)
            latency.fill(&row)
            row.verified = try digest == sent && measured.readBack() == sent
            return row
        }

        private final class Seen: Sendable {
            let result = Mutex<(Latency, RecordDigest, LogError?)?>(nil)
        }
    }
#endif
