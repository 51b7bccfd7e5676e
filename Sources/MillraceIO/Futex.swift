public import CMillrace

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Sleeping on a 32-bit word of memory, and waking who sleeps there, in this process or another.
package enum Futex {
    /// Why a wait ended. None of them says that the condition holds: the caller looks again.
    package enum Outcome: Sendable, Equatable {
        /// Somebody woke the word, or the system did without reason.
        case woken
        /// The word did not hold the expected value, so nobody slept.
        case differed
        case timedOut
        case interrupted
    }

    /// Blocks the thread while the word at `byteOffset` holds `expected`. The comparison and falling asleep are one
    /// step: a waker that changes the word first and wakes second is never missed.
    /// - Parameters:
    ///   - byteOffset: a multiple of 4.
    ///   - nanoseconds: the longest sleep, suspended time excluded; negative for no limit.
    ///   - bits: not 0; a wake with none of these passes this sleeper by, where the system can (Darwin wakes it all the same).
    @discardableResult
    package static func wait(
        _ memory: Memory, at byteOffset: Int, expected: UInt32, nanoseconds: Int64 = -1, bits: UInt32 = .max
    ) -> Outcome {
        // Safe because the word was checked to lie inside, aligned.
        let word = unsafe memory.word32(byteOffset).assumingMemoryBound(to: UInt32.self)
        return switch unsafe millrace_futex_wait(word, expected, nanoseconds, bits) {
        case 0: .woken
        case EAGAIN: .differed
        case ETIMEDOUT: .timedOut
        default: .interrupted
        }
    }

    /// Wakes at most `count` sleepers of the word at `byteOffset` that have one of `bits`; returns how many woke.
    @discardableResult
    package static func wake(_ memory: Memory, at byteOffset: Int, count: Int32, bits: UInt32 = .max) -> Int {
        // Safe because the word was checked to lie inside, aligned.
        let word = unsafe memory.word32(byteOffset).assumingMemoryBound(to: UInt32.self)
        return unsafe Int(millrace_futex_wake(word, count, bits))
    }
}

extension Memory {
    @inlinable @inline(__always)
    func word32(_ byteOffset: Int) -> UnsafeMutableRawPointer {
        check(byteOffset, 4)
        // Safe because the word was checked to lie inside.
        let pointer = unsafe base + byteOffset
        assert(UInt(bitPattern: pointer) & 3 == 0, "atomic word must be aligned")
        return unsafe pointer
    }

    /// Acquire load of the 32-bit word at `byteOffset` (a multiple of 4).
    @inlinable @inline(__always)
    package func load32Acquire(at byteOffset: Int) -> UInt32 { unsafe millrace_load32_acquire(word32(byteOffset)) }

    /// Sequentially consistent, wraps around; returns the value before.
    @inlinable @inline(__always) @discardableResult
    package func add32(_ value: UInt32, at byteOffset: Int) -> UInt32 {
        unsafe millrace_add32(word32(byteOffset), value)
    }
}
