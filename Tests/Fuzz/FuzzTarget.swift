#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What the fuzzer is let loose on: each decoder of the engine, with the properties that hold for any bytes. A property
/// that does not hold ends the process with what was found, which is what a fuzzer takes for a crash.
///
/// Inputs begin with a byte of options. Its lowest bit says whether checksums are made right first: without that, no
/// bytes of chance get past them, and with it everything behind them is the input's own.
package enum FuzzTarget: String, CaseIterable, Sendable {
    case blockHeader = "block-header"
    case block
    case segmentHeader = "segment-header"
    case note
    case footer
    case storeFile = "store-file"
    case catalogue
    case segment
    case journal
    case names
    case texts
    case tokens
    case roundTrip = "round-trip"

    /// Decodes the bytes and checks what must hold.
    package func run(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 0 else { return }
        let input = unsafe Input(bytes)
        switch self {
        case .blockHeader: BlockFuzz.header(input)
        case .block: BlockFuzz.block(input)
        case .segmentHeader: PageFuzz.segmentHeader(input)
        case .note: PageFuzz.note(input)
        case .footer: PageFuzz.footer(input)
        case .storeFile: StoreFileFuzz.run(input)
        case .catalogue: CatalogueFuzz.run(input)
        case .segment: SegmentFuzz.run(input)
        case .journal: JournalFuzz.run(input)
        case .names: TextFuzz.names(input)
        case .texts: TextFuzz.texts(input)
        case .tokens: TokenFuzz.run(input)
        case .roundTrip: RoundTripFuzz.run(input)
        }
    }

    /// The same; how many milliseconds of the thread's processor time it took.
    package func measure(_ bytes: UnsafeRawBufferPointer) -> Double { Self.measure { unsafe run(bytes) } }

    static func measure(_ body: () -> Void) -> Double {
        let start = threadMilliseconds()
        body()
        return threadMilliseconds() - start
    }

    /// No input of 64 KiB may take longer.
    package static let greatestMilliseconds = 100.0

    private static func threadMilliseconds() -> Double {
        var time = timespec()
        // Safe because the call fills a value of this function.
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1000 + Double(time.tv_nsec) / 1_000_000
    }
}

/// What libFuzzer calls for each input; the lane links this module's objects with it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    unsafe FuzzEntry.run(UnsafeRawBufferPointer(start: start, count: count))
    return 0
}

/// What the fuzzer runs: the target that `MILLRACE_FUZZ_TARGET` names, with a bound on time that
/// `MILLRACE_FUZZ_MILLISECONDS` sets, because sanitizers take their share.
enum FuzzEntry {
    private static let target: FuzzTarget = {
        guard let name = text("MILLRACE_FUZZ_TARGET"), let target = FuzzTarget(rawValue: name) else {
            fatalError("MILLRACE_FUZZ_TARGET names none of \(FuzzTarget.allCases.map(\.rawValue))")
        }
        return target
    }()
    private static let limit =
        text("MILLRACE_FUZZ_MILLISECONDS").flatMap(Double.init) ?? FuzzTarget.greatestMilliseconds

    private static func text(_ variable: String) -> String? {
        // Safe because the text is copied at once, and nobody changes the environment.
        unsafe getenv(variable).map { unsafe String(cString: $0) }
    }

    static func run(_ bytes: UnsafeRawBufferPointer) {
        let milliseconds = unsafe target.measure(bytes)
        require(milliseconds <= limit, "\(target.rawValue) took \(milliseconds) ms of \(limit)")
    }
}

/// Ends the process when `condition` does not hold.
func require(_ condition: Bool, _ what: @autoclosure () -> String) {
    if !condition { fatalError("property violated: \(what())") }
}
