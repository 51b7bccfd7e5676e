extension FaultLife {
    /// What a life did; added up over many.
    package struct Tally: Sendable {
        package var faults: [String: Int] = [:]
        package var steps = 0
        package var openings = 0
        package var failedOpenings = 0
        package var powerLosses = 0
        package var frozenLogs = 0
        package var records = 0
        package var comparisons = 0
        package init() {}
        package var faultCount: Int { faults.values.reduce(0, +) }
        package mutating func add(_ other: Tally) {
            faults.merge(other.faults, uniquingKeysWith: +)
            steps += other.steps
            openings += other.openings
            failedOpenings += other.failedOpenings
            powerLosses += other.powerLosses
            frozenLogs += other.frozenLogs
            records += other.records
            comparisons += other.comparisons
        }
    }
}
