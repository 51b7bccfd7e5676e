/// What opening a log found and did.
package struct RecoveryReport: Sendable, Equatable {
    package var logID: UInt64
    /// The log was closed cleanly, or never held anything.
    package var wasClean = true
    /// Where the log ends now: one past its last record.
    package var endOrdinal: UInt64 = 0
    /// Segments whose blocks were read.
    package var segmentsWalked = 0
    /// Bytes that were readable as blocks or not, behind the cut.
    package var discarded: [Discarded] = []
    package var damage: [FoundDamage] = []
    /// Files set aside, now or at an earlier opening, that are too short for any segment. No stop of the machine
    /// leaves one: a file has its size before it gets its name.
    package var cutOff: [String] = []

    package struct Discarded: Sendable, Equatable {
        package var file: String
        package var byteOffset: Int
    }
    package struct FoundDamage: Sendable, Equatable {
        package var file: String
        package var bytes: Range<Int>
        package var ordinals: Range<UInt64>
    }
}
