#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The machine's clock. Wall time by the coarse clock where there is one: 8 ns a reading in place of 45, and
/// at most one scheduler tick (1 to 10 ms) behind.
package final class SystemClock: Clock {
    /// Read once in a process: it never changes while one lives, and reading it costs 6 us.
    private static let boot = readBootIdentity()

    package init() {}

    package func wallNanoseconds() -> Int64 {
        #if canImport(Glibc)
            SystemClock.read(CLOCK_REALTIME_COARSE)
        #else
            SystemClock.read(CLOCK_REALTIME)
        #endif
    }

    package func steadyNanoseconds() -> Int64 {
        #if canImport(Glibc)
            SystemClock.read(CLOCK_BOOTTIME)
        #else
            SystemClock.read(CLOCK_MONOTONIC)
        #endif
    }

    package func bootIdentity() -> (UInt64, UInt64) { SystemClock.boot }

    static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        // Safe because `time` is ours for the call, which cannot fail for the clocks named above.
        unsafe _ = clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// The 128 bits that Linux draws at boot (random(4)); zero where there is no such file.
    private static func readBootIdentity() -> (UInt64, UInt64) {
        let file = Syscalls.open("/proc/sys/kernel/random/boot_id", in: AT_FDCWD, flags: O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return (0, 0) }
        let text = AlignedMemory(byteCount: 64)
        let count = Syscalls.retrying { Syscalls.read(file, at: 0, into: text.memory) }
        _ = Syscalls.close(file)
        return parse(text.memory.bytes.prefix(max(count, 0)))
    }

    /// The first 32 hexadecimal digits of the text, whatever stands between them; zero when there are fewer.
    static func parse(_ text: ArraySlice<UInt8>) -> (UInt64, UInt64) {
        let digits = text.compactMap { Character(UnicodeScalar($0)).hexDigitValue }.prefix(32)
        guard digits.count == 32 else { return (0, 0) }
        let halves = [digits.prefix(16), digits.suffix(16)].map { $0.reduce(0 as UInt64) { $0 << 4 | UInt64($1) } }
        return (halves[0], halves[1])
    }
}
