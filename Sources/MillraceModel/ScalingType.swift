/// How a stream gets to another count of shards. The raw value is AWS's (service model, shape ScalingType).
public enum ScalingType: String, Hashable, Sendable, CaseIterable {
    /// To shards of equal ranges.
    case uniformScaling = "UNIFORM_SCALING"
}
