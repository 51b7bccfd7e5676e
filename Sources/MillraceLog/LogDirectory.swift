package import MillraceIO

/// A directory that is open for as long as somebody holds this. A class because several share it.
package final class OpenDirectory: Sendable {
    package let io: any StorageIO
    package let handle: DirectoryHandle

    /// Takes the handle over.
    package init(io: any StorageIO, handle: DirectoryHandle) {
        self.io = io
        self.handle = handle
    }
    deinit { io.close(handle) }
}

/// A log's directory: where its segments live. Open only while somebody works on names in it, so that an idle log
/// holds no descriptor. A class because a log's segments share it. All methods from any thread.
package final class LogDirectory: Sendable {
    package let io: any StorageIO
    package let logID: UInt64
    package let storeLow: UInt64
    package let storeHigh: UInt64
    /// The directory of all logs, in which this one is opened by its name; nil when it was handed over open.
    private let parent: OpenDirectory?
    private let kept: OpenDirectory?
    private struct Current { weak var open: OpenDirectory? }
    private let current = Guarded(Current())

    /// The directory of a log in the store's directory of logs, opened when needed.
    init(in parent: OpenDirectory, logID: UInt64, storeLow: UInt64, storeHigh: UInt64) {
        io = parent.io
        self.parent = parent
        kept = nil
        self.logID = logID
        self.storeLow = storeLow
        self.storeHigh = storeHigh
    }

    /// One that is open, and is closed with this object.
    package init(io: any StorageIO, handle: DirectoryHandle, logID: UInt64, storeLow: UInt64, storeHigh: UInt64) {
        self.io = io
        parent = nil
        kept = OpenDirectory(io: io, handle: handle)
        self.logID = logID
        self.storeLow = storeLow
        self.storeHigh = storeHigh
    }

    /// The open directory: the one that somebody else holds, or opened now.
    func open() throws(IOError) -> OpenDirectory {
        if let kept { return kept }
        if let open = current.withLock({ $0.open }) { return open }
        guard let parent else { preconditionFailure("a log's directory is open or has a parent") }
        let handle = try io.openDirectory(FileNames.log(logID), in: parent.handle, create: false)
        let open = OpenDirectory(io: io, handle: handle)
        current.withLock { $0.open = open }
        return open
    }

    /// Lends the open directory's handle.
    package func withHandle<Result>(_ body: (DirectoryHandle) throws(IOError) -> Result) throws(IOError) -> Result {
        let open = try open()
        defer { withExtendedLifetime(open) {} }
        return try body(open.handle)
    }

    /// The names in it. O(names).
    package func list() throws(LogError) -> [String] {
        try systemCall { () throws(IOError) in try withHandle { handle throws(IOError) in try io.list(handle) } }
    }
    func sync() throws(IOError) { try withHandle { handle throws(IOError) in try io.sync(handle) } }
    func unlink(_ name: String) throws(IOError) {
        try withHandle { handle throws(IOError) in try io.unlink(name, in: handle) }
    }
}
