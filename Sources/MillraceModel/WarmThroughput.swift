/// The writes an on-demand stream is ready for at once, in MiB a second. Rule: service model, shape WarmThroughputObject.
public struct WarmThroughput: Hashable, Sendable {
    /// What the stream is being scaled to.
    public let targetMiBps: Int
    /// What it can take now.
    public let currentMiBps: Int

    public init(targetMiBps: Int, currentMiBps: Int) {
        self.targetMiBps = targetMiBps
        self.currentMiBps = currentMiBps
    }
}
