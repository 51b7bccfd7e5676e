import MillraceIO
package import MillraceLog
package import MillraceModel

// The engine's errors under the names that users of streams know. The only place where one becomes the other.

extension KinesisError {
    /// - Parameter path: the store's directory, which names the place when the engine's error has none.
    package init(_ error: LogError, path: String) {
        switch error {
        case .recordTooLarge(let byteCount, let limitByteCount):
            self = .recordTooLarge(byteCount: byteCount, limitByteCount: limitByteCount)
        case .keyTooLong(let byteCount):
            self = .recordTooLarge(byteCount: byteCount, limitByteCount: Limits.partitionKeyByteCount)
        default:
            self = .storage(StorageError(error, path: path))
        }
    }
}

extension StorageError {
    /// - Parameter path: as for `KinesisError`.
    init(_ error: LogError, path: String) {
        switch error {
        case .io(let error): self = StorageError(error, path: path)
        case .wouldBlock: self = .wouldBlock
        case .storageFull: self = .storageFull(path: path)
        case .gap(let gap): self = StorageError(gap)
        case .frozen(let cause): self = .frozen("\(StorageError.text(of: cause))")
        case .closed, .ended, .removed: self = .closed
        case .locked(let processID): self = .locked(byProcess: Int32(processID) ?? 0)
        case .notAStore: self = .notAStore(path: path)
        case .newerFormat(let file, let leastReaderVersion, let unknownFeatures):
            // Unknown features come in a version that can be told from this one by them only.
            let found = unknownFeatures == 0 ? leastReaderVersion : max(leastReaderVersion, Self.formatVersion + 1)
            self = .newerFormat(file: file, found: found, supported: Self.formatVersion)
        case .corrupt(let file, let byteOffset, let detail):
            self = .corrupt(file: file, byteOffset: byteOffset, detail: detail)
        case .unknownLog(let id):
            self = .corrupt(file: "logs/\(id)", byteOffset: 0, detail: "a shard's directory is missing below \(path)")
        case .tooManyHeldViews(let held, let limit):
            self = .io("records lent out hold \(held) of \(limit) bytes of memory for reading; let some go")
        case .timedOut:
            self = .io("a wait was given up; whether the record is kept is not known yet")
        case .recordTooLarge(let byteCount, _), .keyTooLong(let byteCount):
            self = .io("\(byteCount) bytes are too many for a record")
        }
    }

    /// The version of docs/FORMAT.md that this library reads.
    static let formatVersion = 1

    private init(_ gap: Gap) {
        switch gap.cause {
        case .trimmed: self = .trimmed(from: gap.from, to: gap.to)
        case .corrupt(let file, let byteOffset):
            self = .corrupt(
                file: file, byteOffset: byteOffset, detail: "records \(gap.from) up to \(gap.to) cannot be read")
        }
    }

    private init(_ error: IOError, path: String) {
        // EPERM, EACCES and EROFS; ENOSPC and EDQUOT, whose number is another on Darwin.
        switch error.errorNumber {
        case 1, 13, 30: self = .permission(path: path)
        case 28, 69, 122: self = .storageFull(path: path)
        default:
            self = error.operation == .permissions ? .permission(path: path) : .io(StorageError.text(of: error))
        }
    }

    private static func text(of error: IOError) -> String {
        let cause = error.errorNumber == 0 ? error.detail : "error number \(error.errorNumber)"
        return error.name.isEmpty
            ? "\(error.operation.rawValue): \(cause)" : "\(error.operation.rawValue) of \(error.name): \(cause)"
    }
}

extension Level {
    init(_ level: AckLevel) {
        switch level {
        case .published: self = .published
        case .written: self = .written
        case .durable: self = .durable
        }
    }
}
