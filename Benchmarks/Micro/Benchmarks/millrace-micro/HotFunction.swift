import Benchmark

/// How far above its threshold a benchmark may be, in per cent of it.
enum Tolerance {
    /// Instructions differ a little with the addresses that memory happens to get.
    static let instructions = 5.0
    /// Times depend on the processor, and on who shares its cores: twice as long is a loss.
    static let time = 100.0
}

/// What a benchmark times, made once in the process that measures.
struct Timed {
    /// Does the thing so many times; returns something that depends on all of it, so that none of it can be left out.
    let work: (_ count: Int) throws -> Int
    /// Done before each timing, untimed.
    var before: () throws -> Void = {}
}

/// Registers the benchmark of one hot function.
///
/// - Parameters:
///   - name: a part of its threshold's file name, so without spaces.
///   - scale: how many calls one iteration is.
///   - iterations: how many at most; a second is the other bound.
func measure(
    _ name: String, scale: BenchmarkScalingFactor = .kilo, iterations: Int = 10_000,
    _ prepare: @escaping () throws -> Timed
) {
    let configuration = Benchmark.Configuration(
        metrics: [.instructions, leastTime], warmupIterations: 5, scalingFactor: scale, maxDuration: .seconds(1),
        maxIterations: iterations,
        thresholds: [
            .instructions: .init(relative: [.p90: Tolerance.instructions]),
            leastTime: .init(relative: [.p90: Tolerance.time]),
        ])
    Benchmark(
        name, configuration: configuration,
        closure: { (benchmark: Benchmark, timed: Timed) throws -> Void in
            var least = Duration.seconds(3600)
            for _ in 0..<roundCount { least = min(least, try time(timed, benchmark)) }
            benchmark.measurement(leastTime, Int(least / .nanoseconds(1)))
        },
        setup: { try prepare() })
}

/// The least of several times: on a machine that does other things too, the one that nobody came between.
private let leastTime = BenchmarkMetric.custom("Least time (ns)")
private let roundCount = 10

/// One round, which is a measurement of instructions by itself.
private func time(_ timed: Timed, _ benchmark: Benchmark) throws -> Duration {
    try timed.before()
    let clock = ContinuousClock()
    benchmark.startMeasurement()
    let start = clock.now
    let result = try timed.work(benchmark.scaledIterations.count)
    let duration = start.duration(to: clock.now)
    benchmark.stopMeasurement()
    blackHole(result)
    return duration
}
