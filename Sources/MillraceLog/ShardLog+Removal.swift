import MillraceIO

/// The end of a log in memory, before its files go.
extension ShardLog {
    /// Ends everything the log does: appends, waits and readings answer `removed` from here on, nothing is written or synced any
    /// more, and memory, files and cached images are let go of. What readers hold stays what it is.
    ///
    /// Waits for batches, encodings and writes that run. Not from within a batch. Again: does nothing more.
    func retire() {
        duties.refuse(.removed)
        writer.withRole { [self] appender in
            failure.remove()
            appender.closeBuffer()
        }
        settleWaiters()
        for level in Level.allCases { watermarks.wake(level) }
        // Producers that wait for room are told, too.
        shared.space.notify()
        flusher.retire()
        gate.retire()
        reader.retire()
    }
}
