import MillraceTestSupport

/// The seed of a random test: `MILLRACE_SEED`, or drawn; printed, so that a failure can be repeated.
enum TestSeed {
    static func draw(_ test: String) -> UInt64 {
        let seed = Fixtures.number("MILLRACE_SEED").map { UInt64($0) } ?? UInt64.random(in: 1...1_000_000)
        print("\(test): MILLRACE_SEED=\(seed)")
        return seed
    }
}
