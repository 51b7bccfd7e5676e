
/// Copies of one shadow file's bytes that nobody uses any more, with what is known about where they differ from it.
/// A class because the file and the crash states made of it share it.
///
/// A crash state needs the whole file in memory of its own, but differs from it in a few pages. A copy that
/// came back is brought up to date page by page, so that a state costs what changed, not what there is.
final class ShadowSpares: Sendable {
    /// A copy that equals the file as it was after `position` entries of change journal `epoch`, except for the
    /// pages `dirty`; nil when too many to list.
    struct Spare: Sendable {
        let storage: AlignedMemory
        let epoch: Int
        let position: Int
        let dirty: [Int32]?
    }

    static let maximumCount = 8

    private let spares = Guarded<[Spare]>([])

    func put(_ spare: Spare) {
        spares.withLock { if $0.count < ShadowSpares.maximumCount { $0.append(spare) } }
    }

    /// The copy that came back last, if any.
    func take() -> Spare? { spares.withLock { $0.popLast() } }

    func takeAll() -> [Spare] {
        spares.withLock { spares in
            defer { spares = [] }
            return spares
        }
    }
}
