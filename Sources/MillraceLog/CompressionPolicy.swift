import Synchronization

/// Whether to compress, learnt from what came before: after raw verdicts a growing number of blocks is not tried.
final class CompressionPolicy: Sendable {
    let isEnabled: Bool
    /// Below this a block is stored raw: LZ4 has nothing to find in it.
    private static let leastByteCount = 128
    private static let greatestSkip = 64
    private let skip = Atomic<Int>(0)
    private let nextSkip = Atomic<Int>(0)

    init(isEnabled: Bool) { self.isEnabled = isEnabled }

    /// LZ4's acceleration at so much backlog (0...1); nil: no time for compression at all.
    func acceleration(backlog: Double) -> Int32? {
        if backlog < 0.75 { return 1 }
        return backlog < 0.9 ? 8 : nil
    }

    func shouldTry(byteCount: Int) -> Bool {
        guard isEnabled, byteCount >= Self.leastByteCount else { return false }
        if skip.load(ordering: .relaxed) <= 0 { return true }
        return skip.subtract(1, ordering: .relaxed).newValue < 0
    }
    func note(raw byteCount: Int, isCompressed: Bool) {
        // A small block says little about its neighbours.
        guard byteCount >= 16_384 else { return }
        let next = isCompressed ? 0 : min(max(1, nextSkip.load(ordering: .relaxed) * 2), Self.greatestSkip)
        nextSkip.store(next, ordering: .relaxed)
        skip.store(next, ordering: .relaxed)
    }
}
