/// What a call to the operating system, or to what stands in for it, answered in place of a result.
///
/// Carries the numbers a person needs to act: the call, the file's name and `errno`.
public struct IOError: Error, Equatable, Sendable {
    /// The operation that failed, in the words of `StorageIO`.
    public enum Operation: String, Sendable, Equatable {
        case openDirectory, listDirectory, syncDirectory, openFile, createFile, allocate, read, write, sync
        case rename, unlink, link, copy, map, populate, lock, freeSpace, permissions
    }
    public let operation: Operation
    /// The file or directory the call named; empty when it named none.
    public let name: String
    /// The C library's `errno`; 0 when the answer itself was wrong (a short read, say).
    public let errorNumber: Int32
    /// What was wrong when `errorNumber` is 0, otherwise empty.
    public let detail: String

    public init(_ operation: Operation, name: String, errorNumber: Int32, detail: String = "") {
        self.operation = operation
        self.name = name
        self.errorNumber = errorNumber
        self.detail = detail
    }
}
