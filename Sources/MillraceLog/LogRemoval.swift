import MillraceIO

/// Takes a log from the disk: its files, oldest first, then its directory.
///
/// Nothing is synced: a crash leaves the directory with some of its files, in whatever combination, and doing it again
/// finishes. Files are unlinked, never truncated, so a view into one stays valid as long as it is held.
struct LogRemoval {
    let io: any StorageIO
    let logs: OpenDirectory
    /// Called when the disk is too full even to remove a name; true when there may be room now.
    let makeRoom: () -> Bool

    /// Removes at most so many files and directories, and counts them off. True when nothing is left.
    /// - Throws: `io`; what was removed stays so.
    func run(_ id: UInt64, limit: inout Int) throws(LogError) -> Bool {
        do throws(IOError) {
            return try remove(FileNames.log(id), limit: &limit)
        } catch { throw .io(error) }
    }

    private func remove(_ name: String, limit: inout Int) throws(IOError) -> Bool {
        let handle: DirectoryHandle
        do throws(IOError) {
            handle = try io.openDirectory(name, in: logs.handle, create: false)
        } catch {
            if error.isMissing { return true }
            throw error
        }
        let directory = OpenDirectory(io: io, handle: handle)
        defer { withExtendedLifetime(directory) {} }
        // Names of segments sort by age, and before nothing else that matters.
        let files = try io.list(handle).sorted()
        for file in files {
            guard limit > 0 else { return false }
            try unlink { () throws(IOError) in try io.unlink(file, in: handle) }
            limit -= 1
        }
        guard limit > 0 else { return false }
        try unlink { () throws(IOError) in try io.removeDirectory(name, in: logs.handle) }
        limit -= 1
        return true
    }

    /// What is gone already is as good as removed: two may be at it, or a crash came between.
    private func unlink(_ body: () throws(IOError) -> Void) throws(IOError) {
        do throws(IOError) { try body() } catch {
            if error.isMissing { return }
            guard error.isOutOfSpace, makeRoom() else { throw error }
            do throws(IOError) { try body() } catch { if !error.isMissing { throw error } }
        }
    }
}
