import MillraceIO
import MillraceLog
import MillraceTestKit

/// Does one thing with the engine so many times, inside one call of the function `countedPart`, for a tool that counts the
/// instructions in it. One thread, no clock, no chance: the same count every time. `Tests/lanes/instructions.sh` runs it.
///
///     millrace-instructions list
///     millrace-instructions SCENARIO [DIRECTORY]
///
/// Prints `SCENARIO UNIT COUNT`. With a directory the store's files are there and not in memory.
@main
enum Instructions {
    static func main() throws {
        let arguments = CommandLine.arguments
        if arguments.count == 2, arguments[1] == "list" {
            for scenario in scenarios { print(scenario.name) }
            return
        }
        guard arguments.count == 2 || arguments.count == 3, let scenario = scenarios.first(where: { $0.name == arguments[1] })
        else {
            print("usage: millrace-instructions list | SCENARIO [DIRECTORY]; see `list`")
            return
        }
        let disk: any StorageIO = arguments.count == 3 ? PosixIO() : ShadowIO()
        let path = arguments.count == 3 ? arguments[2] : "/store"
        let bench = Bench(io: disk, path: path)
        let work = try scenario.prepare(bench)
        // Safe because this program has one thread.
        unsafe Counted.body = work.body
        countedPart()
        unsafe Counted.body = {}
        if let error = unsafe Counted.error { throw error }
        print("\(scenario.name) \(work.unit) \(work.count)")
    }
}

/// What the counted call runs.
enum Counted {
    // Safe because this program has one thread.
    nonisolated(unsafe) static var body: () throws -> Void = {}
    nonisolated(unsafe) static var error: (any Error)?
}

@inline(never)
func countedPart() {
    do { try unsafe Counted.body() } catch { unsafe Counted.error = error }
}

/// A store without threads, with the sizes of production.
struct Bench {
    let io: any StorageIO
    let path: String

    func open(isCompressing: Bool = false, isDropping: Bool = true) throws(LogError) -> LogStore {
        var configuration = LogConfiguration()
        configuration.workerCount = 0
        configuration.isCompressing = isCompressing
        configuration.reserveByteCount = 0
        // Nothing prepares files ahead here, and starting a segment is not what is measured.
        configuration.firstSegmentByteCount = 4 << 20
        return try LogStore(
            at: path, create: true, io: QuietIO(io, isDropping: isDropping), clock: ManualClock(),
            entropy: SeededEntropy(seed: 1), configuration: configuration)
    }
}

/// Records made by arithmetic: text of few letters, so that it compresses some.
struct MadeRecords {
    private let bytes: [UInt8]
    private let key = Array("customer-1".utf8)
    let dataByteCount: Int
    private static let different = 64

    init(dataByteCount: Int) {
        self.dataByteCount = dataByteCount
        let dice = SeededEntropy(seed: 7)
        var bytes: [UInt8] = []
        for _ in 0..<(dataByteCount * Self.different) { bytes.append(97 + UInt8(dice.next(below: 7))) }
        self.bytes = bytes
    }

    @inline(__always)
    func with<Value>(
        _ index: Int, _ body: (_ key: RawSpan, _ data: RawSpan) throws(LogError) -> Value
    ) throws(LogError) -> Value {
        let start = index % Self.different * dataByteCount
        // Safe because the arrays stay in place while their spans are borrowed.
        return try body(unsafe key.span.bytes, unsafe bytes.span.bytes.extracting(start..<start + dataByteCount))
    }
}
