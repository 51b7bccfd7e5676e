import Foundation

/// What a process has used since it began.
struct Usage {
    var processorNanoseconds: UInt64 = 0
    /// Bytes that it has caused to be sent to a device (proc(5), `io`); 0 where that is not known.
    var writtenByteCount = 0

    static func + (left: Usage, right: Usage) -> Usage {
        Usage(
            processorNanoseconds: left.processorNanoseconds + right.processorNanoseconds,
            writtenByteCount: left.writtenByteCount + right.writtenByteCount)
    }

    static func - (left: Usage, right: Usage) -> Usage {
        Usage(
            processorNanoseconds: left.processorNanoseconds - right.processorNanoseconds,
            writtenByteCount: left.writtenByteCount - right.writtenByteCount)
    }

    /// Of this process, and of a server where there is one.
    static func ofThisProcess(and server: Usage? = nil) -> Usage { of(getpid()) + (server ?? Usage()) }

    /// Of all threads of a process; nothing where it is gone.
    static func of(_ process: pid_t) -> Usage {
        var usage = Usage()
        var clock = clockid_t()
        var time = timespec()
        // Safe because both outlive the calls.
        if unsafe clock_getcpuclockid(process, &clock) == 0, unsafe clock_gettime(clock, &time) == 0 {
            usage.processorNanoseconds = UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
        }
        if let text = try? String(contentsOfFile: "/proc/\(process)/io", encoding: .utf8) {
            let line = text.split(separator: "\n").first { $0.hasPrefix("write_bytes:") }
            usage.writtenByteCount = line.flatMap { Int($0.dropFirst(13)) } ?? 0
        }
        return usage
    }
}
