import MillraceFuzz
import MillraceTestSupport
import Testing

/// Aim: what the fuzzer once found stays found out, and the fuzz targets work where there is no fuzzer. Method: every
/// input under `fixtures/fuzz` through its target, within the bound on time. A target that finds a violation ends the
/// process and says which.
@Suite(.serialized) struct FuzzTests {
    init() throws {
        guard Fixtures.isSet("MILLRACE_WRITE_FUZZ") else { return }
        for target in FuzzTarget.allCases {
            for (name, bytes) in FuzzSeeds.make(target) {
                try Fixtures.write(bytes, to: Self.path(target) + "/" + name)
            }
        }
    }

    static func path(_ target: FuzzTarget) -> String { "fixtures/fuzz/\(target.rawValue)" }

    /// The least of a few tries, as many as it takes: the first one may make what all of them use, and a busy machine
    /// makes a processor slow.
    private static func least(_ measure: () -> Double) -> Double {
        var least = measure()
        for _ in 0..<9 where least > FuzzTarget.greatestMilliseconds { least = min(least, measure()) }
        return least
    }

    @Test(arguments: FuzzTarget.allCases)
    func `every kept input keeps the promises of its decoder, in time`(target: FuzzTarget) throws {
        let names = try Fixtures.list(Self.path(target))
        #expect(names.count >= 6, "\(target.rawValue) has \(names.count) kept inputs")
        for name in names {
            let bytes = try Fixtures.read("\(Self.path(target))/\(name)")
            #expect(bytes.count <= 64 << 10, "\(name) of \(target.rawValue)")
            let milliseconds = Self.least { unsafe bytes.withUnsafeBytes { unsafe target.measure($0) } }
            #expect(
                milliseconds <= FuzzTarget.greatestMilliseconds, "\(name) of \(target.rawValue) took \(milliseconds) ms"
            )
        }
    }

    @Test(arguments: FuzzTarget.allCases)
    func `the seeds are those that today's encoder makes, and each is kept`(target: FuzzTarget) throws {
        for (name, bytes) in FuzzSeeds.make(target) {
            let kept = try Fixtures.read("\(Self.path(target))/\(name)")
            #expect(kept == bytes, "\(name) of \(target.rawValue)")
        }
    }

    @Test func `a block that claims all that a header may is decoded in time`() {
        for claim in FuzzSeeds.greatestClaims {
            let milliseconds = Self.least { claim.measure() }
            #expect(milliseconds <= FuzzTarget.greatestMilliseconds, "\(claim.what): \(milliseconds) ms")
        }
    }

    @Test(arguments: FuzzTarget.allCases)
    func `no input of 64 KiB of one byte, or of nothing, takes long or ends the process`(target: FuzzTarget) {
        for byte in [0, 1, 3, 0x0F, 0x7F, 0xFF] as [UInt8] {
            for count in [0, 1, 2, 65, 4097, 64 << 10] {
                let bytes = [UInt8](repeating: byte, count: count)
                let milliseconds = Self.least { unsafe bytes.withUnsafeBytes { unsafe target.measure($0) } }
                #expect(milliseconds <= FuzzTarget.greatestMilliseconds, "\(count) times \(byte): \(milliseconds) ms")
            }
        }
    }
}
