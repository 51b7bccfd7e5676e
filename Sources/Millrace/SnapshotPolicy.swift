/// When the catalogue writes down how everything stands, so that an opening need not read how it came to be. A value; decides,
/// does nothing.
///
/// A snapshot is written after so many changes that reading them takes longer than is good, and not before they have as many bytes
/// as the snapshot has: so all snapshots together are no more than all changes, and an opening reads no more than a snapshot,
/// another one's worth of changes, and `greatestRecordCount`.
package struct SnapshotPolicy: Hashable, Sendable {
    /// Some 10 ms of reading.
    package static let greatestRecordCount = 1024
    package static let greatestByteCount = 1 << 20

    /// Since the newest snapshot, or the beginning.
    package private(set) var recordCount = 0
    package private(set) var byteCount = 0
    /// Of the last snapshot that was made, whether or not it was written.
    private var snapshotByteCount = 0

    package init() {}

    /// Changes were made.
    package mutating func add(recordCount: Int, byteCount: Int) {
        self.recordCount += recordCount
        self.byteCount += byteCount
    }

    /// Whether it is worth while to make a snapshot, as far as can be said before it is made.
    package var isDue: Bool {
        (recordCount >= Self.greatestRecordCount || byteCount >= Self.greatestByteCount) && byteCount >= snapshotByteCount
    }

    /// Whether a snapshot that has so many bytes is to be written now.
    package mutating func writes(byteCount: Int) -> Bool {
        snapshotByteCount = byteCount
        return self.byteCount >= byteCount
    }

    /// One was written.
    package mutating func wrote() { (recordCount, byteCount) = (0, 0) }
}
