import Benchmark

/// All of them, in the order in which records meet the functions. The package asks for a variable of this name.
let benchmarks: @Sendable () -> Void = {
    registerRequests()
    registerHashKeys()
    registerAppends()
    registerDirectories()
    registerCompression()
    registerChecksums()
    registerBlockHeaders()
    registerReads()
    registerTexts()
}
