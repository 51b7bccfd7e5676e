import MillraceIO
import Synchronization

/// The end of a log's appends, as a closed shard has one: what it holds stays readable, and nothing comes any more.
extension ShardLog {
    /// Ends the log's appends: from the return of this call on none succeeds. The ordinal at which the log ends.
    ///
    /// Every append either has its records below the answered ordinal or throws `ended` with nothing appended. What is below
    /// is published; `wait(.durable, below:)` makes it durable. Readers that wait at the end are woken. Not kept on disk:
    /// a log that is opened again takes appends until this is called again. Waits for batches that run or are queued; not
    /// to be called from within one. Again: answers the same.
    package func endAppends() -> UInt64 {
        let end = Atomic<UInt64>(0)
        writer.withRole { [self] appender in
            failure.end()
            duties.end()
            appender.closeBuffer()
            end.store(watermarks.value(.published), ordering: .relaxed)
        }
        wakeWaiters()
        return end.load(ordering: .relaxed)
    }

    /// Takes appends again, as if they had never been ended. Readers are not disturbed: they find `isEnded` false when they look.
    package func resumeAppends() {
        writer.withRole { [self] _ in
            failure.resume()
            duties.resume()
        }
    }

    /// The arrival of the last record, or what recovery knows of it; 0 when there never was one. Waits as `endAppends` does.
    package var lastArrival: UInt64 {
        let arrival = Atomic<UInt64>(0)
        writer.withRole { arrival.store($0.lastArrival, ordering: .relaxed) }
        return arrival.load(ordering: .relaxed)
    }

    /// No append succeeds any more, unless `resumeAppends` is called.
    package var isEnded: Bool { failure.isEnded }

    /// One past the last record of an ended log, at `published`; other levels get there. nil while appends are taken.
    package var endOrdinal: UInt64? { failure.isEnded ? watermarks.value(.published) : nil }

    /// Nothing comes at `position`, ever: all there is was read, once every level has reached it.
    func isEnd(_ position: UInt64) -> Bool { failure.isEnded && position >= watermarks.value(.published) }

    /// Wakes every reader that waits for a record, without one: to look at something else that has changed.
    package func wakeReaders() {
        duties.readerWakeCount.add(1, ordering: .sequentiallyConsistent)
        waiters.wakeReaders()
        for level in Level.allCases { watermarks.wake(level) }
    }

    private func wakeWaiters() {
        settleWaiters()
        for level in Level.allCases { watermarks.wake(level) }
    }
}
