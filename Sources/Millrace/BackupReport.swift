import MillraceLog

/// How a backup is made.
public struct BackupOptions: Hashable, Sendable {
    /// Whether files that the store never changes again get a second name in place of a copy, where store and
    /// destination are on one file system: quick, and without room of its own. Such a backup keeps what the store
    /// deletes, and shares the fate of the disk and of every bit on it.
    public var sharesFiles = true
    /// Whether every byte of the backup is read and checked before it gets its name, as `millrace verify` does. Costs
    /// reading all of it.
    public var verifies = true

    public init() {}
}

/// What a backup holds, and what is wrong with it.
public struct BackupReport: Hashable, Sendable {
    /// A place that is not as it was written, in the backup as in the store, or that the backup lacks.
    public struct Fault: Hashable, Sendable, CustomStringConvertible {
        /// Path from the store's directory on.
        public let file: String
        /// Where in the file; nil when it is about the file as a whole.
        public let bytes: Range<Int>?
        /// Whether records are lost there; otherwise nothing but what stands beside them.
        public let isDamage: Bool
        /// What is wrong, for a person.
        public let detail: String

        public var description: String {
            "\(file)\(bytes.map { " at bytes \($0.lowerBound)..<\($0.upperBound)" } ?? ""): \(detail)"
        }
    }

    /// The backup's directory.
    public let path: String
    public let streamCount: Int
    /// Shards of all streams, closed ones included.
    public let shardCount: Int
    /// Files that share their bytes with the store, and their length together.
    public let sharedFileCount: Int
    public let sharedByteCount: Int
    /// Files that were copied, and what was written for them.
    public let copiedFileCount: Int
    public let copiedByteCount: Int
    /// Whether every byte of the backup was read and checked.
    public let isVerified: Bool
    /// What is damaged or missing. Without a verification only what copying came by.
    public let faults: [Fault]

    init(path: String, streamCount: Int, shardCount: Int, _ contents: BackupContents) {
        self.path = path
        self.streamCount = streamCount
        self.shardCount = shardCount
        sharedFileCount = contents.linkedSegmentCount
        sharedByteCount = contents.linkedByteCount
        copiedFileCount = contents.copiedSegmentCount
        copiedByteCount = contents.copiedByteCount
        isVerified = contents.isVerified
        faults = contents.findings.map {
            Fault(file: $0.file, bytes: $0.bytes, isDamage: $0.severity == .damage, detail: $0.detail)
        }
    }
}
