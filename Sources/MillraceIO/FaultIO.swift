
/// Makes calls of another `StorageIO` fail by plan: the n-th call of a kind fails with an `errno`, once or from
/// then on. Counts all calls. A class because it stands in for the shared storage below it.
///
/// A test runs a scenario with n = 1, 2, 3, ... until it passes without the fault having happened. A failed call does
/// not reach the storage below, except for the first bytes of a write or a copy if so planned, and that a failed sync makes
/// a `ShadowIO` forget what it covered, as a real disk may.
package final class FaultIO: StorageIO {
    /// One planned fault. A value.
    package struct Plan: Sendable, Equatable {
        package var operation: IOError.Operation
        /// Which call fails, from 1.
        package var call: Int
        package var errorNumber: Int32
        /// True when all later calls of the operation fail as well.
        package var isPermanent: Bool
        /// For a write or a copy: how many of its first bytes reach the storage below before it fails.
        package var writtenByteCount: Int

        package init(
            _ operation: IOError.Operation, call: Int, errorNumber: Int32, isPermanent: Bool = false,
            writtenByteCount: Int = 0
        ) {
            self.operation = operation
            self.call = call
            self.errorNumber = errorNumber
            self.isPermanent = isPermanent
            self.writtenByteCount = writtenByteCount
        }
    }

    private struct State {
        var plans: [Plan]
        var counts: [IOError.Operation: Int] = [:]
        var injectedCount = 0
    }
    private let base: any StorageIO
    private let state: Guarded<State>

    package init(_ base: any StorageIO, _ plans: [Plan] = []) {
        self.base = base
        state = Guarded(State(plans: plans))
    }

    /// Replaces the plans. The counts go on.
    package func setPlans(_ plans: [Plan]) { state.withLock { $0.plans = plans } }

    /// How often the operation was called, failed calls included.
    package func callCount(_ operation: IOError.Operation) -> Int {
        state.withLock { $0.counts[operation, default: 0] }
    }

    /// How many calls failed by plan so far.
    package var injectedCount: Int { state.withLock { $0.injectedCount } }

    private func enter(_ operation: IOError.Operation, _ name: String = "") throws(IOError) {
        if let (fault, _) = count(operation, name) { throw fault }
    }

    /// Counts the call; the error it fails with, and the plan that said so.
    private func count(_ operation: IOError.Operation, _ name: String) -> (fault: IOError, plan: Plan)? {
        state.withLock { state in
            let count = state.counts[operation, default: 0] + 1
            state.counts[operation] = count
            let plan = state.plans.first {
                $0.operation == operation && ($0.isPermanent ? count >= $0.call : count == $0.call)
            }
            guard let plan else { return nil }
            state.injectedCount += 1
            let detail = "injected, call \(count)"
            return (IOError(operation, name: name, errorNumber: plan.errorNumber, detail: detail), plan)
        }
    }

    // MARK: StorageIO

    package func openDirectory(at path: String, create: Bool) throws(IOError) -> DirectoryHandle {
        try enter(.openDirectory, path)
        return try base.openDirectory(at: path, create: create)
    }

    package func openDirectory(
        _ name: String, in directory: DirectoryHandle, create: Bool
    ) throws(IOError) -> DirectoryHandle {
        try enter(.openDirectory, name)
        return try base.openDirectory(name, in: directory, create: create)
    }

    package func list(_ directory: DirectoryHandle) throws(IOError) -> [String] {
        try enter(.listDirectory)
        return try base.list(directory)
    }

    package func sync(_ directory: DirectoryHandle) throws(IOError) {
        try enter(.syncDirectory)
        try base.sync(directory)
    }

    package func close(_ directory: DirectoryHandle) { base.close(directory) }

    package func removeDirectory(_ name: String, in directory: DirectoryHandle) throws(IOError) {
        try enter(.unlink, name)
        try base.removeDirectory(name, in: directory)
    }

    package func openFile(_ name: String, in directory: DirectoryHandle, writable: Bool) throws(IOError) -> FileHandle {
        try enter(.openFile, name)
        return try base.openFile(name, in: directory, writable: writable)
    }

    package func createFile(_ name: String, in directory: DirectoryHandle) throws(IOError) -> FileHandle {
        try enter(.createFile, name)
        return try base.createFile(name, in: directory)
    }

    package func close(_ file: FileHandle) { base.close(file) }

    package func byteCount(of file: FileHandle) throws(IOError) -> Int {
        try enter(.read)
        return try base.byteCount(of: file)
    }

    package func allocate(_ file: FileHandle, byteCount: Int) throws(IOError) {
        try enter(.allocate)
        try base.allocate(file, byteCount: byteCount)
    }

    package func read(_ file: FileHandle, at byteOffset: Int, into memory: Memory) throws(IOError) -> Int {
        try enter(.read)
        return try base.read(file, at: byteOffset, into: memory)
    }

    package func readWithoutWaiting(
        _ file: FileHandle, at byteOffset: Int, into memory: Memory
    ) throws(IOError) -> Int? {
        try enter(.read)
        return try base.readWithoutWaiting(file, at: byteOffset, into: memory)
    }

    package func write(_ file: FileHandle, at byteOffset: Int, _ pieces: [Memory]) throws(IOError) {
        guard let (fault, plan) = count(.write, "") else { return try base.write(file, at: byteOffset, pieces) }
        var rest = plan.writtenByteCount
        let written = pieces.map { piece in
            defer { rest -= min(rest, piece.byteCount) }
            return piece.slice(0, min(rest, piece.byteCount))
        }
        if plan.writtenByteCount > 0 { try base.write(file, at: byteOffset, written) }
        throw fault
    }

    package func sync(_ file: FileHandle) throws(IOError) {
        do throws(IOError) { try enter(.sync) } catch {
            (base as? ShadowIO)?.abandonUnsynced(file)
            throw error
        }
        try base.sync(file)
    }

    package func startReading(_ file: FileHandle, at byteOffset: Int, byteCount: Int) {
        base.startReading(file, at: byteOffset, byteCount: byteCount)
    }

    package func rename(
        _ name: String, in directory: DirectoryHandle, to newName: String, in newDirectory: DirectoryHandle
    ) throws(IOError) {
        try enter(.rename, name)
        try base.rename(name, in: directory, to: newName, in: newDirectory)
    }

    package func unlink(_ name: String, in directory: DirectoryHandle) throws(IOError) {
        try enter(.unlink, name)
        try base.unlink(name, in: directory)
    }

    package func renameDirectory(at path: String, to newPath: String) throws(IOError) {
        try enter(.rename, path)
        try base.renameDirectory(at: path, to: newPath)
    }

    package func removeDirectory(at path: String) throws(IOError) {
        try enter(.unlink, path)
        try base.removeDirectory(at: path)
    }

    package func link(
        _ name: String, in directory: DirectoryHandle, as newName: String, in newDirectory: DirectoryHandle
    ) throws(IOError) {
        try enter(.link, name)
        try base.link(name, in: directory, as: newName, in: newDirectory)
    }

    package func nameCount(of file: FileHandle) throws(IOError) -> Int {
        try enter(.read)
        return try base.nameCount(of: file)
    }

    package func copy(_ source: FileHandle, _ range: Range<Int>, to target: FileHandle) throws(IOError) {
        guard let (fault, plan) = count(.copy, "") else { return try base.copy(source, range, to: target) }
        let copied = min(plan.writtenByteCount, range.count)
        if copied > 0 { try base.copy(source, range.prefix(copied), to: target) }
        throw fault
    }

    package func map(_ file: FileHandle, byteCount: Int) throws(IOError) -> Memory {
        try enter(.map)
        return try base.map(file, byteCount: byteCount)
    }

    package func unmap(_ memory: Memory) { base.unmap(memory) }

    package func populate(_ memory: Memory) throws(IOError) {
        try enter(.populate)
        try base.populate(memory)
    }

    package func lock(_ file: FileHandle) throws(IOError) -> Bool {
        try enter(.lock)
        return try base.lock(file)
    }

    package func freeSpace(
        in directory: DirectoryHandle
    ) throws(IOError) -> (availableByteCount: Int, totalByteCount: Int) {
        try enter(.freeSpace)
        return try base.freeSpace(in: directory)
    }
}
