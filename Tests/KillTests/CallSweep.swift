/// The kills at chosen system calls: for each call its first, its second, and so on until the writer comes to its end.
struct CallSweep {
    /// What the writer asks of the disk, and of the names on it.
    private static let calls = [
        "openat", "mkdirat", "flock", "getdents64", "fallocate", "pwritev", "fdatasync", "fsync", "renameat",
        "unlinkat",
    ]
    /// Kills at calls of one name, one after the other; more than a short life makes.
    private static let greatestNumber = 100

    private var at = 0
    private var number = 1
    private(set) var kills: [String: Int] = [:]
    /// How often all calls were swept.
    private(set) var passCount = 0

    var next: Life.Death { .call(CallSweep.calls[at], number) }
    var killCount: Int { kills.values.reduce(0, +) }
    var summary: String {
        CallSweep.calls.compactMap { call in kills[call].map { "\(call) \($0)" } }.joined(separator: ", ")
    }

    /// What came of `next`.
    mutating func took(wasKilled: Bool) {
        let call = CallSweep.calls[at]
        if wasKilled { kills[call, default: 0] += 1 }
        number += 1
        guard !wasKilled || number > CallSweep.greatestNumber else { return }
        at += 1
        if at == CallSweep.calls.count { (at, passCount) = (0, passCount + 1) }
        number = 1
    }
}
