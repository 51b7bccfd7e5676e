/// How a backup is made.
package struct BackupChoices: Sendable {
    /// Sealed segments get a second name in place of a copy, where the file system can.
    package var isLinking = true
    /// Everything is read and checked before the backup gets its name.
    package var isVerifying = true
    package init() {}
}

/// What a backup holds, and what is wrong with it. A value.
package struct BackupContents: Sendable {
    package fileprivate(set) var logCount = 0
    /// Segments that share their bytes with the store.
    package fileprivate(set) var linkedSegmentCount = 0
    package fileprivate(set) var linkedByteCount = 0
    package fileprivate(set) var copiedSegmentCount = 0
    /// What was written for the others.
    package fileprivate(set) var copiedByteCount = 0
    /// Whether every byte of the backup was read and checked.
    package fileprivate(set) var isVerified = false
    /// What the store has that the backup has not: nobody could read it in the store either.
    package fileprivate(set) var omissions: [StoreVerification.Finding] = []
    /// What is not as it was written, in the backup as in the store: all of it after a verification, else what copying
    /// came by.
    package fileprivate(set) var faults: [StoreVerification.Finding] = []

    package var findings: [StoreVerification.Finding] { omissions + faults }

    mutating func addLog() { logCount += 1 }

    mutating func addLinked(byteCount: Int) {
        linkedSegmentCount += 1
        linkedByteCount += byteCount
    }

    mutating func addCopied(byteCount: Int) {
        copiedSegmentCount += 1
        copiedByteCount += byteCount
    }

    mutating func omit(_ severity: StoreVerification.Severity, _ file: String, log: UInt64, _ detail: String) {
        omissions.append(.init(severity: severity, file: file, bytes: nil, logID: log, ordinals: nil, detail: detail))
    }

    mutating func addFault(_ file: String, bytes: Range<Int>?, log: UInt64, ordinals: Range<UInt64>?, _ detail: String) {
        faults.append(.init(severity: .damage, file: file, bytes: bytes, logID: log, ordinals: ordinals, detail: detail))
    }

    /// The verification of the whole says everything about what is there.
    mutating func take(_ verification: StoreVerification) {
        isVerified = true
        faults = verification.findings.filter { $0.severity > .note }
    }
}
