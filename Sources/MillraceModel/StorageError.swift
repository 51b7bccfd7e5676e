/// What only a store on this machine says, and the service never does.
public enum StorageError: Error, Hashable, Sendable {
    /// The disk, or the budget the store was given, has no room for what was to be written below `path`.
    /// Reading goes on; writing does once there is room.
    case storageFull(path: String)
    /// Memory for unwritten records is all in use, and the caller asked not to wait. Nothing was written.
    case wouldBlock
    /// Records are gone by age or size: ordinals `from` up to, and not with, `to`, the oldest one left.
    case trimmed(from: UInt64, to: UInt64)
    /// Bytes at `byteOffset` of `file` are not what was written there.
    case corrupt(file: String, byteOffset: Int, detail: String)
    /// Another process has the store open for writing; 0 when its number is not known.
    case locked(byProcess: Int32)
    /// `file` is of format version `found`; this library reads versions up to `supported`.
    case newerFormat(file: String, found: Int, supported: Int)
    /// The directory holds files and none of them is a store's.
    case notAStore(path: String)
    /// The operating system does not let this process at `path`.
    case permission(path: String)
    /// The store, or the handle used, was closed before the call.
    case closed
    /// An earlier write or sync failed, so what is on disk is unknown: this shard takes no more records until the
    /// store is opened anew. The text says what failed.
    case frozen(String)
    /// Any other failure of the operating system. The text names the call, the file and the error number.
    case io(String)
}

extension StorageError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .storageFull(let path): "no room to write below \(path)"
        case .wouldBlock: "all memory for unwritten records is in use"
        case .trimmed(let from, let to): "records \(from) up to \(to) are gone; the oldest left is \(to)"
        case .corrupt(let file, let byteOffset, let detail): "\(file) is damaged at byte \(byteOffset): \(detail)"
        case .locked(0): "another process has the store open"
        case .locked(let process): "process \(process) has the store open"
        case .newerFormat(let file, let found, let supported):
            "\(file) has format version \(found); this library reads up to version \(supported)"
        case .notAStore(let path): "\(path) holds files and no store"
        case .permission(let path): "no permission for \(path)"
        case .closed: "closed before the call"
        case .frozen(let cause): "takes no more records until the store is opened anew: \(cause)"
        case .io(let detail): detail
        }
    }
}
