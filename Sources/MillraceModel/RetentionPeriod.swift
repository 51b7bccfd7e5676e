/// For how long a stream keeps its records, counted from a record's arrival: 24 to 8,760 hours (365 days).
///
/// Rule: service model, texts of IncreaseStreamRetentionPeriod and DecreaseStreamRetentionPeriod.
public struct RetentionPeriod: Hashable, Sendable {
    public let hours: Int

    /// A period of that many hours.
    ///
    /// - Throws: `KinesisError.invalidArgument` outside 24...8,760.
    public init(hours: Int) throws(KinesisError) {
        if hours < Limits.retentionHours.lowerBound {
            throw .invalidArgument(
                "Minimum allowed retention period is \(Limits.retentionHours.lowerBound) hours. "
                    + "Requested retention period (\(hours) hours) is too short.")
        }
        if hours > Limits.retentionHours.upperBound {
            throw .invalidArgument(
                "Maximum allowed retention period is \(Limits.retentionHours.upperBound) hours. "
                    + "Requested retention period (\(hours) hours) is too long.")
        }
        self.init(checkedHours: hours)
    }

    private init(checkedHours: Int) { hours = checkedHours }

    /// The period of a new stream: 24 hours.
    public static let `default` = RetentionPeriod(checkedHours: Limits.defaultRetentionHours)

    /// The period in milliseconds, the unit of arrival times.
    public var milliseconds: Int64 { Int64(hours) * 3_600_000 }
}

extension RetentionPeriod: Comparable {
    public static func < (left: RetentionPeriod, right: RetentionPeriod) -> Bool { left.hours < right.hours }
}

extension RetentionPeriod: CustomStringConvertible {
    public var description: String { "\(hours) h" }
}
