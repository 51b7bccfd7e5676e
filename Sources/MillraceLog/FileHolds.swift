import Synchronization

/// How many backups are copying a store's files at the moment. While one does,
///
/// - no log's files are removed (`LogStore.removeLog` puts that off), and
/// - no file that loses its name may become another segment: somebody may be reading it under its old one.
///
/// Whoever gives files a second life renames the file away first, then asks `isHeld`, then `StorageIO.nameCount`: a
/// backup that begins later does not find the file any more, one that runs is seen here, and one that has ended has
/// left the file a second name, under which its bytes belong to the backup for ever.
final class FileHolds: Sendable {
    private let count = Atomic<Int>(0)

    /// Sequentially consistent, as the counting is.
    var isHeld: Bool { count.load(ordering: .sequentiallyConsistent) > 0 }

    func take() { count.add(1, ordering: .sequentiallyConsistent) }
    /// True for the last one.
    func giveBack() -> Bool { count.subtract(1, ordering: .sequentiallyConsistent).newValue == 0 }
}
