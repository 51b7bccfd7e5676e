import Millrace
import MillraceIO
import MillraceLog
import MillraceModel

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Does to a store what a test cannot do in its own process: as another user, without descriptors, or until it is
/// killed. Says on standard output what came of it, in one line.
///
///     open DIRECTORY NAME [USER]  goes into DIRECTORY, becomes USER, opens the store NAME, puts a record, closes
///     hold PATH                   opens the store, says `held`, and keeps it until it is killed
///     exhaust PATH                opens, puts and rolls with ever more descriptors to be had, from none on
///
/// On its first thread alone, where no task runs: the dispatch library watches the threads of tasks by files under /proc, and
/// ends a process that has no descriptor left for them.
@main
enum FaultHelper {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch arguments.first {
        case "open": open(arguments)
        case "hold": hold(arguments[1])
        case "exhaust": exhaust(arguments[1])
        default: fatalError("unknown arguments: \(arguments)")
        }
    }

    private static func openStore(
        _ path: String, _ configuration: LogConfiguration = LogConfiguration()
    ) throws(KinesisError) -> StreamStore {
        try StreamStore(at: path, io: PosixIO(), clock: SystemClock(), entropy: SystemEntropy(), configuration: configuration)
    }

    private static func open(_ arguments: [String]) {
        guard unsafe chdir(arguments[1]) == 0 else { return say("chdir: \(errno)") }
        if arguments.count > 3, let user = UInt32(arguments[3]), geteuid() == 0 {
            guard setgroups(0, nil) == 0, setgid(user) == 0, setuid(user) == 0 else { return say("setuid: \(errno)") }
        }
        do throws(KinesisError) {
            let store = try openStore(arguments[2])
            let stream =
                store.listStreams().isEmpty ? try store.createStreamBlocking("s", shards: 1) : try store.stream("s")
            _ = try stream.putBlocking(Array("by the helper".utf8).span, partitionKey: "k")
            try store.closeBlocking()
            say("opened")
        } catch {
            say("refused: \(error)")
        }
    }

    private static func hold(_ path: String) {
        do throws(KinesisError) {
            let store = try openStore(path)
            say("held")
            while true { sleep(1000) }
            try store.closeBlocking()
        } catch {
            say("refused: \(error)")
        }
    }

    private static func exhaust(_ path: String) {
        var configuration = LogConfiguration()
        configuration.firstSegmentByteCount = 1 << 16
        configuration.greatestSegmentByteCount = 1 << 16
        var acknowledged: Set<String> = []
        var refused = 0
        var whole = 0
        var limit = rlimit()
        guard unsafe getrlimit(descriptors, &limit) == 0 else { return say("getrlimit: \(errno)") }
        let before = limit.rlim_cur
        for spare in 0..<24 {
            // The lowest free descriptor is the next one taken: `spare` more can be had.
            let free = dup(0)
            _ = close(free)
            limit.rlim_cur = rlim_t(Int(free) + spare)
            guard unsafe setrlimit(descriptors, &limit) == 0 else { return say("setrlimit: \(errno)") }
            var store: StreamStore?
            do throws(KinesisError) {
                let opened = try openStore(path, configuration)
                store = opened
                let stream =
                    opened.listStreams().isEmpty
                    ? try opened.createStreamBlocking("s", shards: 2) : try opened.stream("s")
                for number in 0..<6 {
                    let text = "\(spare) \(number) " + String(repeating: "x", count: 30_000)
                    _ = try stream.putBlocking(Array(text.utf8).span, partitionKey: "\(number)")
                    acknowledged.insert(text)
                }
                for shard in stream.shards { _ = try shard.cursorBlocking(at: .trimHorizon) }
                try opened.closeBlocking()
                whole += 1
            } catch {
                refused += 1
                guard case .storage(let storage) = error else { return say("not a storage error: \(error)") }
                switch storage {
                case .io(let text), .frozen(let text):
                    if !text.contains("error number \(EMFILE)") { return say("another error: \(error)") }
                default: return say("another error: \(error)")
                }
                try? store?.closeBlocking()
            }
            store = nil
            limit.rlim_cur = before
            guard unsafe setrlimit(descriptors, &limit) == 0 else { return say("setrlimit: \(errno)") }
            do throws(KinesisError) {
                let again = try openStore(path, configuration)
                if !acknowledged.isEmpty {
                    var missing = acknowledged
                    for shard in try again.stream("s").shards {
                        var cursor = try shard.cursorBlocking(at: .trimHorizon)
                        while try cursor.withBatch({ batch throws(KinesisError) in
                            while let record = batch.next() {
                                missing.remove(String(decoding: try record.copy().data, as: UTF8.self))
                            }
                        }) {}
                    }
                    if !missing.isEmpty { return say("\(missing.count) acknowledged records are missing") }
                }
                try again.closeBlocking()
            } catch {
                return say("with descriptors again: \(error)")
            }
        }
        let open = (0..<Int32(before > 4096 ? 4096 : Int32(before))).count { fcntl($0, F_GETFD) != -1 }
        say("refused \(refused), whole \(whole), acknowledged \(acknowledged.count), open \(open)")
    }

    #if canImport(Glibc)
        private static let descriptors = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let descriptors = RLIMIT_NOFILE
    #endif

    /// One line, at once.
    private static func say(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        // Safe because the bytes stay in place for the call.
        _ = unsafe bytes.withUnsafeBytes { unsafe write(1, $0.baseAddress!, $0.count) }
    }
}
