
#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A disk in memory that can lose power. A class because it is the shared identity behind all handles.
///
/// Every byte written and every name changed is visible at once, and durable only after the sync that
/// `StorageIO` asks for. `crash(_:entropy:)` gives a new, independent disk in one of the states that power loss
/// may leave; `kill()` one as after the death of the process alone. One lock guards everything.
@safe package final class ShadowIO: StorageIO, @unchecked Sendable {
    /// Decides whether a call fails: gets the operation, the name of the file or directory, and which call of that
    /// operation this is (from 1); returns an `errno`, or nil to let the call happen. Runs before the call, without the
    /// lock, so that it may take a crash state itself.
    package typealias Fault = @Sendable (IOError.Operation, String, Int) -> Int32?

    // Safe to send: everything below is used inside `locked` alone.
    private let lock = Guarded<Void>(())
    var roots: [String: ShadowDirectory] = [:]
    var changes = ShadowChanges()
    var fileCount = 0
    var directories: [Int32: (directory: ShadowDirectory, name: String)] = [:]
    var files: [Int32: (file: ShadowFile, name: String, isWritable: Bool)] = [:]
    /// Open mappings by address; several of one file share it.
    var mappings: [UInt: [(file: ShadowFile, name: String)]] = [:]
    var usedByteCount = 0
    private var lastHandle: Int32 = 0
    private(set) var capacity: Int
    private var callCounts: [IOError.Operation: Int] = [:]
    private var hook: Fault?
    private var isCold = false

    /// - Parameter capacityByteCount: the sum of all file lengths that fits; 1 TiB unless told.
    package init(capacityByteCount: Int = 1 << 40) { capacity = capacityByteCount }

    func locked<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        // The answer leaves through a variable because the lock would only hand out what may be sent anywhere.
        var answer: Swift.Result<Result, Failure>?
        lock.withLock { _ in
            do throws(Failure) { answer = .success(try body()) } catch { answer = .failure(error) }
        }
        return try answer!.get()
    }

    // MARK: Knobs

    /// The sum of all file lengths that fits. May be set below what is in use: then nothing grows, all the rest works.
    package var capacityByteCount: Int {
        get { locked { capacity } }
        set { locked { capacity = newValue } }
    }

    /// The sum of all file lengths now.
    package var allocatedByteCount: Int { locked { usedByteCount } }

    /// Asked before every call that has an `IOError.Operation`.
    package var fault: Fault? {
        get { locked { hook } }
        set { locked { hook = newValue } }
    }

    /// With true, every read would have to wait for the device: `readWithoutWaiting` answers nil.
    package var readsWait: Bool {
        get { locked { isCold } }
        set { locked { isCold = newValue } }
    }

    /// How often the operation was called, failed calls included.
    package func callCount(_ operation: IOError.Operation) -> Int { locked { callCounts[operation, default: 0] } }

    /// What is open at the moment: names of directories, files and mappings, for finding what was not closed.
    package var openHandles: [String] {
        locked {
            directories.values.map { "directory \($0.name)" } + files.values.map { "file \($0.name)" }
                + mappings.values.flatMap { $0.map { "mapping of \($0.name)" } }
        }.sorted()
    }
    package var openHandleCount: Int { openHandles.count }

    // MARK: For the methods of StorageIO

    /// Counts the call and lets the hook fail it.
    func enter(_ operation: IOError.Operation, _ name: String) throws(IOError) {
        let (hook, count) = locked {
            callCounts[operation, default: 0] += 1
            return (self.hook, callCounts[operation]!)
        }
        if let errorNumber = hook?(operation, name, count) {
            throw IOError(operation, name: name, errorNumber: errorNumber, detail: "injected, call \(count)")
        }
    }

    func newHandle() -> Int32 {
        lastHandle += 1
        return lastHandle
    }

    /// Takes `byteCount` more bytes of the disk, or fails with ENOSPC.
    func charge(_ byteCount: Int, _ operation: IOError.Operation, _ name: String) throws(IOError) {
        if byteCount > 0, usedByteCount + byteCount > capacity {
            throw IOError(operation, name: name, errorNumber: ENOSPC)
        }
        usedByteCount += byteCount
    }

    /// Gives the bytes of a file back that has neither name nor user any more.
    func release(_ file: ShadowFile) {
        if file.nameCount == 0, file.openCount == 0, file.mapCount == 0 { usedByteCount -= file.byteCount }
    }

    /// The contents of all files that have names now, by path: for comparing states in tests. O(bytes).
    package func contents() -> [String: [UInt8]] {
        locked {
            var contents: [String: [UInt8]] = [:]
            func walk(_ directory: ShadowDirectory, _ path: String) {
                for (name, node) in directory.current {
                    switch node {
                    case .file(let file): contents["\(path)/\(name)"] = file.bytes.memory.bytes
                    case .directory(let directory): walk(directory, "\(path)/\(name)")
                    }
                }
            }
            for (path, directory) in roots { walk(directory, path) }
            return contents
        }
    }
}
