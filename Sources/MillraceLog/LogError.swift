package import MillraceIO

/// What a shard log answers in place of a result. The numbers name the place and the remedy.
package enum LogError: Error, Equatable, Sendable {
    /// The operating system refused; nothing was acknowledged that is not kept.
    case io(IOError)
    /// No room in memory for the records right now; nothing was appended. Wait for the flusher and try again.
    case wouldBlock(unwrittenByteCount: Int, limitByteCount: Int)
    /// The disk is full; nothing was appended. Appending resumes by itself when space returns.
    case storageFull(neededByteCount: Int, availableByteCount: Int)
    /// Key and data are larger than a record may be.
    case recordTooLarge(byteCount: Int, limitByteCount: Int)
    /// The key is longer than the format allows (65,535 bytes).
    case keyTooLong(byteCount: Int)
    /// Records at the cursor's place are gone; the cursor goes on at `to`.
    case gap(Gap)
    /// A write or a sync failed: the log takes nothing more until it is opened again.
    case frozen(cause: IOError)
    /// The log or its store was closed.
    case closed
    /// The log takes no more appends, while what it holds can be read; nothing was appended.
    case ended
    /// The log is being removed, or was: nothing of it can be read or appended any more.
    case removed
    /// More views are held than memory allows; let some go.
    case tooManyHeldViews(heldByteCount: Int, limitByteCount: Int)
    /// Another process writes here.
    case locked(processID: String)
    /// The directory holds no store.
    case notAStore(detail: String)
    /// A later version wrote this; it names the least version that can read it, or the unknown feature bits.
    case newerFormat(file: String, leastReaderVersion: Int, unknownFeatures: UInt64)
    /// Bytes on disk are not what was written.
    case corrupt(file: String, byteOffset: Int, detail: String)
    /// A wait was given up; whether the record is kept is not known yet.
    case timedOut
    /// No log of that id.
    case unknownLog(UInt64)
}

extension LogError {
    /// It passes by itself, and nothing has changed by it: a full disk, or a process with as many files open as it may have.
    package var isPassing: Bool {
        switch self {
        case .storageFull: true
        case .io(let error): error.isWantOfDescriptors
        default: false
        }
    }
}

/// A stretch of ordinals that a reader does not get, and why.
package struct Gap: Equatable, Sendable {
    package enum Cause: Equatable, Sendable {
        /// Retention took them.
        case trimmed
        /// Their bytes on disk are damaged; file and position of the damage.
        case corrupt(file: String, byteOffset: Int)
    }
    package let cause: Cause
    /// First ordinal missing.
    package let from: UInt64
    /// First ordinal that can be read again.
    package let to: UInt64
    package init(_ cause: Cause, from: UInt64, to: UInt64) {
        self.cause = cause
        self.from = from
        self.to = to
    }
}

/// Runs a call of the seam and passes its error on as the log's.
@inline(__always)
package func systemCall<Result>(_ body: () throws(IOError) -> Result) throws(LogError) -> Result {
    do { return try body() } catch { throw .io(error) }
}
