/// The kills at chosen system calls: for each call its first, its second, and so on until the writer comes to its end.
struct CallSweep {
    /// What the writer asks of the disk, and of the names on it.
    private static let calls = [
        "openat", "mkdirat", "flock", "getdents64", "fallocate", "pwritev", "fdatasync", "fsync", "renameat",
        "unlinkat",
    ]
    /// Kills at calls of one name, one after the other; more than a short life makes.
    private static let greatestNumber = 100

    /// One call after the other, or in turn the next number of each.
    private let isInTurn: Bool
    private var at = 0
    /// Of each call, the number of its next kill; past `greatestNumber` when it was swept.
    private var numbers = [Int](repeating: 1, count: CallSweep.calls.count)
    private(set) var kills: [String: Int] = [:]
    /// How often all calls were swept.
    private(set) var passCount = 0

    /// - Parameter isInTurn: for writers whose lives are long, of whose calls few can be tried: every name has its share.
    init(isInTurn: Bool = false) { self.isInTurn = isInTurn }

    var next: Life.Death { .call(CallSweep.calls[at], numbers[at]) }
    var killCount: Int { kills.values.reduce(0, +) }
    var summary: String {
        CallSweep.calls.compactMap { call in kills[call].map { "\(call) \($0)" } }.joined(separator: ", ")
    }

    /// What came of `next`.
    mutating func took(wasKilled: Bool) {
        let call = CallSweep.calls[at]
        if wasKilled { kills[call, default: 0] += 1 }
        // In turn, numbers grow ever faster.
        numbers[at] += isInTurn ? 1 + numbers[at] / 4 : 1
        if !wasKilled { numbers[at] = CallSweep.greatestNumber + 1 }
        if !isInTurn, numbers[at] <= CallSweep.greatestNumber { return }
        for _ in numbers {
            at = (at + 1) % numbers.count
            if numbers[at] <= CallSweep.greatestNumber { return }
        }
        (at, passCount) = (0, passCount + 1)
        numbers = numbers.map { _ in 1 }
    }
}
